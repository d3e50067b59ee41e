"""The event-driven workflow over HTTP: start it, look at it, stop it, all by its key."""

from http import HTTPStatus
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from orchestrations import names
from orchestrations.workflow_request import workflow_id
from scraper.settings import app_settings
from starts.singleton import RunAlreadyLive, Start, start_singleton
from storage.store import open_store
from triggers.runs.http_start import conflict
from triggers.web.problem import Problem, answers_problems, json_response
from triggers.workflows.requests import start_input, stop_event, workflow_key
from triggers.workflows.signals import (
    EventNotAwaited,
    StillStarting,
    WorkflowEnded,
    WorkflowNotFound,
    raise_workflow_event,
)
from triggers.workflows.state import Phase, workflow_state
from triggers.workflows.views import workflow_links, workflow_view


@answers_problems
async def start_workflow(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Body, all optional: `waitFor`, `mode`, `timeoutSeconds`, `data`. 202 with links, or 409 while it is live."""
    key = workflow_key(req)
    start = Start(names.WORKFLOW, workflow_id(key), start_input(req, key), started_by="http")
    settings = app_settings()
    store = open_store(settings)
    try:
        await start_singleton(client, store.tickets, start, grace=settings.start_grace)
    except RunAlreadyLive as refusal:
        holder = (await conflict(refusal, req, store)).members
        links = workflow_links(req, key)
        raise Problem(HTTPStatus.CONFLICT, f"The workflow '{key}' is live already.", **holder, links=links) from refusal
    return _accepted(req, key)


@answers_problems
async def check_workflow(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Where the workflow stands; 404 for a key that was never started."""
    key = workflow_key(req)
    settings = app_settings()
    tickets = open_store(settings).tickets
    state = await workflow_state(client, tickets, key, grace=settings.start_grace, show_history=True)
    if state.phase is Phase.ABSENT:
        raise Problem(HTTPStatus.NOT_FOUND, f"{WorkflowNotFound(key)}")
    answer = json_response(workflow_view(state, req))
    if state.phase is not Phase.ENDED:
        answer.headers["Retry-After"] = "2"
    return answer


@answers_problems
async def stop_workflow(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Raise the event in the body, `event` and `data`, by default `Workflow`. 202, 404, or 409 with the outcome."""
    key = workflow_key(req)
    event = stop_event(req, key)
    settings = app_settings()
    tickets = open_store(settings).tickets
    try:
        await raise_workflow_event(client, tickets, event, grace=settings.start_grace)
    except WorkflowNotFound as refusal:
        raise Problem(HTTPStatus.NOT_FOUND, f"{refusal}") from refusal
    except WorkflowEnded as refusal:
        links = workflow_links(req, key)
        raise Problem(HTTPStatus.CONFLICT, f"{refusal}", outcome=refusal.state.outcome, links=links) from refusal
    except EventNotAwaited as refusal:
        raise Problem(HTTPStatus.BAD_REQUEST, f"{refusal}", waitFor=refusal.awaited) from refusal
    except StillStarting as refusal:
        raise Problem(HTTPStatus.CONFLICT, f"{refusal}", outcome=None) from refusal
    return _accepted(req, key, event=event.event)


def _accepted(req: func.HttpRequest, key: str, **members: Any) -> func.HttpResponse:
    """202: it is on its way, and `check` tells what came of it."""
    links = workflow_links(req, key)
    document = {"input": key, "instanceId": workflow_id(key), **members, "links": links}
    answer = json_response(document, HTTPStatus.ACCEPTED)
    answer.headers["Location"] = links["check"]
    answer.headers["Retry-After"] = "1"
    return answer
