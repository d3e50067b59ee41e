"""`POST runs/{runId}/retry`: a new run of only what an ended run has left undone."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from orchestrations import names
from scraper.app_sources import app_sources
from scraper.settings import app_settings
from starts.later import Scheduled
from starts.singleton import Start
from storage.ledger.runs import RunRecord
from storage.planning.retrying import Rest, rest_of, why_not_retry
from storage.store import Store, open_store
from triggers.runs.commands import new_run_id, run_accepted
from triggers.runs.http_start import start_or_conflict
from triggers.runs.lookup import asked_for
from triggers.runs.requests import run_request
from triggers.runs.views import execution_of, run_links
from triggers.web.problem import Problem, answers_problems
from triggers.web.request_reading import json_object


@answers_problems
async def retry_run(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Scrape what a run did not load. Body, optional: `sources`, some of that run's. 202 with the new run's ID.

    404 for an unknown run; 409 if the run lives, has nothing to retry or cannot be retried any more, or if another
    run holds the singleton.
    """
    settings = app_settings()
    store = open_store(settings)
    run = await _ended_run(req, client, store)
    wanted = run_request(json_object(req), known=run.sources, of=run.run_id).get("sources", run.sources)
    known = [source.name for source in app_sources(settings)]
    payload = {
        "sources": await _to_retry(store, run, wanted, known=known),
        "retry_of": {"run_id": run.run_id, "epoch": run.epoch},
    }
    run_id = new_run_id("retry")
    await start_or_conflict(req, client, store, settings, Start(names.DAILY_SCRAPE, run_id, payload, started_by="http"))
    return run_accepted(req, run_id)


async def _ended_run(req: func.HttpRequest, client: df.DurableOrchestrationClient, store: Store) -> RunRecord:
    """The run of the route. Raises Problem 404 if there never was one, 409 if it has not ended, or never began."""
    run_id, epoch = execution_of(req)
    run = await asked_for(client, store, run_id, epoch)
    links = run_links(req, run_id, epoch)
    if isinstance(run, Scheduled):
        reason = "is still to come" if run.is_waiting else "never started, so it has nothing to retry"
        raise Problem(HTTPStatus.CONFLICT, f"The run '{run_id}' {reason}.", links=links)
    if run.outcome is None:
        reason = f"The run '{run_id}' is still going on: a run can be retried when it has ended."
        raise Problem(HTTPStatus.CONFLICT, reason, holder=run_id, links=links)
    return run


async def _to_retry(store: Store, run: RunRecord, wanted: Sequence[str], *, known: Sequence[str]) -> list[str]:
    """Those of the sources that have something to retry. Raises Problem 409 if there is none, or one cannot be."""
    rests = [await rest_of(store, run, source) for source in wanted]
    left = [rest for rest in rests if not rest.is_nothing]
    if not left:
        raise Problem(HTTPStatus.CONFLICT, _nothing(run, rests, of=_named(run, wanted)))
    for rest in left:
        reason = await why_not_retry(store, rest)
        if not reason and rest.source not in known:
            reason = f"there is no source '{rest.source}' any more: name others in 'sources'"
        if reason:
            raise Problem(HTTPStatus.CONFLICT, f"{reason[0].upper()}{reason[1:]}.", **_where(rest))
    return [rest.source for rest in left]


def _named(run: RunRecord, wanted: Sequence[str]) -> str:
    """What is asked for, if that is not the whole run."""
    return "" if set(wanted) == set(run.sources) else f" of {', '.join(wanted)}"


def _nothing(run: RunRecord, rests: Sequence[Rest], *, of: str) -> str:
    reason = f"The run '{run.run_id}' has nothing to retry{of}: all pages that it found are loaded and published."
    if not rests:
        reason = f"The run '{run.run_id}' has nothing to retry: it came to no source."
    unread = sum(rest.unread for rest in rests)
    if unread:
        reason += f" {unread} places that should have named pages could not be read; only a new run reads them again."
    return reason


def _where(rest: Rest) -> dict[str, Any]:
    return {"source": rest.source} | ({"newerRun": rest.newer.run_id} if rest.newer else {})
