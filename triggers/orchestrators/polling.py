"""`PUT orchestrators/{functionName}/{instanceId}`: poll the function until it has the result."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import azure.durable_functions as df
import azure.functions as func
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from scraper.settings import app_settings
from starts.singleton import RunAlreadyLive, Start, StartingClient, start_singleton
from storage.ledger.hub import LIVE, is_of
from storage.ledger.locks import TicketStore
from storage.store import open_store
from triggers.orchestrators.start import known_orchestrator, start_input, valid_instance_id
from triggers.runs.http_start import conflict
from triggers.runs.scheduled_starts import scheduled_or_asked_for
from triggers.web.problem import Problem, answers_problems, json_response
from triggers.web.start_times import start_at_of_query

RETRY_AFTER_S = "10"

# What the hub's output of an instance is, by how it ended.
_OUTPUT_IS = {Status.Completed: "output", Status.Failed: "error"}


@answers_problems
async def poll_orchestrator(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """202 while the instance runs, which is started if there is none; 200 with its result once it has ended.

    The body is the input, and `startAt` in the query the time to start; both are read only by the request that starts.
    Nothing that has ended is started again.
    """
    orchestrator = known_orchestrator(req.route_params["functionName"])
    instance_id = valid_instance_id(orchestrator, req.route_params["instanceId"])
    settings = app_settings()
    store = open_store(settings)

    def start() -> Start:
        return Start(orchestrator, instance_id, start_input(orchestrator, instance_id, req, settings), "http")

    def due() -> datetime | None:
        return start_at_of_query(req)

    try:
        if not await client.get_status(instance_id):
            own_id = await scheduled_or_asked_for(client, store, settings, instance_id, start, due)
            if own_id is not None:
                return _answer(req, client, own_id, await client.get_status(own_id))
        status = await start_unless_there(client, store.tickets, instance_id, start, grace=settings.start_grace)
    except RunAlreadyLive as refusal:
        answer = (await conflict(refusal, req, store)).response()
        answer.headers["Retry-After"] = RETRY_AFTER_S
        return answer
    if status and not is_of(status, orchestrator):
        detail = f"An instance with ID '{instance_id}' already exists, of the orchestrator '{status.name}'."
        raise Problem(HTTPStatus.CONFLICT, detail)
    return _answer(req, client, instance_id, status)


def _answer(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, instance_id: str, status: Any
) -> func.HttpResponse:
    if not status or status.runtime_status in LIVE:
        return client.create_check_status_response(req, instance_id)
    return json_response(_ended(instance_id, status))


async def start_unless_there(
    client: StartingClient,
    tickets: TicketStore,
    instance_id: str,
    start: Callable[[], Start],
    *,
    grace: timedelta,
    now: datetime | None = None,
) -> Any:
    """The status of the instance, which is started if the hub has none; None while it has only just been started.

    Raises RunAlreadyLive if the singleton is held by an instance with another ID.
    """

    async def is_there() -> bool:
        return bool(await client.get_status(instance_id))

    status = await client.get_status(instance_id)
    if status:
        return status
    try:
        await start_singleton(client, tickets, replace(start(), unless=is_there), grace=grace, now=now)
    except RunAlreadyLive as refusal:
        # Another caller may have started it since we looked, and it may even have ended.
        status = await client.get_status(instance_id)
        is_own = refusal.ticket is not None and refusal.ticket.instance_id == instance_id
        if not status and not is_own:
            raise
    return status or None


def _ended(instance_id: str, status: Any) -> dict[str, Any]:
    return {
        "id": instance_id,
        "runtimeStatus": status.runtime_status.name,
        _OUTPUT_IS.get(status.runtime_status, "reason"): status.output,
        "createdTime": status.created_time.isoformat(),
        "lastUpdatedTime": status.last_updated_time.isoformat(),
    }
