"""What a run ID stands for: the newest run with it, be it on its way, ended, or still to come; or that of an epoch."""

from azure.durable_functions import OrchestrationRuntimeStatus as Status

from orchestrations import names
from starts.later import LaterClient, Scheduled, find_scheduled_run
from storage.ledger.hub import HubClient, is_live_status, is_of
from storage.ledger.runs import UNCLAIMED, RunRecord, RunRef
from storage.outcomes.run_ends import ended_by_the_hub
from storage.store import Store
from triggers.runs.views import as_it_is, no_such_run
from triggers.web.request_reading import not_given


async def newest_run(client: LaterClient, store: Store, run_id: str) -> RunRecord | Scheduled:
    """The newest run with this ID as it is; a start that is still to come, or came to nothing, as Scheduled.

    A run whose start was accepted, but which has not taken its first step, has no claim and no sources yet. Raises
    Problem 404 if there never was a run with this ID.
    """
    # First what is to come: if it comes while we look, the run is found.
    scheduled = await find_scheduled_run(client, store.schedules, run_id)
    run = await store.runs.find(run_id)
    starting = await _run_without_record(client, store, run_id, after_epoch=run.epoch if run else 0)
    if starting is not None:
        return starting
    run = await as_it_is(client, store, run) if run is not None else None
    if run is not None and run.outcome is None:
        return run
    if scheduled is not None and not _has_become(scheduled, run):
        return scheduled
    if run is None:
        raise no_such_run(run_id)
    return run


async def asked_for(client: LaterClient, store: Store, run_id: str, epoch: int | None) -> RunRecord | Scheduled:
    """The run with this ID and epoch as it is; without an epoch as `newest_run`. Raises Problem 404."""
    run = None if epoch is None else await store.runs.of_execution(RunRef(run_id, epoch))
    if run is not None:
        return await as_it_is(client, store, run)
    newest = await newest_run(client, store, run_id)
    if epoch is not None and (isinstance(newest, Scheduled) or newest.epoch != epoch):
        raise no_such_run(f"{run_id}@{epoch}")
    return newest


async def listed_run(
    client: LaterClient,
    store: Store,
    execution: tuple[str, int | None],
    *,
    going_on: int | None,
    continuation: str | None,
) -> RunRecord | None:
    """The run of which something is listed, by ID and epoch; `going_on` is the epoch in `continuation`.

    None for one that is to come. Raises Problem 404, or 400 for a continuation that is another run's.
    """
    run_id, epoch = execution
    if going_on is not None and epoch in {None, going_on}:
        run = await store.runs.of_execution(RunRef(run_id, going_on))
        if run is not None:
            return run
    found = await asked_for(client, store, run_id, epoch)
    if going_on is not None:
        raise not_given(continuation or "")
    return None if isinstance(found, Scheduled) else found


async def _run_without_record(client: HubClient, store: Store, run_id: str, *, after_epoch: int) -> RunRecord | None:
    """A run whose start was accepted but which has not taken its first step yet; newer than the one on record.

    One that was terminated before that gets its record here. Not if an earlier run has this ID: then it may be that one
    which was terminated, and the ticket that of a start which it refused.
    """
    ticket = await store.tickets.read(names.DAILY_SCRAPE)
    if ticket is None or ticket.instance_id != run_id or ticket.epoch <= after_epoch:
        return None
    run = RunRecord(run_id, ticket.epoch, UNCLAIMED, ticket.acquired_at, ticket.acquired_by)
    status = await client.get_status(run_id)
    if is_live_status(status, of=names.DAILY_SCRAPE):
        return run
    was_terminated = is_of(status, names.DAILY_SCRAPE) and status.runtime_status is Status.Terminated
    if after_epoch or not was_terminated:
        return None
    return await store.runs.create(ended_by_the_hub(run, status))


def _has_become(scheduled: Scheduled, run: RunRecord | None) -> bool:
    """Whether the start has happened: then `run`, the newest on record, is all there is to tell."""
    if scheduled.is_waiting:
        return False
    # A start that was cancelled may have been due long after the run that took its ID.
    has_run_since = run is not None and run.started_at >= min(scheduled.due_at, scheduled.changed_at)
    return scheduled.code == "started" or has_run_since
