"""Stopping a run: drain it, or end it at once.

Both are one compare-and-swap of the run's ticket. `drain` leaves a word there, which every step of the run reads
before it begins. `now` frees the ticket, and with it the singleton; what follows keeps a run that knows nothing of it
yet from being seen: the fences of its datasets, the end of its record, the end of its orchestrations. Each of these
may be repeated, by another stop or after one that was cut off.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace

from orchestrations import names
from scraper import clock
from scraper.run_log import log_context, run_logger
from storage.data.datasets import Superseded
from storage.errors import TicketChanged
from storage.ledger.hub import is_live, is_live_status, is_of
from storage.ledger.runs import UNCLAIMED, RunRecord, RunRef, finished
from storage.outcomes.progress import summary_of
from storage.outcomes.run_ends import outcome_in_hub
from storage.store import Store
from storage.ticket import StopMode, Ticket, TicketState
from triggers.runs.instances import StoppingClient, end_what_is_left, terminate_run
from triggers.runs.views import as_it_is

logger = run_logger(__name__)


class RunNotFound(Exception):
    """There is no run with this ID."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"There is no run '{run_id}'.")
        self.run_id = run_id


class RunHasEnded(Exception):
    """The run cannot be stopped any more; `outcome` is how it ended."""

    def __init__(self, run_id: str, outcome: str) -> None:
        super().__init__(f"The run '{run_id}' has ended: {outcome}.")
        self.run_id = run_id
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class StopResult:
    """The run that stops. `mode` is what is in force: it stays `now`, whatever is asked for later."""

    run_id: str
    epoch: int
    mode: StopMode


async def stop_run(client: StoppingClient, store: Store, run_id: str, mode: StopMode, *, by: str) -> StopResult:
    """Stop the run. Once this has returned for `now`, nothing of it becomes visible, and another run may start.

    `by` says who asked for it, in words that people read. Asking again is no error while the run lives.
    Raises RunNotFound or RunHasEnded; after `now` the orchestration of a run that has ended is over, too.
    """
    with log_context(run_id=run_id):
        try:
            ticket = await _stop(client, store, run_id, mode, by)
        except RunHasEnded:
            if mode is StopMode.NOW:
                await end_what_is_left(client, store, await store.runs.find(run_id))
            raise
        logger.info("run (epoch %d) %s", ticket.epoch, ticket.why_stopped)
    return StopResult(run_id, ticket.epoch, ticket.stop)


async def _stop(client: StoppingClient, store: Store, run_id: str, mode: StopMode, by: str) -> Ticket:
    """The ticket of the run that stops. Raises RunNotFound or RunHasEnded."""
    ticket = await _ask(client, store, run_id, mode, by)
    if ticket.stop is StopMode.NOW:
        await _end(client, store, ticket)
        return ticket
    run = await store.runs.find(run_id)
    if run is not None and run.epoch == ticket.epoch and run.outcome is not None:
        raise RunHasEnded(run_id, run.outcome)  # between our look and our word
    return ticket


async def _ask(client: StoppingClient, store: Store, run_id: str, mode: StopMode, by: str) -> Ticket:
    """The run's ticket once it says `mode`, or more. Raises RunNotFound or RunHasEnded."""
    while True:
        ticket = await _ticket_of(client, store, run_id)
        if ticket.stop in {mode, StopMode.NOW}:
            return ticket
        state = TicketState.FREE if mode is StopMode.NOW else ticket.state
        with suppress(TicketChanged):
            return await store.tickets.replace(replace(ticket, state=state, stop=mode, stopped_by=by))


async def _ticket_of(client: StoppingClient, store: Store, run_id: str) -> Ticket:
    """The ticket of a run that has not ended. Raises RunNotFound or RunHasEnded."""
    ticket, run = await store.tickets.read(names.DAILY_SCRAPE), await store.runs.find(run_id)
    if ticket is None or ticket.instance_id != run_id:
        ticket = None
    elif run is None or run.epoch < ticket.epoch:
        return await _ticket_before_the_first_step(client, store, ticket, run)
    if run is None:
        raise RunNotFound(run_id)
    shown = await as_it_is(client, store, run)
    if ticket is not None:
        # A stop that was cut off, or is at it right now, has not ended the orchestration yet.
        half_stopped = ticket.stop is StopMode.NOW and await is_live(client, run_id, of=names.DAILY_SCRAPE)
        if shown.outcome is None or (shown.outcome == "stopped" and half_stopped):
            return ticket
    raise RunHasEnded(run_id, shown.outcome or "superseded")


async def _ticket_before_the_first_step(
    client: StoppingClient, store: Store, ticket: Ticket, earlier: RunRecord | None
) -> Ticket:
    """The ticket of a run without a record: it is on its way, or never came to it. `earlier` had the same ID."""
    status = await client.get_status(ticket.instance_id)
    is_on_its_way = ticket.state is TicketState.STARTING or ticket.stop is StopMode.NOW
    if is_on_its_way or is_live_status(status, of=names.DAILY_SCRAPE):
        return ticket
    if await store.runs.of_execution(RunRef(ticket.instance_id, ticket.epoch)) is not None:
        return await _ticket_of(client, store, ticket.instance_id)  # all its steps came between our looks
    if ticket.state is TicketState.STARTED and is_of(status, names.DAILY_SCRAPE):
        raise RunHasEnded(ticket.instance_id, outcome_in_hub(status))
    if earlier is not None and earlier.outcome is not None:
        raise RunHasEnded(ticket.instance_id, earlier.outcome)
    raise RunNotFound(ticket.instance_id)


async def _end(client: StoppingClient, store: Store, ticket: Ticket) -> None:
    """Everything that `now` does once the ticket says so. Raises RunHasEnded if the run's own last step was faster."""
    run = await store.runs.create(_stopped_before_its_first_step(ticket))
    if run.outcome is None:
        run = await _end_record(store, run, ticket.why_stopped)
    if run.outcome != "stopped":
        raise RunHasEnded(run.run_id, run.outcome or "")
    await terminate_run(client, store, run)


def _stopped_before_its_first_step(ticket: Ticket) -> RunRecord:
    """The record of a run that has none: `claim_run` meets it, and goes no further."""
    run = RunRecord(ticket.instance_id, ticket.epoch, UNCLAIMED, ticket.acquired_at, ticket.acquired_by)
    return finished(run, at=clock.utc_now(), outcome="stopped", reason=ticket.why_stopped, results=[])


async def _end_record(store: Store, run: RunRecord, reason: str) -> RunRecord:
    """Fence the run off, then count what it has: after the fence no source of it can be published any more."""
    await asyncio.gather(*(_fence_off(store, source, run.epoch) for source in run.sources))
    counting = (
        summary_of(store.batches, store.datasets, source, run.epoch, outcome="stopped", reason=reason)
        for source in run.sources
    )
    results = await asyncio.gather(*counting)
    return await store.runs.end(finished(run, at=clock.utc_now(), outcome="stopped", reason=reason, results=results))


async def _fence_off(store: Store, source: str, epoch: int) -> None:
    with suppress(Superseded):  # a newer run is there already
        await store.datasets.raise_fence(source, epoch + 1)
