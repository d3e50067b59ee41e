"""A start over HTTP: through the singleton, and 409 with who holds it when it is refused."""

from http import HTTPStatus
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from orchestrations import names
from scraper import clock
from scraper.settings import Settings
from starts.singleton import RunAlreadyLive, Start, start_singleton
from storage.store import Store
from storage.ticket import Ticket
from triggers.runs.views import progress_of_run, run_links
from triggers.web.problem import Problem


async def start_or_conflict(
    req: func.HttpRequest, client: df.DurableOrchestrationClient, store: Store, settings: Settings, start: Start
) -> Ticket:
    """The ticket of the instance that was started. Raises Problem 409 if the singleton has a live holder."""
    try:
        return await start_singleton(client, store.tickets, start, grace=settings.start_grace)
    except RunAlreadyLive as refusal:
        raise await conflict(refusal, req, store) from refusal


async def conflict(refusal: RunAlreadyLive, req: func.HttpRequest, store: Store) -> Problem:
    """409: who holds the singleton, since when, how far it is, and where to look."""
    return Problem(HTTPStatus.CONFLICT, f"{refusal}", **await _holder(refusal, req, store))


async def _holder(refusal: RunAlreadyLive, req: func.HttpRequest, store: Store) -> dict[str, Any]:
    ticket = refusal.ticket
    if ticket is None:
        return {}
    age = clock.utc_now() - ticket.acquired_at
    holder: dict[str, Any] = {
        "holder": ticket.instance_id,
        "epoch": ticket.epoch,
        "heldSince": ticket.acquired_at.isoformat(),
        "ageSeconds": max(0, round(age.total_seconds())),
        "startedBy": ticket.acquired_by,
    }
    if ticket.key == names.DAILY_SCRAPE:
        run = await store.runs.find(ticket.instance_id)
        claimed = run is not None and run.epoch == ticket.epoch
        holder["progress"] = await progress_of_run(store, run) if run is not None and claimed else []
        holder["links"] = run_links(req, ticket.instance_id)
    return holder
