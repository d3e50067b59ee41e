"""The run that is on its way, what it has done so far, and whether it still does anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from azure.durable_functions import OrchestrationRuntimeStatus as Status

from orchestrations import names
from storage.ledger.hub import HubClient, is_live_status
from storage.ledger.runs import RunRecord
from storage.ledger.stalls import Stall
from storage.outcomes.progress import Count, RunProgress, run_progress
from storage.store import Store
from storage.ticket import TicketState

IN_JSON: Final = {"left_out": "leftOut", "failed_by_reason": "failedByReason", "may_grow": "mayGrow"}
TOTALS: Final[tuple[Count, ...]] = ("pages", "left_out", "loaded", "unchanged", "failed", "rows")


@dataclass(frozen=True, slots=True)
class LiveRun:
    """A run that holds the singleton and lives, and the runtime status of its orchestration.

    Until it takes its first step `run` has no claim and no sources, and began when its ticket was taken.
    """

    run: RunRecord
    runtime_status: Any


def is_starting(run: RunRecord) -> bool:
    """True for a run whose start was accepted, but which has not taken its first step yet."""
    return not run.claim


async def live_run(client: HubClient, store: Store) -> LiveRun | None:
    """The singleton's holder while it lives; there is never more than one.

    Its record may tell its end already: it lives until its orchestration has ended, too.
    """
    ticket = await store.tickets.read(names.DAILY_SCRAPE)
    if ticket is None or ticket.state is TicketState.FREE:
        return None
    status = await client.get_status(ticket.instance_id)
    if not is_live_status(status, of=names.DAILY_SCRAPE):
        return None
    run = await store.runs.find(ticket.instance_id)
    if run is None or run.epoch != ticket.epoch:
        run = RunRecord(ticket.instance_id, ticket.epoch, "", ticket.acquired_at, ticket.acquired_by)
    return LiveRun(run, status.runtime_status)


async def progress(store: Store, run: RunRecord) -> RunProgress:
    """How far a run and its sources are."""
    return await run_progress(store.batches, store.datasets, run)


async def stall_of(store: Store, run: RunRecord) -> Stall | None:
    """What the watchdog has reported of a live run, unless there was progress since."""
    reported = await store.stalls.of_run(run.epoch)
    if not reported:  # nearly always: the batches need not be read
        return None
    last_progress_at = (await progress(store, run)).last_progress_at
    return next((stall for stall in reported if stall.since == last_progress_at), None)


def in_json(counts: Mapping[str, Any]) -> dict[str, Any]:
    """Counts by the names that they have in JSON."""
    return {IN_JSON.get(name, name): count for name, count in counts.items()}


async def is_suspended(client: HubClient, run: RunRecord) -> bool:
    """Whether somebody has suspended the orchestration of a run that has not ended."""
    if run.outcome is not None:
        return False
    status = await client.get_status(run.run_id)
    return is_live_status(status, of=names.DAILY_SCRAPE) and status.runtime_status is Status.Suspended


async def run_facts(
    store: Store, run: RunRecord, so_far: RunProgress | None, *, suspended: bool = False
) -> dict[str, Any]:
    """What JSON says of a run beside its record: `totals`, `lastProgressAt`, `stuck`, `suspended`.

    Without `so_far` from the record alone, as of a run that has ended; one that left no results then has no totals.
    """
    if so_far is None:
        counted: dict[str, int] = {name: sum(result.get(name, 0) for result in run.results) for name in TOTALS}
        return {
            "totals": in_json(counted) if run.results or not run.sources else None,
            "lastProgressAt": run.finished_at.isoformat() if run.finished_at else None,
            "stuck": False,
            "suspended": False,
        }
    reported = await store.stalls.of_run(run.epoch) if run.outcome is None else []
    totals: dict[str, int] = {name: so_far.total(name) for name in TOTALS}
    return {
        "totals": in_json(totals),
        "lastProgressAt": so_far.last_progress_at.isoformat(),
        "stuck": any(stall.since == so_far.last_progress_at for stall in reported),
        "suspended": suspended,
    }
