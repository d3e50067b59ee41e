"""The queue `scrape-requests`: a message is one run. It comes again until its run is complete, and is then deleted."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import azure.functions as func
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from orchestrations import names
from scraper.app_sources import app_sources
from scraper.run_log import log_context, run_logger
from scraper.settings import app_settings
from starts.singleton import RunAlreadyLive, Start, StartingClient, start_singleton
from storage.ledger.hub import LIVE, HubClient, is_of
from storage.store import Store, open_store
from triggers.runs.requests import run_request
from triggers.runs.views import as_it_is
from triggers.web.problem import Problem
from triggers.web.request_reading import json_type, strict_json

COMPLETE = frozenset({"completed", "completed_with_failures"})
# An execution that ended so did no work, or another one took its place: the message still has to have its run.
NOT_SERVED = frozenset({"held", "superseded"})
FIELDS = ("sources", "runId")

logger = run_logger(__name__)


class RunNotComplete(Exception):
    """The message has to come again: raising makes the host hide it for `visibilityTimeout`, then deliver it anew."""


class BadMessage(Exception):
    """No run can be made of the message; the text says why."""


@dataclass(frozen=True, slots=True)
class ScrapeRequest:
    """What a message asks for."""

    run_id: str
    body: dict[str, Any]


async def scrape_requests(
    msg: func.QueueMessage, client: df.DurableOrchestrationClient, poison: func.Out[bytes]
) -> None:
    """Start the run of the message, or wait for it. Returns once it is complete, so that the host deletes the message.

    A message whose run has failed, or that no run can be made of, is put into the poison queue as it came. Raises
    RunNotComplete in all other cases.
    """
    body = msg.get_body()
    with ExitStack() as context:
        try:
            request = read_scrape_request(body, message_id=msg.id)
            context.enter_context(log_context(run_id=request.run_id))
            outcome, reason = await _outcome_of_run(client, request)
        except BadMessage as bad:
            outcome, reason = "bad", str(bad)
        if outcome in COMPLETE:
            logger.info("message '%s' is done: its run is %s", msg.id, outcome)
            return
        logger.error("message '%s' is moved to the poison queue: %s: %s", msg.id, outcome, reason)
    poison.set(body)


def read_scrape_request(body: bytes, *, message_id: str) -> ScrapeRequest:
    """The request of a message; its run ID is `runId`, or made from the message's own. Raises BadMessage."""
    try:
        document = strict_json(body) if body.strip() else {}
    except ValueError as error:
        raise BadMessage(f"it is not JSON in UTF-8: {error}") from error
    if not isinstance(document, dict):
        raise BadMessage(f"it must be a JSON object, not {json_type(document)}")
    unknown = sorted(document.keys() - set(FIELDS))
    if unknown:
        raise BadMessage(f"unknown field '{unknown[0][:100]}'; known: {', '.join(FIELDS)}")
    run_id = document.pop("runId", None)
    if run_id is None:
        run_id = f"queue-{message_id}"
    if not isinstance(run_id, str):
        raise BadMessage("'runId' must be a text")
    problem = names.run_id_problem(run_id)
    if problem:
        raise BadMessage(f"'runId' cannot be '{run_id[:300]}': {problem}")
    return ScrapeRequest(run_id, document)


async def _outcome_of_run(client: df.DurableOrchestrationClient, request: ScrapeRequest) -> tuple[str, str]:
    settings = app_settings()

    def run_input() -> dict[str, Any]:
        try:
            return run_request(request.body, known=[source.name for source in app_sources(settings)])
        except Problem as problem:
            raise BadMessage(problem.detail) from problem

    return await serve(client, open_store(settings), request.run_id, run_input, grace=settings.start_grace)


async def serve(
    client: StartingClient, store: Store, run_id: str, run_input: Callable[[], dict[str, Any]], *, grace: timedelta
) -> tuple[str, str]:
    """How the run ended, and why. Starts it if it never was, with `run_input`. Raises RunNotComplete."""
    ended = await ended_run(client, store, run_id)
    if ended is not None:
        return ended

    async def was_served() -> bool:
        return await ended_run(client, store, run_id) is not None

    start = Start(names.DAILY_SCRAPE, run_id, run_input(), started_by="queue", unless=was_served)
    try:
        await start_singleton(client, store.tickets, start, grace=grace)
    except RunAlreadyLive as refusal:
        raise RunNotComplete(f"the run '{run_id}' waits for its turn: {refusal}") from None
    raise RunNotComplete(f"the run '{run_id}' is started; its message comes again until it is complete")


async def ended_run(client: HubClient, store: Store, run_id: str) -> tuple[str, str] | None:
    """Outcome and reason of a run that has ended; None if there was none that counts. Raises RunNotComplete.

    The run's own record decides, which a purge of the hub leaves alone. A run without one never took its first step.
    """
    # In this order: a run writes its record before its orchestration ends.
    status = await client.get_status(run_id)
    if status and status.runtime_status in LIVE:
        raise RunNotComplete(f"the run '{run_id}' is not complete yet")
    run = await store.runs.find(run_id)
    if run is None:
        return _ended_without_record(status)
    run = await as_it_is(client, store, run)
    if run.outcome is None:
        raise RunNotComplete(f"the run '{run_id}' is not complete yet")
    return None if run.outcome in NOT_SERVED else (run.outcome, run.reason)


def _ended_without_record(status: Any) -> tuple[str, str] | None:
    if not is_of(status, names.DAILY_SCRAPE):
        return None
    if status.runtime_status is not Status.Completed:
        return status.runtime_status.name.lower(), f"its orchestration ended before its first step: {status.output}"
    output: dict[str, Any] = status.output or {}
    outcome = str(output.get("outcome"))
    return None if outcome in NOT_SERVED else (outcome, str(output.get("reason")))
