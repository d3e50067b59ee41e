"""What an operator tells the app to do with runs."""

from http import HTTPStatus
from uuid import uuid4

import azure.durable_functions as df
import azure.functions as func

from orchestrations import names
from scraper import clock
from scraper.app_sources import app_sources
from scraper.settings import app_settings
from starts.singleton import Start
from storage.store import open_store
from storage.ticket import StopMode
from triggers.runs.http_start import start_or_conflict
from triggers.runs.requests import run_request
from triggers.runs.scheduled_starts import schedule_or_conflict, stop_or_cancel
from triggers.runs.stop import RunHasEnded, RunNotFound
from triggers.runs.views import no_such_run, run_id_of, run_links
from triggers.web.problem import Problem, answers_problems, json_response
from triggers.web.request_reading import json_object
from triggers.web.start_times import start_at, start_at_of_query


@answers_problems
async def start_run(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Start the daily scrape. Body, optional: `sources`, `startAt`, which the query may have, too.

    202 with the run's ID and links, or 409.
    """
    settings = app_settings()
    body = json_object(req)
    request = run_request(body, known=[source.name for source in app_sources(settings)], also=["startAt"])
    due = start_at_of_query(req)  # also if the body has the last word: a time that cannot be is refused wherever it is
    if "startAt" in body:
        due = start_at(body["startAt"])
    run_id, store = new_run_id("run"), open_store(settings)
    start = Start(names.DAILY_SCRAPE, run_id, request, started_by="http")
    if due is not None:
        await schedule_or_conflict(client, store, settings, start, due)
        return run_accepted(req, run_id, startAt=due.isoformat())
    await start_or_conflict(req, client, store, settings, start)
    return run_accepted(req, run_id)


@answers_problems
async def request_stop(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Stop a run, or see to it that one that is to come does not.

    Query: `mode`, `drain` (default) or `now`. 202; 404 unknown run; 409 with its `outcome`: too late.
    """
    run_id, mode = run_id_of(req), _stop_mode(req)
    try:
        mode = await stop_or_cancel(client, open_store(app_settings()), run_id, mode, by="http")
    except RunNotFound as unknown:
        raise no_such_run(run_id) from unknown
    except RunHasEnded as late:
        raise Problem(HTTPStatus.CONFLICT, str(late), outcome=late.outcome, links=run_links(req, run_id)) from late
    answer = {"runId": run_id, "mode": mode.value, "links": run_links(req, run_id)}
    return json_response(answer, HTTPStatus.ACCEPTED)


def _stop_mode(req: func.HttpRequest) -> StopMode:
    if b'"mode"' in req.get_body():  # ignoring it would drain a run that somebody wants to end now
        raise Problem(HTTPStatus.BAD_REQUEST, "'mode' belongs into the URL, not into the body: ?mode=now")
    modes = {mode.value: mode for mode in (StopMode.DRAIN, StopMode.NOW)}
    text = req.params.get("mode", StopMode.DRAIN.value)
    if text not in modes:
        raise Problem(HTTPStatus.BAD_REQUEST, f"'mode' must be 'drain' or 'now', not '{text[:100]}'.")
    return modes[text]


def run_accepted(req: func.HttpRequest, run_id: str, **members: str) -> func.HttpResponse:
    """202 for a run that will come: its ID, where to look, and further members of the answer."""
    links = run_links(req, run_id)
    answer = json_response({"runId": run_id, **members, "links": links}, HTTPStatus.ACCEPTED)
    answer.headers["Location"] = links["self"]
    answer.headers["Retry-After"] = "10"
    return answer


def new_run_id(kind: str) -> str:
    """An ID that no other run has: what started it, when, and a few random digits."""
    return f"{kind}-{clock.utc_now():%Y%m%dT%H%M%SZ}-{uuid4().hex[:6]}"
