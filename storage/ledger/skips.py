"""The `skips` table: starts that were due and did not happen, newest first, each with its reason."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from azure.core.exceptions import ResourceExistsError

from storage.account.tables import Tables
from storage.keys import microseconds, newest_time_first, partition_filter
from telemetry.effects import start_skipped

SKIPS = "skip"
SKIP_IDS = "skip-id"


class SkipReason(StrEnum):
    """Why a start did not happen."""

    HELD = "held"  # another run was alive
    PAUSED = "paused"  # the schedule was paused
    PAST_DUE = "past_due"  # the tick came later than the catch-up window allows
    DATE_SERVED = "date_served"  # the date had its run already
    ONE_IS_WAITING = "one_is_waiting"  # another start waits already for the holder to end


@dataclass(frozen=True, slots=True)
class Skip:
    """One start that did not happen. `at` is when that was decided, `scheduled_for` when it should have started.

    `trigger` is what would have started it (`timer`, `startAt`, `queue`, …), `reason` one of SkipReason, `holder` the
    run in the way, if any. Two skips are the same if run ID, trigger, reason and `scheduled_for` are; of what nobody
    had scheduled, if `at` is: a step that may be repeated gives the same one again.
    """

    at: datetime
    run_id: str
    trigger: str
    reason: str
    holder: str = ""
    detail: str = ""
    scheduled_for: datetime | None = None


class Skips:
    """The ledger of the app."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def record(self, skip: Skip) -> Skip:
        """Write a skip down unless it is there already; returns the one that stands, whose `at` is the first."""
        table = await self._tables.table("skips")
        own_id = _id_of(skip)
        async with self._tables.faults():
            try:
                await table.create_entity({"PartitionKey": SKIP_IDS, "RowKey": own_id, "at": skip.at})
            except ResourceExistsError:
                skip = replace(skip, at=(await table.get_entity(SKIP_IDS, own_id))["at"])
            try:
                await table.create_entity(_to_entity(skip, own_id))
                start_skipped(skip.reason)
            except ResourceExistsError:
                return _from_entity(await table.get_entity(SKIPS, _row_key(skip, own_id)))
        return skip

    async def newest(self, *, limit: int, after: str | None = None) -> tuple[list[Skip], str | None]:
        """At most `limit` skips, newest first, behind the one whose key is `after`; and where the next page begins."""
        table = await self._tables.table("skips")
        older = f" and RowKey gt '{after}'" if after is not None else ""
        page: list[Skip] = []
        last_key = None
        async with self._tables.faults():
            async for entity in table.query_entities(partition_filter(SKIPS) + older, results_per_page=limit + 1):
                if len(page) == limit:
                    return page, last_key
                page.append(_from_entity(entity))
                last_key = entity["RowKey"]
        return page, None


def _id_of(skip: Skip) -> str:
    when = skip.scheduled_for or skip.at
    parts = (skip.trigger, skip.run_id, skip.reason, str(microseconds(when)))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _row_key(skip: Skip, own_id: str) -> str:
    """The newest first; of those that were decided in one moment, the one that was scheduled last."""
    return f"{newest_time_first(skip.at)}-{newest_time_first(skip.scheduled_for or skip.at)}-{own_id}"


def _to_entity(skip: Skip, own_id: str) -> dict[str, Any]:
    entity = {
        "PartitionKey": SKIPS,
        "RowKey": _row_key(skip, own_id),
        "at": skip.at,
        "run_id": skip.run_id,
        "trigger": skip.trigger,
        "reason": skip.reason,
        "holder": skip.holder,
        "detail": skip.detail[:1000],
    }
    if skip.scheduled_for is not None:
        entity["scheduled_for"] = skip.scheduled_for
    return entity


def _from_entity(entity: Any) -> Skip:
    return Skip(
        at=entity["at"],
        run_id=entity["run_id"],
        trigger=entity["trigger"],
        reason=entity["reason"],
        holder=entity["holder"],
        detail=entity["detail"],
        scheduled_for=entity.get("scheduled_for"),
    )
