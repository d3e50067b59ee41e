"""The daily tick, and what can be seen of runs."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from orchestrations import names
from scraper.settings import Settings
from storage.keys import snapshot_id
from storage.progress import SourceProgress, progress_of
from storage.store import Store, open_store
from triggers.problem import Problem, answers_problems, json_response
from triggers.run_views import as_it_is, progress_view, result_view, run_view, starting_run
from triggers.singleton import RunAlreadyLive, Start, start_singleton

MOST_RUNS = 200
MOST_FAILURES = 1000
TICK_TOLERANCE = timedelta(seconds=30)  # a host's clock may fire a little early

logger = logging.getLogger(__name__)


async def start_daily(client: df.DurableOrchestrationClient, timer: func.TimerRequest) -> None:
    """Start the run of this tick's UTC date, unless a run is live or this tick has been served already."""
    run_id = f"daily-{tick_of(timer.schedule_status, now=datetime.now(UTC)).date().isoformat()}"
    settings = Settings()
    store = open_store(settings)
    served = await store.runs.find(run_id)
    if served is not None and served.outcome != "superseded":
        logger.warning("skipped the scheduled start of '%s': this date has had its run", run_id)
        return
    start = Start(names.DAILY_SCRAPE, run_id, {}, started_by="timer", once=True)
    try:
        await start_singleton(client, store.tickets, start, grace=settings.start_grace)
    except RunAlreadyLive as refusal:
        logger.warning("skipped the scheduled start of '%s': %s", run_id, refusal)


def tick_of(schedule_status: Mapping[str, Any] | None, *, now: datetime) -> datetime:
    """The scheduled time of this tick in UTC: the host's `Next`.

    It is now if the host keeps no schedule status, or if somebody runs the timer by hand: then `Next` is still to come.
    """
    scheduled = (schedule_status or {}).get("Next")
    if not scheduled:
        return now
    tick = datetime.fromisoformat(scheduled).astimezone(UTC)
    return now if tick > now + TICK_TOLERANCE else tick


@answers_problems
async def list_runs(client: df.DurableOrchestrationClient, request: func.HttpRequest) -> func.HttpResponse:
    """The newest runs first. Query: `limit` (1 to 200, default 20) and `continuation` as given by the page before."""
    limit = whole_number(request, "limit", default=20, low=1, high=MOST_RUNS)
    before = whole_number(request, "continuation", default=0, low=0, high=10**10)
    store = open_store(Settings())
    page, continuation = await store.runs.newest(limit=limit, before_epoch=before or None)
    return json_response(
        {
            "runs": [run_view(await as_it_is(client, store, run), request) for run in page],
            "continuation": None if continuation is None else str(continuation),
        }
    )


@answers_problems
async def get_run(client: df.DurableOrchestrationClient, request: func.HttpRequest) -> func.HttpResponse:
    """One run with the progress of each source; 404 if there never was one."""
    run_id = request.route_params["runId"]
    store = open_store(Settings())
    run = await store.runs.find(run_id)
    starting = await starting_run(client, store, run_id, after_epoch=run.epoch if run else 0)
    if starting is not None:
        return json_response({**run_view(starting, request), "sources": []})
    if run is None:
        raise _no_such_run(run_id)
    run = await as_it_is(client, store, run)
    if run.results:
        sources = [result_view(result) for result in run.results]
    else:
        sources = [progress_view(await _progress(store, source, run.epoch)) for source in run.sources]
    return json_response({**run_view(run, request), "sources": sources})


@answers_problems
async def list_failures(request: func.HttpRequest) -> func.HttpResponse:
    """The failed pages of a run with their reasons. Query: `limit` (1 to 1000), `continuation`."""
    run_id = request.route_params["runId"]
    limit = whole_number(request, "limit", default=MOST_FAILURES, low=1, high=MOST_FAILURES)
    skip = whole_number(request, "continuation", default=0, low=0, high=10**10)
    store = open_store(Settings())
    run = await store.runs.find(run_id)
    if run is None:
        raise _no_such_run(run_id)
    failures: list[dict[str, Any]] = []
    seen = 0
    for source in run.sources:
        async for failure in store.failures_of(snapshot_id(source, run.epoch)):
            seen += 1
            if seen <= skip:
                continue
            if len(failures) == limit:
                return json_response({"failures": failures, "continuation": str(skip + limit)})
            failures.append({"source": source, **failure.model_dump(mode="json")})
    return json_response({"failures": failures, "continuation": None})


def whole_number(request: func.HttpRequest, name: str, *, default: int, low: int, high: int) -> int:
    """A whole number from the query. Raises Problem 400 that names the parameter and its bounds."""
    text = request.params.get(name)
    if text is None:
        return default
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(high))
    if not is_number or not low <= int(text) <= high:
        reason = f"'{name}' must be a whole number from {low} to {high}, not '{text[:100]}'."
        raise Problem(HTTPStatus.BAD_REQUEST, reason)
    return int(text)


async def _progress(store: Store, source: str, epoch: int) -> SourceProgress:
    snapshot = snapshot_id(source, epoch)
    return await progress_of(store.batches, store.datasets, source, snapshot, epoch=epoch)


def _no_such_run(run_id: str) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, f"There is no run '{run_id}'. GET /api/runs lists them.")
