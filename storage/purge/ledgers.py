"""Deleting what is written down beside the runs: skips, alerts, cancelled starts, tickets of forgotten instances."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from azure.core import MatchConditions
from azure.core.exceptions import ResourceModifiedError

from storage.keys import before_filter, behind_filter, newest_time_first, partition_filter
from storage.ledger.alerts import ALERTS
from storage.ledger.hub import is_live
from storage.ledger.locks import PARTITION as TICKETS
from storage.ledger.schedule import CANCELLED
from storage.ledger.skips import SKIP_IDS, SKIPS
from storage.purge.deleting import delete_found
from storage.purge.work import Slice, Work

LOOKED_AT_ONCE: Final = 100


async def delete_skips(slice_: Slice, work: Work) -> Work | None:
    """Delete what is old of the ledger of skips."""
    tables, before = slice_.store.tables, work.records_before
    old = f"{partition_filter(SKIPS)} and {behind_filter(newest_time_first(before - timedelta(microseconds=1)))}"
    found, is_all = await delete_found(tables, "skips", old, slice_.budget)
    slice_.deleted["skips"] += found
    if is_all:
        _, is_all = await delete_found(
            tables, "skips", f"{partition_filter(SKIP_IDS)} and {before_filter('at', before)}", slice_.budget
        )
    return None if is_all else work


async def delete_alerts(slice_: Slice, work: Work) -> Work | None:
    """Delete old alerts, sent or not: by then nobody would take them for news.

    They stay as long as the runs and skips that they tell of, so that none is written down a second time.
    """
    old = f"{partition_filter(ALERTS)} and {before_filter('at', work.records_before)}"
    found, is_all = await delete_found(slice_.store.tables, "alerts", old, slice_.budget)
    slice_.deleted["alerts"] += found
    return None if is_all else work


async def delete_cancellations(slice_: Slice, work: Work) -> Work | None:
    """Delete what says that a start is cancelled, unless the instance that would make the start lives still."""
    query = f"{partition_filter(CANCELLED)} and {before_filter('cancelled_at', work.before)}"

    async def is_over(entity: Any) -> bool:
        instance_id = entity.get("instance_id")  # older versions of the app did not write it down
        return bool(instance_id) and not await is_live(slice_.client, instance_id)

    return await _delete_if(slice_, work, "schedule", query, is_over)


async def delete_tickets(slice_: Slice, work: Work) -> Work | None:
    """Delete the tickets of instances that the hub has forgotten; never that of runs, whose epoch must not fall."""
    query = f"{partition_filter(TICKETS)} and {before_filter('acquired_at', work.before)}"

    async def is_gone(entity: Any) -> bool:
        return entity["key"] != slice_.scrape and not await slice_.client.get_status(entity["instance_id"])

    return await _delete_if(slice_, work, "locks", query, is_gone)


async def _delete_if(
    slice_: Slice, work: Work, name: str, query: str, condition: Callable[[Any], Awaitable[bool]]
) -> Work | None:
    """Delete those entities that are found, fulfil the condition, and do not change meanwhile."""
    tables = slice_.store.tables
    table = await tables.table(name)
    after = work.after
    while True:
        behind = f"{query} and {behind_filter(after)}" if after else query
        async with tables.faults():
            found = []
            async for entity in table.query_entities(behind, results_per_page=LOOKED_AT_ONCE):
                found.append(entity)
                if len(found) == LOOKED_AT_ONCE:
                    break
            for entity in found:
                if await condition(entity):
                    slice_.deleted[name] += await _delete_unchanged(table, entity)
                slice_.budget.spend(2)
                after = entity["RowKey"]
                if slice_.budget.is_spent:
                    return replace(work, after=after)
        if len(found) < LOOKED_AT_ONCE:
            return None


async def _delete_unchanged(table: Any, entity: Any) -> int:
    try:
        await table.delete_entity(
            entity["PartitionKey"],
            entity["RowKey"],
            etag=entity.metadata["etag"],
            match_condition=MatchConditions.IfNotModified,
        )
    except ResourceModifiedError:
        return 0  # somebody has just begun to use it again
    return 1
