"""`POST orchestrators/{functionName}/{instanceId}`: the singleton start by HTTP."""

from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from orchestrations import names
from scraper.app_sources import app_sources
from scraper.settings import Settings
from storage.store import open_store
from storage.ticket import Ticket
from triggers.problem import Problem, answers_problems, json_body
from triggers.singleton import RunAlreadyLive, Start, start_singleton


@answers_problems
async def start_orchestrator(client: df.DurableOrchestrationClient, request: func.HttpRequest) -> func.HttpResponse:
    """202 with the check-status payload; 409 names the holder, 404 the known orchestrators, 400 what is wrong."""
    orchestrator = known_orchestrator(request.route_params["functionName"])
    instance_id = valid_instance_id(orchestrator, request.route_params["instanceId"])
    settings = Settings()
    start = Start(orchestrator, instance_id, _payload(orchestrator, request, settings), started_by="http")
    try:
        await start_singleton(client, open_store(settings).tickets, start, grace=settings.start_grace)
    except RunAlreadyLive as refusal:
        raise conflict(refusal, request) from refusal
    return client.create_check_status_response(request, instance_id)


def known_orchestrator(name: str) -> str:
    """The orchestrator's exact name. Raises Problem 404, naming those that can be started."""
    for known in names.STARTABLE:
        if known.lower() == name.lower():
            return known
    raise Problem(
        HTTPStatus.NOT_FOUND,
        f"There is no orchestrator '{name}' to start. Known: {', '.join(names.STARTABLE)}.",
        known=list(names.STARTABLE),
    )


def valid_instance_id(orchestrator: str, text: str) -> str:
    """`text` if it can be an instance ID of this orchestrator. Raises Problem 400 that says why not."""
    by_name = orchestrator in names.SINGLETONS_BY_NAME
    problem = names.run_id_problem(text) if by_name else names.instance_id_problem(text)
    if problem:
        raise Problem(HTTPStatus.BAD_REQUEST, f"'{text[:300]}' cannot be an instance ID: {problem}.")
    return text


def conflict(refusal: RunAlreadyLive, request: func.HttpRequest) -> Problem:
    """409: who holds the singleton, since when, and where to look."""
    return Problem(HTTPStatus.CONFLICT, f"{refusal}", **_holder(refusal.ticket, request))


def _holder(ticket: Ticket | None, request: func.HttpRequest) -> dict[str, Any]:
    if ticket is None:
        return {}
    age = datetime.now(UTC) - ticket.acquired_at
    return {
        "holder": ticket.instance_id,
        "epoch": ticket.epoch,
        "heldSince": ticket.acquired_at.isoformat(),
        "ageSeconds": max(0, round(age.total_seconds())),
        "startedBy": ticket.acquired_by,
    }


def _payload(orchestrator: str, request: func.HttpRequest, settings: Settings) -> Any:
    payload = json_body(request)
    if orchestrator not in names.SINGLETONS_BY_NAME:
        return payload
    if payload is not None and not isinstance(payload, dict):
        raise Problem(
            HTTPStatus.BAD_REQUEST, f"The input of '{orchestrator}' must be a JSON object, not {json_type(payload)}."
        )
    return run_request(payload or {}, known=[source.name for source in app_sources(settings)])


def run_request(payload: dict[str, Any], *, known: Sequence[str]) -> dict[str, Any]:
    """The request of a run if it can be served: `sources` is all that a caller may say. Raises Problem 400."""
    unknown = sorted(payload.keys() - {"sources"})
    if unknown:
        raise Problem(HTTPStatus.BAD_REQUEST, f"Unknown field '{unknown[0]}' in the body; known: sources.")
    wanted = payload.get("sources")
    if wanted is None:
        return {}
    if not isinstance(wanted, list) or not wanted or not all(isinstance(one, str) for one in wanted):
        raise Problem(HTTPStatus.BAD_REQUEST, "'sources' must be a list of source names; leave it out for all of them.")
    missing = [name for name in wanted if name not in known]
    if missing:
        raise Problem(
            HTTPStatus.BAD_REQUEST, f"'sources': there is no source '{missing[0]}'. Known: {', '.join(known)}."
        )
    return {"sources": list(dict.fromkeys(wanted))}


def json_type(value: Any) -> str:
    """What JSON calls a value's type."""
    kinds = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "an array"}
    return kinds.get(type(value), "null")
