"""Starts that are still to come, of whatever orchestrator: which there are, and how one of them is cancelled."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import azure.durable_functions as df
import azure.functions as func

from orchestrations import names
from scraper import clock
from scraper.settings import Settings, app_settings
from starts.later import Scheduled, cancel_scheduled, find_scheduled, find_waiting
from storage.ledger.hub import HubClient, is_live
from storage.ledger.locks import is_held
from storage.store import Store, open_store
from storage.ticket import TicketState
from triggers.runs.views import api_root, run_links
from triggers.web.problem import Problem, answers_problems, json_response


@answers_problems
async def list_starts(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Those that are to come, the soonest first; `isWhole` is false if there may be more than the hub lists at once."""
    settings = app_settings()
    store = open_store(settings)
    waiting, is_whole = await find_waiting(client, store.schedules)
    is_one_held_up = any(one.start.waits for one in waiting)
    holder = await _holder(client, store, settings) if is_one_held_up else None
    return json_response({"starts": [_view(one, req, holder) for one in waiting], "isWhole": is_whole})


@answers_problems
async def cancel_start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """See to it that a start does not happen: 200 with what it was; 404 if there is none, 409 if it is too late."""
    start_id, store = str(req.route_params["startId"]), open_store(app_settings())
    is_possible = not names.instance_id_problem(start_id)
    scheduled = await find_scheduled(client, store.schedules, start_id) if is_possible else None
    if scheduled is None:
        detail = f"There is no start '{start_id[:100]}'. GET /api/starts lists those that are to come."
        raise Problem(HTTPStatus.NOT_FOUND, detail)
    if scheduled.is_waiting:
        await cancel_scheduled(client, store.schedules, scheduled, by="http")
    begun = await _begun(store, scheduled)
    if begun or not scheduled.is_waiting:
        raise _too_late(scheduled, req, begun or scheduled.code)
    return json_response(_view(scheduled, req, None))


async def _begun(store: Store, scheduled: Scheduled) -> str:
    """How far it has come if it was faster than the word against it, see `cancel_scheduled`; empty if it was not.

    One that is `starting` may have passed the point at which it asks for that word, or not: then it is withdrawn.
    """
    start = scheduled.start
    ticket = await store.tickets.read(names.singleton_key(start.orchestrator, start.instance_id))
    if ticket is None or ticket.claim != start.claim or ticket.state is TicketState.FREE:
        return ""
    return ticket.state.value


def _too_late(scheduled: Scheduled, req: func.HttpRequest, outcome: str) -> Problem:
    said = f"The start of '{scheduled.start.instance_id}' is not to come any more: {outcome}."
    if outcome == TicketState.STARTING:
        said = f"'{scheduled.start.instance_id}' is being started in this moment. Ask again whether it was withdrawn."
    return Problem(HTTPStatus.CONFLICT, said, outcome=outcome, links=_links(scheduled, req))


async def _holder(client: HubClient, store: Store, settings: Settings) -> str | None:
    """The run that holds the singleton now."""

    async def holder_is_live(instance_id: str) -> bool:
        return await is_live(client, instance_id, of=names.DAILY_SCRAPE)

    ticket = await store.tickets.read(names.DAILY_SCRAPE)
    if ticket is None or not await is_held(
        ticket, is_live=holder_is_live, now=clock.utc_now(), grace=settings.start_grace
    ):
        return None
    return ticket.instance_id


def _view(scheduled: Scheduled, req: func.HttpRequest, holder: str | None) -> dict[str, Any]:
    """One start; `holder` is who has the singleton of the daily scrape."""
    start = scheduled.start
    return {
        "startId": scheduled.own_id,
        "orchestrator": start.orchestrator,
        "instanceId": start.instance_id,
        "runId": start.instance_id if start.orchestrator == names.DAILY_SCRAPE else None,
        "startAt": start.due,
        "triggeredBy": start.started_by,
        "isDue": scheduled.due_at <= clock.utc_now(),
        "holder": holder if start.waits else None,
        "sources": _sources(start.orchestrator, start.payload),
        "links": _links(scheduled, req),
    }


def _sources(orchestrator: str, payload: Any) -> list[str] | None:
    """Those that a daily scrape is asked for; None if it is asked for all of them, and of anything else."""
    named = payload.get("sources") if orchestrator == names.DAILY_SCRAPE and isinstance(payload, dict) else None
    return [one for one in named if isinstance(one, str)] if isinstance(named, list) else None


def _links(scheduled: Scheduled, req: func.HttpRequest) -> dict[str, str]:
    """How to cancel it; and of a run, where to look at it."""
    links = {"cancel": f"{api_root(req)}/starts/{quote(scheduled.own_id)}/cancel"}
    if scheduled.start.orchestrator == names.DAILY_SCRAPE:
        links["run"] = run_links(req, scheduled.start.instance_id)["self"]
    return links
