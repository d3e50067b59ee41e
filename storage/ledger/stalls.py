"""What the watchdog writes down, in partitions of the `runs` table: stalls it has reported, and when it looked.

A stall is named by the run's epoch and the time of its last progress, and is inserted once: so one look, of however
many at a time, is the first to report it, and progress ends it without another write.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

from storage.account.tables import Tables
from storage.keys import microseconds, prefix_filter

STALLS: Final = "stall"
WATCH: Final = "watch"
LONGEST_GAP: Final = timedelta(minutes=15)
"""Between two looks, which are five minutes apart; after a longer one the app was down or asleep."""


@dataclass(frozen=True, slots=True)
class Stall:
    """A run that recorded nothing after `since`. `reason` is what its orchestration looked like when this was seen."""

    epoch: int
    run_id: str
    since: datetime
    reported_at: datetime
    reason: str


class Stalls:
    """The stalls of the app's runs."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def report(self, stall: Stall) -> bool:
        """Write a stall down; True for the one caller who was the first."""
        table = await self._tables.table("runs")
        entity = {
            "PartitionKey": STALLS,
            "RowKey": f"{_prefix(stall.epoch)}{microseconds(stall.since)}",
            "epoch": stall.epoch,
            "run_id": stall.run_id,
            "since": stall.since,
            "reported_at": stall.reported_at,
            "reason": stall.reason,
        }
        async with self._tables.faults():
            try:
                await table.create_entity(entity)
            except ResourceExistsError:
                return False
        return True

    async def of_run(self, epoch: int) -> list[Stall]:
        """Every stall of the run with this epoch, the oldest first; those that are over, too."""
        table = await self._tables.table("runs")
        async with self._tables.faults():
            found = table.query_entities(stalls_filter(epoch))
            return [_from_entity(entity) async for entity in found]

    async def looked_at(self) -> datetime | None:
        """When the watchdog looked last; None if it never has."""
        table = await self._tables.table("runs")
        async with self._tables.faults():
            try:
                last: datetime = (await table.get_entity(WATCH, WATCH))["looked_at"]
            except ResourceNotFoundError:
                return None
        return last

    async def look(self, now: datetime) -> datetime:
        """Say that the watchdog looks, `now`; returns since when it has done so without a gap: the app is awake."""
        table = await self._tables.table("runs")
        async with self._tables.faults():
            try:
                last = await table.get_entity(WATCH, WATCH)
                gap = now - last["looked_at"]
                awake_since = last["awake_since"] if gap <= LONGEST_GAP else now
            except ResourceNotFoundError:
                awake_since = now
            await table.upsert_entity(
                {"PartitionKey": WATCH, "RowKey": WATCH, "looked_at": now, "awake_since": awake_since}
            )
        return awake_since


def stalls_filter(epoch: int) -> str:
    """OData filter: the stalls of the run with this epoch."""
    return prefix_filter(STALLS, _prefix(epoch))


def _prefix(epoch: int) -> str:
    return f"{epoch:010d}-"


def _from_entity(entity: Any) -> Stall:
    return Stall(
        epoch=entity["epoch"],
        run_id=entity["run_id"],
        since=entity["since"],
        reported_at=entity["reported_at"],
        reason=entity["reason"],
    )
