"""`POST orchestrators/{functionName}/{instanceId}`: the singleton start by HTTP."""

from http import HTTPStatus
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from orchestrations import names
from scraper.app_sources import app_sources
from scraper.settings import Settings, app_settings
from starts.singleton import Start
from storage.store import open_store
from triggers.orchestrators.watch_requests import watch_request
from triggers.runs.http_start import start_or_conflict
from triggers.runs.requests import run_request
from triggers.runs.scheduled_starts import refuse_if_scheduled, schedule_or_conflict
from triggers.web.problem import Problem, answers_problems
from triggers.web.request_reading import json_body, json_object
from triggers.web.start_times import start_at_of_query


@answers_problems
async def start_orchestrator(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """202 with the check-status payload; 409 names the holder, 404 the known orchestrators, 400 what is wrong.

    With `startAt` in the query the payload is that of the instance that waits until then.
    """
    orchestrator = known_orchestrator(req.route_params["functionName"])
    instance_id = valid_instance_id(orchestrator, req.route_params["instanceId"])
    due = start_at_of_query(req)
    settings = app_settings()
    store = open_store(settings)
    start = Start(orchestrator, instance_id, start_input(orchestrator, instance_id, req, settings), started_by="http")
    if due is not None:
        own_id = await schedule_or_conflict(client, store, settings, start, due)
        return client.create_check_status_response(req, own_id)
    await refuse_if_scheduled(client, store, instance_id)
    await start_or_conflict(req, client, store, settings, start)
    return client.create_check_status_response(req, instance_id)


def known_orchestrator(name: str) -> str:
    """The orchestrator's exact name. Raises Problem 404, naming those that can be started."""
    for known in names.STARTABLE:
        if known.lower() == name.lower():
            return known
    raise Problem(
        HTTPStatus.NOT_FOUND,
        f"There is no orchestrator '{name[:100]}' to start. Known: {', '.join(names.STARTABLE)}.",
        known=list(names.STARTABLE),
    )


def valid_instance_id(orchestrator: str, text: str) -> str:
    """`text` if it can be an instance ID of this orchestrator. Raises Problem 400 that says why not."""
    by_name = orchestrator in names.SINGLETONS_BY_NAME
    problem = names.run_id_problem(text) if by_name else names.instance_id_problem(text)
    if problem:
        raise Problem(HTTPStatus.BAD_REQUEST, f"'{text[:300]}' cannot be an instance ID: {problem}.")
    return text


def start_input(orchestrator: str, instance_id: str, req: func.HttpRequest, settings: Settings) -> Any:
    """The body as the input of a new instance of this orchestrator. Raises Problem 400 for what it cannot take."""
    if orchestrator == names.DAILY_SCRAPE:
        return run_request(json_object(req), known=_known_sources(settings))
    if orchestrator == names.WATCH_SOURCE:
        return watch_request(json_object(req), instance_id, known=_known_sources(settings))
    return json_body(req)


def _known_sources(settings: Settings) -> list[str]:
    return [source.name for source in app_sources(settings)]
