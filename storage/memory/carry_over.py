"""The rows of an earlier run, read for pages that have not changed since."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from scraper.known_pages import CarriedRows
from storage.account.tables import Tables
from storage.keys import batch_partition, epoch_of, page_of_key, pages_filter

ROWS_AT_ONCE: Final = 1000
"""As many as the service gives in one answer; so a batch never holds the rows of all its pages."""


class RowsBefore:
    """The rows of neighbouring pages that one attempt wrote, read together when the first of them is asked for.

    `rows` has by place in the batch how many rows each page had.
    """

    def __init__(self, tables: Tables, *, snapshot: str, batch: int, attempt: str, rows: Mapping[int, int]) -> None:
        self._tables = tables
        self._snapshot, self._batch, self._attempt = snapshot, batch, attempt
        self._rows = {place: count for place, count in rows.items() if count}
        self._found: dict[int, list[dict[str, Any]]] | None = None
        self._reading = asyncio.Lock()

    async def of_page(self, place: int) -> CarriedRows | None:
        """The rows of one page, in order, to be asked for once; None if they are not all there any more."""
        if place not in self._rows:
            return []
        async with self._reading:
            if self._found is None:
                self._found = await self._read()
        found = self._found.pop(place, [])
        return found if len(found) == self._rows[place] else None

    async def _read(self) -> dict[int, list[dict[str, Any]]]:
        found: dict[int, list[dict[str, Any]]] = {place: [] for place in self._rows}
        partition, origin = batch_partition(self._snapshot, self._batch), {"_epoch": epoch_of(self._snapshot)}
        query = pages_filter(partition, self._attempt, min(found), max(found))
        table = await self._tables.table("rows")
        async with self._tables.faults():
            async for entity in table.query_entities(query):
                place = page_of_key(entity["RowKey"].removeprefix(f"{self._attempt}-"))
                if place in found:  # there may be pages between that are not wanted
                    found[place].append({**origin, **entity})
        return found
