"""The `schedule` table: whether the schedule is paused, and which starts that were to come have been cancelled."""

from dataclasses import dataclass
from datetime import datetime

from azure.core.exceptions import ResourceNotFoundError

from storage.account.tables import Tables
from storage.keys import key_text

SCHEDULES = "schedule"
CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """What an operator has set; `changed_at` is None until somebody has."""

    paused: bool = False
    changed_at: datetime | None = None


class Schedules:
    """The state of each schedule, by the name of what it starts, and the starts that must not happen any more."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def read(self, name: str) -> ScheduleState:
        """The state of a schedule; not paused if nobody ever said so."""
        table = await self._tables.table("schedule")
        async with self._tables.faults():
            try:
                entity = await table.get_entity(SCHEDULES, key_text(name))
            except ResourceNotFoundError:
                return ScheduleState()
        return ScheduleState(entity["paused"], entity["changed_at"])

    async def write(self, name: str, state: ScheduleState) -> None:
        """Replace the state of a schedule; the last one who writes wins."""
        table = await self._tables.table("schedule")
        row = {"PartitionKey": SCHEDULES, "RowKey": key_text(name)}
        async with self._tables.faults():
            await table.upsert_entity({**row, "paused": state.paused, "changed_at": state.changed_at}, mode="replace")

    async def cancel_start(self, claim: str, *, at: datetime, by: str, instance_id: str) -> None:
        """Say that the start with this claim must not happen, which `instance_id` would make; it stays so."""
        table = await self._tables.table("schedule")
        row = {"PartitionKey": CANCELLED, "RowKey": key_text(claim)}
        async with self._tables.faults():
            cancelled = {**row, "cancelled_at": at, "cancelled_by": by, "instance_id": instance_id}
            await table.upsert_entity(cancelled, mode="replace")

    async def is_start_cancelled(self, claim: str) -> bool:
        """True once somebody has cancelled the start with this claim."""
        table = await self._tables.table("schedule")
        async with self._tables.faults():
            try:
                await table.get_entity(CANCELLED, key_text(claim))
            except ResourceNotFoundError:
                return False
        return True
