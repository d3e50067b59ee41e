"""What can be seen of runs: the history, one run, its failed pages."""

from typing import Any

import azure.durable_functions as df
import azure.functions as func

from scraper.settings import Settings
from storage.keys import snapshot_id
from storage.store import open_store
from triggers.problem import answers_problems, json_response
from triggers.request_reading import whole_number
from triggers.run_views import as_it_is, no_such_run, progress_of_run, result_view, run_view, starting_run, state_of

MOST_RUNS = 200
MOST_FAILURES = 1000


@answers_problems
async def list_runs(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """The newest runs first. Query: `limit` (1 to 200, default 20) and `continuation` as given by the page before."""
    limit = whole_number(req, "limit", default=20, low=1, high=MOST_RUNS)
    before = whole_number(req, "continuation", default=0, low=0, high=10**10)
    store = open_store(Settings())
    page, continuation = await store.runs.newest(limit=limit, before_epoch=before or None)
    runs = [await as_it_is(client, store, run) for run in page]
    return json_response(
        {
            "runs": [run_view(run, await state_of(store, run), req) for run in runs],
            "continuation": None if continuation is None else str(continuation),
        }
    )


@answers_problems
async def get_run(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """One run with the progress of each source; 404 if there never was one."""
    run_id = req.route_params["runId"]
    store = open_store(Settings())
    run = await store.runs.find(run_id)
    starting = await starting_run(client, store, run_id, after_epoch=run.epoch if run else 0)
    if starting is not None:
        return json_response({**run_view(starting, await state_of(store, starting), req), "sources": []})
    if run is None:
        raise no_such_run(run_id)
    run = await as_it_is(client, store, run)
    if run.results:
        sources = [result_view(result) for result in run.results]
    else:
        sources = await progress_of_run(store, run)
    return json_response({**run_view(run, await state_of(store, run), req), "sources": sources})


@answers_problems
async def list_failures(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """The failed pages of a run with their reasons. Query: `limit` (1 to 1000), `continuation`."""
    run_id = req.route_params["runId"]
    limit = whole_number(req, "limit", default=MOST_FAILURES, low=1, high=MOST_FAILURES)
    skip = whole_number(req, "continuation", default=0, low=0, high=10**10)
    store = open_store(Settings())
    run = await store.runs.find(run_id)
    if run is None:
        raise no_such_run(run_id)
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
