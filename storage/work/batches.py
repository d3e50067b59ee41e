"""The `batches` table: what a snapshot is made of, and which attempt of each batch counts.

One partition per snapshot holds the recorded plan, the page lists of that plan's batches, and one result per
batch. Plan and results are inserted once and never changed: whoever comes second takes what is there. So an
activity may run twice, or beside its own zombie, and all of them go on with the same pages and the same rows.

Where links are followed, there is one plan for each level of links; the newest counts the pages of all of them.

A run that retries another cuts the same batches as that one: those that are complete are taken over as results, by
reference to where their rows lie, and of the others a list holds the pages that are left.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

from storage.account.tables import Tables
from storage.account.writes import upsert_all
from storage.errors import MissingRecord, SnapshotGone
from storage.keys import prefix_filter, range_filter
from storage.work import failure_reasons
from storage.work.batch_results import BatchResult
from storage.work.page_lists import PageList, PreviousPage, parts_as_text, parts_from_text
from storage.work.plans import PAGE_LIST_BYTES, PLAN, Plan, cut_batches, failing, plan_key

__all__ = ["PAGE_LIST_BYTES", "Batches", "Plan", "cut_batches", "failing"]

INSERTS_IN_FLIGHT: Final = 8


Record = TypeVar("Record", Plan, BatchResult)


class Batches:
    """Plans, page lists and results."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def plan(self, snapshot: str) -> Plan | None:
        """The recorded plan, or None if there is none yet; where links are followed, that of the newest level."""
        first = await self.plan_of_level(snapshot, 0)
        if first is None or not first.follows:
            return first
        newest = await self._later_plans(snapshot, at_most=1)
        return newest[0] if newest else first

    async def plan_of_level(self, snapshot: str, level: int) -> Plan | None:
        """The recorded plan of one level of links, or None; sources that do not follow any have level 0 only."""
        entity = await self._find(snapshot, plan_key(level))
        return None if entity is None else _record(entity, Plan)

    async def ensure_planned(self, snapshot: str) -> None:
        """Raise SnapshotGone if there is no plan: then rows of the snapshot may have been purged."""
        if await self.plan_of_level(snapshot, 0) is None:
            raise SnapshotGone(snapshot)

    async def plans(self, snapshot: str) -> list[Plan]:
        """The recorded plans of all levels, in order."""
        first = await self.plan_of_level(snapshot, 0)
        if first is None or not first.follows:
            return [] if first is None else [first]
        return [first, *reversed(await self._later_plans(snapshot))]

    async def _later_plans(self, snapshot: str, *, at_most: int = 1000) -> list[Plan]:
        """The plans of the levels above 0, the newest first; `at_most` so many are asked for at a time."""
        table = await self._tables.table("batches")
        found: list[Plan] = []
        async with self._tables.faults():
            query = prefix_filter(snapshot, f"{PLAN}-")
            async for entity in table.query_entities(query, results_per_page=at_most):
                found.append(_record(entity, Plan))
                if at_most == 1:
                    break
        return found

    async def record_plan(
        self,
        snapshot: str,
        plan: Plan,
        pages: Sequence[Sequence[str]],
        previous: Mapping[str, PreviousPage] | None = None,
    ) -> Plan:
        """Store the page lists, then the plan; returns the plan that counts, ours or an earlier one.

        `previous` has by URL where pages have been loaded before.
        """
        lists = [PageList.whole(number, urls).with_previous(previous or {}) for number, urls in enumerate(pages)]
        return await self.record_retry(snapshot, plan, lists, [])

    async def record_retry(
        self, snapshot: str, plan: Plan, lists: Sequence[PageList], taken_over: Sequence[BatchResult]
    ) -> Plan:
        """As `record_plan`, for a run that retries another: `taken_over` are the results of complete batches.

        Planning again may find more complete batches than before, never fewer, since results are never removed. So a
        batch that has both a result and a page list, by two attempts to plan, is one that needs no work any more.
        """
        slots = asyncio.Semaphore(INSERTS_IN_FLIGHT)

        async def insert(result: BatchResult) -> None:
            async with slots:
                await self.record_result(snapshot, result)

        await asyncio.gather(*map(insert, taken_over))
        entities = (
            {"PartitionKey": snapshot, "RowKey": _page_list_key(plan.attempt, number), **one.columns()}
            for number, one in enumerate(lists)
        )
        await upsert_all(await self._tables.table("batches"), entities)
        return await self._insert_once(snapshot, plan_key(plan.level), plan, Plan)

    async def page_list(self, snapshot: str, *, plan_attempt: str, number: int) -> PageList:
        """The pages to fetch for one batch, in plan order. Raises MissingRecord if the plan never wrote the list."""
        entity = await self._find(snapshot, _page_list_key(plan_attempt, number))
        if entity is None:
            raise MissingRecord(f"snapshot {snapshot} has no page list {number}; was it purged?")
        return PageList.from_entity(entity, number=number)

    async def page_lists(self, snapshot: str, *, plan_attempt: str) -> list[PageList]:
        """The pages to fetch for every batch of one plan that has some."""
        table = await self._tables.table("batches")
        async with self._tables.faults():
            entities = table.query_entities(prefix_filter(snapshot, f"pages-{plan_attempt}-"))
            found = [entity async for entity in entities]
        return [PageList.from_entity(entity, number=number) for number, entity in enumerate(found)]

    async def page_lists_of(self, snapshot: str, plans: Sequence[Plan]) -> list[PageList]:
        """The pages to fetch for every batch of these plans that has some, in batch order."""
        if len(plans) == 1:
            return await self.page_lists(snapshot, plan_attempt=plans[0].attempt)
        attempts = {plan.attempt for plan in plans}
        table = await self._tables.table("batches")
        async with self._tables.faults():
            entities = table.query_entities(prefix_filter(snapshot, "pages-"))
            found = [
                PageList.from_entity(entity, number=0)
                async for entity in entities
                if entity["RowKey"].split("-")[1] in attempts
            ]
        return sorted(found, key=lambda one: one.batch)

    async def result(self, snapshot: str, batch: int) -> BatchResult | None:
        """The recorded result of a batch, or None if no attempt has finished."""
        entity = await self._find(snapshot, _result_key(batch))
        return None if entity is None else _record(entity, BatchResult)

    async def record_result(self, snapshot: str, result: BatchResult) -> BatchResult:
        """Make this attempt the one that counts, unless one does already; returns the one that counts."""
        return await self._insert_once(snapshot, _result_key(result.batch), result, BatchResult)

    async def results(self, snapshot: str) -> list[BatchResult]:
        """All recorded results, in batch order."""
        return [result async for result in self._results(prefix_filter(snapshot, "result-"))]

    async def results_between(self, snapshot: str, first: int, last: int) -> list[BatchResult]:
        """The recorded results of the batches from `first` to `last`, in batch order."""
        query = range_filter(snapshot, _result_key(first), _result_key(last + 1))
        return [result async for result in self._results(query)]

    async def _results(self, query: str) -> AsyncIterator[BatchResult]:
        table = await self._tables.table("batches")
        async with self._tables.faults():
            async for entity in table.query_entities(query):
                yield _record(entity, BatchResult)

    async def _find(self, snapshot: str, row_key: str) -> Any:
        table = await self._tables.table("batches")
        async with self._tables.faults():
            try:
                return await table.get_entity(snapshot, row_key)
            except ResourceNotFoundError:
                return None

    async def _insert_once(self, snapshot: str, row_key: str, record: Record, kind: type[Record]) -> Record:
        table = await self._tables.table("batches")
        async with self._tables.faults():
            try:
                await table.create_entity({"PartitionKey": snapshot, "RowKey": row_key, **_columns(record)})
            except ResourceExistsError:
                return _record(await table.get_entity(snapshot, row_key), kind)
        return record


def _page_list_key(plan_attempt: str, number: int) -> str:
    return f"pages-{plan_attempt}-{number:06d}"


def _result_key(batch: int) -> str:
    return f"result-{batch:06d}"


def _columns(record: Plan | BatchResult) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in record.__dataclass_fields__}
    columns = {name: value for name, value in values.items() if value is not None}
    if "earlier" in columns:
        columns["earlier"] = parts_as_text(columns["earlier"])
    if "reasons" in columns:
        columns["reasons"] = failure_reasons.as_text(columns["reasons"])
    return columns


def _record(entity: Any, kind: type[Record]) -> Record:
    columns = {name: entity[name] for name in kind.__dataclass_fields__ if name in entity}
    if "earlier" in columns:
        columns["earlier"] = parts_from_text(columns["earlier"])
    if "reasons" in columns:
        columns["reasons"] = failure_reasons.from_text(columns["reasons"])
    return kind(**columns)
