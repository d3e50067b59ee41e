"""Batches whose site has asked for a long pause: what is left of them, and until when to wait. In the table `batches`.

Each pause of a batch is recorded once, under its number; what was loaded before it is part of the rest, by reference.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

from storage.account.tables import Tables
from storage.errors import MissingRecord
from storage.work.page_lists import PageList


@dataclass(frozen=True, slots=True)
class BatchKey:
    """A page list of a plan, in a snapshot."""

    snapshot: str
    plan_attempt: str
    number: int

    def row_key(self, pause: int) -> str:
        """Where pause number `pause`, from 1, is recorded."""
        return f"paused-{self.plan_attempt}-{self.number:06d}-{pause:04d}"


@dataclass(frozen=True, slots=True)
class Pause:
    """What is left of a batch, not to be asked for before `until`."""

    rest: PageList
    until: datetime


class Pauses:
    """The pauses of batches."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def read(self, batch: BatchKey, pause: int) -> Pause:
        """A recorded pause, counted from 1. Raises MissingRecord."""
        table = await self._tables.table("batches")
        async with self._tables.faults():
            try:
                entity = await table.get_entity(batch.snapshot, batch.row_key(pause))
            except ResourceNotFoundError:
                lost = f"snapshot {batch.snapshot} has no {batch.row_key(pause)}; was it purged?"
                raise MissingRecord(lost) from None
        return _pause(entity, batch)

    async def record(self, batch: BatchKey, pause: int, wanted: Pause) -> Pause:
        """Record the pause unless there is one of this number; returns the one that counts."""
        table = await self._tables.table("batches")
        key = {"PartitionKey": batch.snapshot, "RowKey": batch.row_key(pause)}
        async with self._tables.faults():
            try:
                await table.create_entity({**key, "until": wanted.until, **wanted.rest.columns()})
            except ResourceExistsError:
                return _pause(await table.get_entity(batch.snapshot, batch.row_key(pause)), batch)
        return wanted


def _pause(entity: Any, batch: BatchKey) -> Pause:
    return Pause(PageList.from_entity(entity, number=batch.number), entity["until"])
