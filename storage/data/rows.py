"""The `rows` and `failures` tables: what the attempts of a batch wrote, staged until the snapshot is published.

Every attempt writes under its own ID, so attempts never meet. The rows of a snapshot are those of the attempts
that `batches` recorded; the leavings of all others are invisible and go with the snapshot's retention.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from scraper.models import PageFailure, PageLoaded, Row
from storage.account.tables import Tables
from storage.account.writes import Writer, refused_size, upsert_all
from storage.data.row_values import stored_values
from storage.data.stored_rows import Keyed, RowPlace, StoredRow, in_page_order, stored_row
from storage.errors import MissingRecord, RowTooLarge
from storage.keys import attempt_key, batch_partition, epoch_of, page_of_key, place_of_key, prefix_filter
from storage.work.batch_results import BatchResult
from storage.work.page_lists import Part

PLAN_BATCH = 999_999  # failures that planning met, filed where no batch is


@dataclass(frozen=True, slots=True)
class FailurePlace:
    """Where a failure stands in its snapshot: it keeps this place, whatever is recorded before or behind it.

    `turn` is 0 for what planning met, else the number of the batch and one; `page` its place there.
    """

    turn: int
    page: int


class Rows:
    """Rows and failures, written per attempt and read per snapshot."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @asynccontextmanager
    async def staging(self, snapshot: str, batch: int, attempt: str) -> AsyncIterator["Staging"]:
        """Takes the loaded pages of one attempt as they come; all are written when the block ends."""
        async with Writer(await self._tables.table("rows")) as writer:
            yield Staging(writer, batch_partition(snapshot, batch), attempt)

    async def stage(self, snapshot: str, batch: int, attempt: str, pages: Iterable[PageLoaded]) -> int:
        """Write the rows of one attempt; returns how many."""
        async with self.staging(snapshot, batch, attempt) as staging:
            for page in pages:
                staging.add(page, place=page.index)
        return staging.rows

    async def stage_failures(
        self, snapshot: str, batch: int, attempt: str, failures: Sequence[tuple[int, PageFailure]]
    ) -> None:
        """Write the failed pages of one attempt, each with its place in the batch."""
        partition = batch_partition(snapshot, batch)
        entities = (
            {"PartitionKey": partition, "RowKey": attempt_key(attempt, index), **_without_none(failure)}
            for index, failure in failures
        )
        await upsert_all(await self._tables.table("failures"), entities)

    async def of_snapshot(self, snapshot: str, results: Sequence[BatchResult]) -> AsyncIterator[StoredRow]:
        """The rows of the attempts in `results`, in page order: also of pages that a later run has loaded.

        Raises MissingRecord, at the end of a batch, if not all of its rows are there any more.
        """
        async for _, row in self.placed(snapshot, results):
            yield row

    async def placed(
        self, snapshot: str, results: Sequence[BatchResult], *, after: RowPlace | None = None, at_once: int = 1000
    ) -> AsyncIterator[tuple[RowPlace, StoredRow]]:
        """As `of_snapshot`, the rows behind `after`, each with its place; `at_once` so many are asked for at a time."""
        for result in results:
            if after is not None and result.batch < after.batch:
                continue
            behind = after if after is not None and after.batch == result.batch else None
            number = behind.number if behind is not None else 0
            parts = [self._of_part(part, result.batch, behind, at_once) for part in result.parts(snapshot) if part.rows]
            async for key, row in in_page_order(parts):
                number += 1
                yield RowPlace(result.batch, *place_of_key(key), number), row
            if number != result.rows:
                found = f"{number} of its {result.rows} rows"
                raise MissingRecord(f"batch {result.batch} of snapshot {snapshot} has {found}; was it purged?")

    async def _of_part(self, part: Part, batch: int, behind: RowPlace | None, at_once: int) -> AsyncIterator[Keyed]:
        """The rows of one attempt, in order."""
        table = await self._tables.table("rows")
        prefix = f"{part.attempt}-"
        query = prefix_filter(batch_partition(part.snapshot, batch), prefix)
        if behind is not None:
            query += f" and RowKey gt '{behind.key_of(part.attempt)}'"
        async with self._tables.faults():
            async for entity in table.query_entities(query, results_per_page=at_once):
                yield entity["RowKey"].removeprefix(prefix), stored_row(entity, epoch_of(part.snapshot))

    async def has_rows_of(self, part: Part, batch: int) -> bool:
        """True if the rows of an attempt, which had some, are still there."""
        table = await self._tables.table("rows")
        query = prefix_filter(batch_partition(part.snapshot, batch), f"{part.attempt}-")
        async with self._tables.faults():
            async for _ in table.query_entities(query, results_per_page=1, select=["RowKey"]):
                return True
        return False

    async def failed_pages(self, snapshot: str, result: BatchResult) -> list[tuple[int, str]]:
        """The failed pages of one batch: place in the batch, and URL.

        Raises MissingRecord if they are not all there any more.
        """
        table = await self._tables.table("failures")
        prefix = f"{result.attempt}-"
        query = prefix_filter(batch_partition(snapshot, result.batch), prefix)
        async with self._tables.faults():
            found = [
                (page_of_key(entity["RowKey"].removeprefix(prefix)), str(entity["url"]))
                async for entity in table.query_entities(query, select=["RowKey", "url"])
            ]
        if len(found) != result.failed:
            raise MissingRecord(f"snapshot {snapshot} lists {len(found)} of {result.failed} failed pages of a batch")
        return found

    async def failures(
        self,
        snapshot: str,
        results: Sequence[BatchResult],
        *,
        plan_attempts: Sequence[str],
        after: FailurePlace | None = None,
    ) -> AsyncIterator[tuple[FailurePlace, PageFailure]]:
        """The failed pages of the attempts in `results`, planning's own failures first; those behind `after`."""
        table = await self._tables.table("failures")
        filed = [
            *((0, PLAN_BATCH, attempt) for attempt in plan_attempts),
            *((one.batch + 1, one.batch, one.attempt) for one in results if one.failed),
        ]
        for turn, batch, attempt in filed:
            if after is not None and turn < after.turn:
                continue
            query = prefix_filter(batch_partition(snapshot, batch), f"{attempt}-")
            if after is not None and turn == after.turn:
                query += f" and RowKey gt '{attempt_key(attempt, after.page)}'"
            async with self._tables.faults():
                async for entity in table.query_entities(query):
                    page = page_of_key(entity["RowKey"].removeprefix(f"{attempt}-"))
                    fields = {name: entity[name] for name in PageFailure.model_fields if name in entity}
                    yield FailurePlace(turn, page), PageFailure.model_validate(fields)


class Staging:
    """The rows of one attempt on their way into storage; `rows` counts them."""

    def __init__(self, writer: Writer, partition: str, attempt: str) -> None:
        self.rows = 0
        self._writer, self._partition, self._attempt = writer, partition, attempt

    def add(self, page: PageLoaded, *, place: int) -> None:
        """Take the rows of the page that is the batch's `place`th, from 0.

        Raises RowTooLarge, and takes none, if the service would refuse one.
        """
        entities = [self._entity(page, place, row) for row in page.rows]
        for entity in entities:
            size = refused_size(entity)
            if size:
                raise RowTooLarge(page.url, entity["_position"], size)
        self.rows += len(entities)
        self._writer.add(entities)

    def carry_over(self, rows: Iterable[Mapping[str, Any]], *, place: int) -> None:
        """Take rows that another attempt wrote, as storage has them, for the page that is the batch's `place`th."""
        entities = [
            {**row, "PartitionKey": self._partition, "RowKey": attempt_key(self._attempt, place, row["_position"])}
            for row in rows
        ]
        self.rows += len(entities)
        self._writer.add(entities)

    def _entity(self, page: PageLoaded, place: int, row: Row) -> dict[str, Any]:
        return {
            "PartitionKey": self._partition,
            "RowKey": attempt_key(self._attempt, place, row.position),
            "_url": page.url,
            "_position": row.position,
            "_fetched_at": page.fetched_at,
            **stored_values(row.values),
        }


def _without_none(failure: PageFailure) -> dict[str, Any]:
    return {name: value for name, value in failure.model_dump(mode="json").items() if value is not None}
