"""What can be seen of runs: the history, and one run."""

from typing import Any

import azure.durable_functions as df
import azure.functions as func
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from scraper.settings import app_settings
from starts.later import Scheduled
from storage.ledger.hub import HubClient
from storage.ledger.runs import RunRecord
from storage.store import Store, open_store
from triggers.runs.live_runs import LiveRun, is_starting, is_suspended, live_run, progress, run_facts
from triggers.runs.lookup import asked_for
from triggers.runs.scheduled_starts import scheduled_view
from triggers.runs.views import as_it_is, execution_of, progress_view, result_view, run_view, state_of
from triggers.web.problem import answers_problems, json_response
from triggers.web.request_reading import whole_number

MOST_RUNS = 200


@answers_problems
async def list_runs(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """The newest runs first. Query: `limit` (1 to 200, default 20) and `continuation` as given by the page before."""
    limit = whole_number(req, "limit", default=20, low=1, high=MOST_RUNS)
    before = whole_number(req, "continuation", default=0, low=0, high=10**10)
    store = open_store(app_settings())
    live = await live_run(client, store)  # first: what takes its first step meanwhile is on the page then
    page, continuation = await store.runs.newest(limit=limit, before_epoch=before or None)
    if live is not None and is_starting(live.run) and not before:
        page, continuation = _with_first(live.run, page, continuation, limit=limit)
    return json_response(
        {
            "runs": [await _line(client, store, run, req, live) for run in page],
            "continuation": None if continuation is None else str(continuation),
        }
    )


def _with_first(
    starting: RunRecord, page: list[RunRecord], continuation: int | None, *, limit: int
) -> tuple[list[RunRecord], int | None]:
    """The first page with the run that has no record yet; its epoch is the highest there is."""
    if starting.epoch in [run.epoch for run in page]:
        return page, continuation
    longer = [starting, *page]
    return longer[:limit], longer[limit - 1].epoch if len(longer) > limit else continuation


async def _line(
    client: HubClient, store: Store, run: RunRecord, req: func.HttpRequest, live: LiveRun | None
) -> dict[str, Any]:
    """One run of the history; only of one that still lives are the batches read."""
    if not is_starting(run):
        run = await as_it_is(client, store, run)
    so_far = await progress(store, run) if run.outcome is None else None
    suspended = live is not None and live.run.epoch == run.epoch and live.runtime_status is Status.Suspended
    facts = await run_facts(store, run, so_far, suspended=suspended)
    return {**run_view(run, await state_of(store, run), req), **facts}


@answers_problems
async def get_run(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """One run with the progress of each source, or as it is scheduled; 404 if there never was one."""
    store = open_store(app_settings())
    run = await asked_for(client, store, *execution_of(req))
    if isinstance(run, Scheduled):
        return json_response(scheduled_view(run, req))
    so_far = None if run.results else await progress(store, run)
    if so_far is None:
        sources = [result_view(result) for result in run.results]
    else:
        sources = [progress_view(source) for source in so_far.sources]
    facts = await run_facts(store, run, so_far, suspended=await is_suspended(client, run))
    return json_response({**run_view(run, await state_of(store, run), req), **facts, "sources": sources})
