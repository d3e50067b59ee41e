"""The `batches` table: what a snapshot is made of, and which attempt of each batch counts.

One partition per snapshot holds the recorded plan, the page lists of that plan's batches, and one result per
batch. Plan and results are inserted once and never changed: whoever comes second takes what is there. So an
activity may run twice, or beside its own zombie, and all of them go on with the same pages and the same rows.
"""

import json
import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeVar

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.data.tables import EdmType, EntityProperty

from storage.errors import MissingRecord
from storage.keys import prefix_filter
from storage.tables import Tables
from storage.writes import upsert_all

PLAN: Final = "plan"
PAGE_LIST_BYTES: Final = 60_000  # of JSON before compression; a property takes 64 KiB


@dataclass(frozen=True, slots=True)
class Plan:
    """The pages of a snapshot: how many, in how many batches, and which planning attempt wrote the lists.

    `not_found` counts places that should have named pages and could not be read; `left_out` the pages beyond
    the source's `max_pages`.
    """

    attempt: str
    batches: int
    pages: int
    not_found: int
    left_out: int


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The attempt of one batch that counts, and what it found."""

    batch: int
    attempt: str
    loaded: int
    failed: int
    rows: int


Record = TypeVar("Record", Plan, BatchResult)


class Batches:
    """Plans, page lists and results."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def plan(self, snapshot: str) -> Plan | None:
        """The recorded plan, or None if there is none yet."""
        entity = await self._find(snapshot, PLAN)
        return None if entity is None else Plan(**_fields(entity, Plan))

    async def record_plan(self, snapshot: str, plan: Plan, pages: Sequence[Sequence[str]]) -> Plan:
        """Store the page lists, then the plan; returns the plan that counts, ours or an earlier one."""
        entities = (
            {
                "PartitionKey": snapshot,
                "RowKey": _page_list_key(plan.attempt, number),
                "pages": EntityProperty(_pack(urls), EdmType.BINARY),
            }
            for number, urls in enumerate(pages)
        )
        await upsert_all(await self._tables.table("batches"), entities)
        return await self._insert_once(snapshot, PLAN, plan, Plan)

    async def pages(self, snapshot: str, *, plan_attempt: str, batch: int) -> list[str]:
        """The URLs of one batch, in plan order. Raises MissingRecord if the plan never wrote it."""
        entity = await self._find(snapshot, _page_list_key(plan_attempt, batch))
        if entity is None:
            raise MissingRecord(f"snapshot {snapshot} has no page list for batch {batch}; was it purged?")
        pages: list[str] = json.loads(zlib.decompress(entity["pages"]))
        return pages

    async def result(self, snapshot: str, batch: int) -> BatchResult | None:
        """The recorded result of a batch, or None if no attempt has finished."""
        entity = await self._find(snapshot, _result_key(batch))
        return None if entity is None else BatchResult(**_fields(entity, BatchResult))

    async def record_result(self, snapshot: str, result: BatchResult) -> BatchResult:
        """Make this attempt the one that counts, unless one does already; returns the one that counts."""
        return await self._insert_once(snapshot, _result_key(result.batch), result, BatchResult)

    async def results(self, snapshot: str) -> list[BatchResult]:
        """All recorded results, in batch order."""
        return [result async for result in self._results(snapshot)]

    async def _results(self, snapshot: str) -> AsyncIterator[BatchResult]:
        table = await self._tables.table("batches")
        async with self._tables.faults():
            async for entity in table.query_entities(prefix_filter(snapshot, "result-")):
                yield BatchResult(**_fields(entity, BatchResult))

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
                await table.create_entity({"PartitionKey": snapshot, "RowKey": row_key, **asdict(record)})
            except ResourceExistsError:
                entity = await table.get_entity(snapshot, row_key)
                return kind(**_fields(entity, kind))
        return record


def cut_batches(urls: Sequence[str], *, pages_per_batch: int) -> list[list[str]]:
    """`urls` in order, in lists of at most `pages_per_batch` that also fit into one entity each."""
    batches: list[list[str]] = []
    size = PAGE_LIST_BYTES
    for url in urls:
        url_size = len(json.dumps(url)) + 2
        if not batches or len(batches[-1]) == pages_per_batch or size + url_size > PAGE_LIST_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(url)
        size += url_size
    return batches


def _page_list_key(plan_attempt: str, batch: int) -> str:
    return f"pages-{plan_attempt}-{batch:06d}"


def _result_key(batch: int) -> str:
    return f"result-{batch:06d}"


def _pack(urls: Sequence[str]) -> bytes:
    return zlib.compress(json.dumps(list(urls)).encode())


def _fields(entity: Any, kind: type[Any]) -> dict[str, Any]:
    return {name: entity[name] for name in kind.__dataclass_fields__}
