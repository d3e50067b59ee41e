"""The first step of a run: only the singleton's holder may pass."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import azure.durable_functions as df

from activities.earlier_runs import end_the_run_before, own_epoch
from activities.fence import turned_away
from activities.retry_claim import run_ref, why_outdated
from activities.run_context import logs_run
from activities.run_input import chained, wanted_sources, why_refused
from orchestrations import names
from scraper import clock
from scraper.settings import Settings, app_settings
from storage.data.datasets import Superseded
from storage.errors import TicketHeld
from storage.ledger.hub import is_live
from storage.ledger.locks import acquire, mark_started
from storage.ledger.runs import UNCLAIMED, RunRecord, finished
from storage.ledger.skips import Skip, SkipReason
from storage.store import Store, open_store
from storage.ticket import StopMode, Ticket, TicketState


@logs_run
async def claim_run(payload: dict, client: df.DurableOrchestrationClient) -> dict[str, Any]:
    """Let only the singleton's holder pass, and keep older runs from publishing from here on.

    Input: `run_id`, `epoch` or None, `claim`, `sources` or None, `triggered_by`, and of a retry `retry_of` (`run_id`
    and `epoch`). Returns `code` (`claimed`, `superseded`, `stopped`, `held`, `refused`), `reason`, and for a claimed
    run its `epoch`, `sources` and `chains` (of sources that take turns). A sources file that cannot be used gives no
    sources and the reason. A run that was stopped at once gets no other epoch; a restart, which brings that of another
    run, does.
    """
    refusal = why_refused(payload)
    if refusal:
        return {"code": "refused", "reason": refusal}
    settings = app_settings()
    store = open_store(settings)
    payload = {**payload, "epoch": await own_epoch(store, payload)}
    ticket = await store.tickets.read(names.DAILY_SCRAPE)
    if _is_overtaken(payload, ticket):
        return await _superseded(store, payload, ticket)
    sources, reason = wanted_sources(settings, payload["sources"])
    try:
        run = await _claim(store, client, settings, payload, ticket, sources)
    except TicketHeld as held:
        if held.ticket is not None and _is_overtaken(payload, held.ticket):
            return await _superseded(store, payload, held.ticket)
        await _record_skip(store, payload, held)
        return {"code": "held", "reason": str(held)}
    except _Stopped as stopped:
        return {"code": "stopped", "reason": str(stopped)}
    await end_the_run_before(client, store, run)
    return await _begun(settings, store, run, reason)


async def _begun(settings: Settings, store: Store, run: RunRecord, reason: str) -> dict[str, Any]:
    """The answer to the singleton's holder, which keeps older runs from publishing from here on."""
    try:
        for source in run.sources:
            await store.datasets.raise_fence(source, run.epoch)
    except Superseded as newer:
        standing = await turned_away(store, {"run_id": run.run_id, "epoch": run.epoch}, otherwise=str(newer))
        return {"code": standing.code, "reason": standing.reason}
    outdated = await why_outdated(store, run)
    if outdated:
        refused = finished(run, at=clock.utc_now(), outcome="refused", reason=outdated, results=[])
        ended = await store.runs.end(refused)
        return {"code": ended.outcome, "reason": ended.reason}
    return {"code": "claimed", "reason": reason, "epoch": run.epoch, **chained(settings, run.sources)}


def _is_overtaken(payload: Mapping[str, Any], ticket: Ticket | None) -> bool:
    """True for a run that brought an epoch which is not the current one."""
    return payload["epoch"] is not None and (ticket is None or ticket.epoch != payload["epoch"])


class _Stopped(Exception):
    """This very run was stopped at once; the text says by whom."""


async def _claim(
    store: Store,
    client: df.DurableOrchestrationClient,
    settings: Settings,
    payload: Mapping[str, Any],
    ticket: Ticket | None,
    sources: Sequence[str],
) -> RunRecord:
    """The run under the ticket that names this instance, taken now if need be. Raises TicketHeld, _Stopped."""
    while True:
        run = await _run_of_own_ticket(store, payload, ticket, sources)
        if run is not None:
            return run
        try:
            taken = await _acquire(store, client, settings, payload, ticket)
        except TicketHeld as held:
            if held.ticket is None or held.ticket.instance_id != payload["run_id"]:
                raise
            # In this moment a starter took it for our own ID: so it is ours.
            ticket = await store.tickets.read(names.DAILY_SCRAPE)
            continue
        return _unless_stopped(payload, await store.runs.create(_new_run(payload, taken.epoch, sources)))


async def _run_of_own_ticket(
    store: Store, payload: Mapping[str, Any], ticket: Ticket | None, sources: Sequence[str]
) -> RunRecord | None:
    """The run of a ticket that names this instance, unless an earlier execution of the ID has used it up.

    It may have been taken for us by a starter, or by one that then met us alive: started through the durable API.
    """
    if ticket is None or ticket.instance_id != payload["run_id"]:
        return None
    if ticket.state is TicketState.FREE:
        await _check_not_stopped(store, payload, ticket)
        return None
    run = _unless_stopped(payload, await store.runs.create(_new_run(payload, ticket.epoch, sources)))
    if run.claim != payload["claim"]:
        return None
    if ticket.state is TicketState.STARTING:
        await mark_started(store.tickets, ticket)
    return run


async def _check_not_stopped(store: Store, payload: Mapping[str, Any], ticket: Ticket) -> None:
    """Raises _Stopped if this execution is the one that was stopped; a later one of the same ID may acquire afresh."""
    if ticket.stop is StopMode.NONE:
        return
    run = await store.runs.find(ticket.instance_id)
    claim = run.claim if run is not None and run.epoch == ticket.epoch else UNCLAIMED
    taken_for_us = payload["epoch"] == ticket.epoch or ticket.claim == _acquisition(payload)
    if claim == payload["claim"] or (claim == UNCLAIMED and taken_for_us):
        stopped = _new_run(payload, ticket.epoch, [])
        reason = ticket.why_stopped
        await store.runs.create(finished(stopped, at=stopped.started_at, outcome="stopped", reason=reason, results=[]))
        raise _Stopped(reason)


def _unless_stopped(payload: Mapping[str, Any], run: RunRecord) -> RunRecord:
    """`run`, or _Stopped raised if a stop was faster: it has ended our record, or written it before us."""
    if run.outcome == "stopped" and run.claim in {UNCLAIMED, payload["claim"]}:
        raise _Stopped(run.reason)
    return run


def _acquisition(payload: Mapping[str, Any]) -> str:
    """What marks a ticket as taken by this execution itself."""
    return f"{payload['run_id']}@{payload['claim']}"


async def _acquire(
    store: Store,
    client: df.DurableOrchestrationClient,
    settings: Settings,
    payload: Mapping[str, Any],
    ticket: Ticket | None,
) -> Ticket:
    """Take the singleton for a run that has no ticket: started through the durable API, restarted, or a child."""
    run_id = payload["run_id"]

    async def another_is_live(instance_id: str) -> bool:
        return instance_id != run_id and await is_live(client, instance_id, of=names.DAILY_SCRAPE)

    # Nobody else can be starting this ID while we, the instance with this ID, live.
    is_own = ticket is not None and ticket.instance_id == run_id
    wanted = Ticket(
        names.DAILY_SCRAPE,
        run_id,
        TicketState.STARTED,
        clock.utc_now(),
        payload["triggered_by"],
        claim=_acquisition(payload),
    )
    grace = timedelta(0) if is_own else settings.start_grace
    # A run that brought an epoch may take the ticket of that epoch, and no later one.
    only = ticket if payload["epoch"] is not None else None
    return await acquire(store.tickets, wanted, is_live=another_is_live, grace=grace, only=only)


async def _record_skip(store: Store, payload: Mapping[str, Any], held: TicketHeld) -> None:
    """A run that came past our routes and met another one did not run; nobody else would tell."""
    holder = held.ticket.instance_id if held.ticket else ""
    at = datetime.fromisoformat(payload["claim"])  # when the run began: the same at every attempt of this step
    await store.skips.record(
        Skip(at, payload["run_id"], payload["triggered_by"], SkipReason.HELD, holder, detail=str(held))
    )


async def _superseded(store: Store, payload: Mapping[str, Any], ticket: Ticket | None) -> dict[str, Any]:
    """Stop a run at the fence; a start that really was overtaken leaves a trace under its own epoch."""
    if ticket is not None and payload["epoch"] < ticket.epoch:
        run = _new_run(payload, payload["epoch"], [])
        reason = "stopped at the fence: its start was older than another one"
        trace = await store.runs.create(
            finished(run, at=run.started_at, outcome="superseded", reason=reason, results=[])
        )
        if trace.run_id == run.run_id and trace.outcome == "stopped":  # before its first step, and then overtaken
            return {"code": "stopped", "reason": trace.reason}
    return {"code": "superseded", "reason": f"epoch {payload['epoch']} is not the current one"}


def _new_run(payload: Mapping[str, Any], epoch: int, sources: Sequence[str]) -> RunRecord:
    return RunRecord(
        payload["run_id"],
        epoch,
        payload["claim"],
        clock.utc_now(),
        payload["triggered_by"],
        tuple(sources),
        retry_of=run_ref(payload.get("retry_of")),
    )
