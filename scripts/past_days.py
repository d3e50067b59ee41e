"""A month of runs that never were, for pictures and tests of the dashboard: made up, and the same every time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from orchestrations import names
from storage.keys import snapshot_id
from storage.ledger.runs import RunRecord, finished
from storage.ledger.skips import Skip, SkipReason
from storage.store import Store
from storage.ticket import Ticket, TicketState

MISSED, SKIPPED, FAILED, STOPPED = 9, 16, 21, 26
"""Days ago on which nothing ran, a start was skipped, a run failed or was stopped."""
SLOW = 12
MANUAL = 3
"""Days ago with a second run, which somebody started at noon."""


async def write_past_days(store: Store, sources: Mapping[str, int], *, today: datetime, days: int) -> None:
    """A daily run of today, if it is late enough, and of the `days` before; `sources` is how many pages each has now.

    The app must not have run yet: the runs take the epochs from 1.
    """
    morning = today.replace(hour=6, minute=0, second=0, microsecond=0)
    epoch = 0
    for ago in range(days, -1, -1):
        at = morning - timedelta(days=ago)
        if ago == MISSED or at > today:
            continue
        if ago == SKIPPED:
            held = Skip(at, _daily(at), "timer", SkipReason.HELD, "by-hand", "'by-hand' is still running.", at)
            await store.skips.record(held)
            continue
        epoch += 1
        await _write_run(store, epoch, _daily(at), at, ago, sources, by="timer")
        if ago == MANUAL:
            epoch += 1
            noon = at + timedelta(hours=6)
            await _write_run(store, epoch, f"run-{noon:%Y%m%dT%H%M%SZ}", noon, ago, sources, by="http")
    ticket = Ticket(names.DAILY_SCRAPE, _daily(morning), TicketState.STARTED, morning, "timer", "past", epoch=epoch)
    await store.tickets.insert(ticket)


def _daily(at: datetime) -> str:
    return f"daily-{at:%Y-%m-%d}"


async def _write_run(
    store: Store, epoch: int, run_id: str, at: datetime, ago: int, sources: Mapping[str, int], *, by: str
) -> None:
    outcome = {FAILED: "failed", STOPPED: "stopped"}.get(ago)
    results = [_result(name, pages, ago, outcome) for name, pages in sources.items()]
    record = RunRecord(run_id, epoch, f"past-{epoch}", at, by, tuple(sources))
    await store.runs.create(record)
    lasted = timedelta(seconds=40 + sum(sources.values()) / 12 * (4 if ago == SLOW else 1) * (1 + ago % 5 / 10))
    outcome = outcome or ("completed_with_failures" if any(one["failed"] for one in results) else "completed")
    reason = {"failed": "nothing was published", "stopped": "drained: asked for by http"}.get(outcome, "")
    await store.runs.end(finished(record, at=at + lasted, outcome=outcome, reason=reason, results=results))
    for one in results:
        if one["outcome"] == "published":
            await _publish(store, one, epoch, run_id, at + lasted)


def _result(source: str, pages_now: int, ago: int, outcome: str | None) -> dict[str, Any]:
    """The site grows by a page a day; some days a few of its pages fail."""
    pages = max(1, pages_now - ago)
    failed = pages if outcome == "failed" else (ago * 7 % 5) * pages // 400
    loaded = (pages - failed) // (3 if outcome == "stopped" else 1)
    state = {"failed": "refused", "stopped": "stopped"}.get(outcome or "", "published")
    reason = {"refused": f"{failed} of {pages} pages failed", "stopped": "the run was stopped"}.get(state, "")
    counts = {"pages": pages, "loaded": loaded, "failed": failed, "rows": loaded, "batches": pages // 100 + 1}
    return {
        "source": source,
        "outcome": state,
        "reason": reason,
        **counts,
        "added": 1,
        "removed": 0,
        "changed": ago % 7,
    }


async def _publish(store: Store, result: Mapping[str, Any], epoch: int, run_id: str, at: datetime) -> None:
    source = result["source"]
    counts = (result["pages"], result["failed"], result["rows"])
    await store.datasets.raise_fence(source, epoch)
    snapshot = snapshot_id(source, epoch)
    await store.datasets.publish(source, epoch=epoch, snapshot=snapshot, run_id=run_id, at=at, counts=counts)
