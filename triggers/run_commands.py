"""What an operator tells the app to do with runs."""

from http import HTTPStatus
from uuid import uuid4

import azure.durable_functions as df
import azure.functions as func

from orchestrations import names
from scraper import clock
from scraper.app_sources import app_sources
from scraper.settings import Settings
from starts.singleton import Start
from storage.store import open_store
from triggers.http_start import start_or_conflict
from triggers.problem import answers_problems, json_response
from triggers.request_reading import json_object
from triggers.run_requests import run_request
from triggers.run_views import run_links


@answers_problems
async def start_run(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Start the daily scrape now. Body, optional: `sources`. 202 with the run's ID and links, or 409."""
    settings = Settings()
    request = run_request(json_object(req), known=[source.name for source in app_sources(settings)])
    run_id = new_run_id("run")
    start = Start(names.DAILY_SCRAPE, run_id, request, started_by="http")
    await start_or_conflict(req, client, open_store(settings), settings, start)
    return run_accepted(req, run_id)


def run_accepted(req: func.HttpRequest, run_id: str) -> func.HttpResponse:
    """202 for a run that will come: its ID, and where to look."""
    links = run_links(req, run_id)
    answer = json_response({"runId": run_id, "links": links}, HTTPStatus.ACCEPTED)
    answer.headers["Location"] = links["self"]
    answer.headers["Retry-After"] = "10"
    return answer


def new_run_id(kind: str) -> str:
    """An ID that no other run has: what started it, when, and a few random digits."""
    return f"{kind}-{clock.utc_now():%Y%m%dT%H%M%SZ}-{uuid4().hex[:6]}"
