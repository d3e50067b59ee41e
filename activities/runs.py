"""The first and the last step of a run: the fence, and the record of what came of it."""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import azure.durable_functions as df

from orchestrations import names
from scraper.app_sources import app_sources
from scraper.errors import SourcesFileError
from scraper.settings import Settings
from storage.errors import TicketHeld
from storage.hub import is_live
from storage.locks import acquire, mark_started
from storage.runs import RunRecord, finished
from storage.store import Store, open_store
from storage.ticket import Ticket, TicketState

logger = logging.getLogger(__name__)


async def claim_run(payload: Mapping[str, Any], client: df.DurableOrchestrationClient) -> dict[str, Any]:
    """Let only the singleton's holder pass.

    Input: `run_id`, `epoch` or None, `claim`, `sources` or None, `triggered_by`. Returns `code` (`claimed`,
    `superseded`, `held`), `reason`, and for a claimed run its `epoch` and `sources`. A sources file that cannot be
    used gives no sources and the reason.
    """
    settings = Settings()
    store = open_store(settings)
    ticket = await store.tickets.read(names.DAILY_SCRAPE)
    brought_epoch = payload["epoch"]
    if brought_epoch is not None and (ticket is None or ticket.epoch != brought_epoch):
        await _record_superseded(store, payload)
        return {"code": "superseded", "reason": f"a newer start than epoch {brought_epoch} has taken over"}
    sources, reason = _wanted_sources(settings, payload["sources"])
    if ticket is not None and brought_epoch is not None and ticket.is_of(payload["run_id"], brought_epoch):
        run = await store.runs.create(_new_run(payload, ticket.epoch, sources))
        if run.claim == payload["claim"]:
            await mark_started(store.tickets, ticket)
            return _claimed(run, reason)
        # The epoch was used by an earlier execution: this one is a restart of a finished run.
    try:
        ticket = await _acquire(store, client, settings, payload)
    except TicketHeld as held:
        return {"code": "held", "reason": str(held)}
    return _claimed(await store.runs.create(_new_run(payload, ticket.epoch, sources)), reason)


async def finish_run(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Write down how the run ended. Input: `run_id`, `epoch`, `reason`, `sources` (their summaries).

    Returns `outcome` (`completed`, `completed_with_failures`, `failed`, `superseded`), `reason` and `sources`.
    """
    store = open_store(Settings())
    summaries: list[dict[str, Any]] = payload["sources"]
    outcome = outcome_of(summaries)
    run = await store.runs.of_epoch(payload["epoch"])
    await store.runs.update(
        finished(run, at=datetime.now(UTC), outcome=outcome, reason=payload["reason"], results=summaries)
    )
    logger.info("run '%s' (epoch %d) ended: %s %s", run.run_id, run.epoch, outcome, payload["reason"])
    return {"outcome": outcome, "reason": payload["reason"], "sources": summaries}


def outcome_of(summaries: Sequence[Mapping[str, Any]]) -> str:
    """One word for a run, from the summaries of its sources."""
    outcomes = {summary["outcome"] for summary in summaries}
    if "superseded" in outcomes:
        return "superseded"
    if "published" not in outcomes:
        return "failed"
    if outcomes != {"published"} or any(summary["failed"] for summary in summaries):
        return "completed_with_failures"
    return "completed"


async def _acquire(
    store: Store, client: df.DurableOrchestrationClient, settings: Settings, payload: Mapping[str, Any]
) -> Ticket:
    """Take the singleton for a run that came without our starter: through the durable API, or as a child."""
    run_id = payload["run_id"]
    claim = f"{run_id}@{payload['claim']}"
    ticket = await store.tickets.read(names.DAILY_SCRAPE)
    if ticket is not None and ticket.claim == claim:
        return ticket  # this activity ran before, and its answer was lost

    async def another_is_live(instance_id: str) -> bool:
        return instance_id != run_id and await is_live(client, instance_id)

    wanted = Ticket(names.DAILY_SCRAPE, run_id, TicketState.STARTED, datetime.now(UTC), payload["triggered_by"], claim)
    return await acquire(store.tickets, wanted, is_live=another_is_live, grace=settings.start_grace)


async def _record_superseded(store: Store, payload: Mapping[str, Any]) -> None:
    """Leave a trace of a run that was stopped at the fence, unless a run of its epoch left one already."""
    run = _new_run(payload, payload["epoch"], [])
    reason = "stopped at the fence: its start was older than another one"
    await store.runs.create(finished(run, at=run.started_at, outcome="superseded", reason=reason, results=[]))


def _new_run(payload: Mapping[str, Any], epoch: int, sources: Sequence[str]) -> RunRecord:
    return RunRecord(
        payload["run_id"], epoch, payload["claim"], datetime.now(UTC), payload["triggered_by"], tuple(sources)
    )


def _claimed(run: RunRecord, reason: str) -> dict[str, Any]:
    return {"code": "claimed", "reason": reason, "epoch": run.epoch, "sources": list(run.sources)}


def _wanted_sources(settings: Settings, wanted: Sequence[str] | None) -> tuple[list[str], str]:
    """The names of the sources to scrape, in file order, and why there are none or fewer."""
    try:
        known = [source.name for source in app_sources(settings)]
    except SourcesFileError as error:
        return [], str(error)
    if wanted is None:
        return known, ""
    missing = [name for name in wanted if name not in known]
    reason = f"no such source: {', '.join(missing)}; known: {', '.join(known)}" if missing else ""
    return [name for name in known if name in wanted], reason
