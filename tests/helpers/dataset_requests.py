"""Requests to the routes of datasets, and what runs leave for them."""

from __future__ import annotations

import json
from typing import Any

import azure.functions as func

from storage.keys import snapshot_id
from tests.helpers.activity_runs import ActivityRuns

ROOT = "http://localhost/api/datasets"


async def ask(
    handler: Any, runs: ActivityRuns, source: str | None = "books", tail: str = "", **query: str
) -> func.HttpResponse:
    """What a handler answers; `tail` is what its route has behind the source."""
    url = ROOT if source is None else f"{ROOT}/{source}{tail}"
    route = {} if source is None else {"source": source}
    request = func.HttpRequest("GET", url, params=query, route_params=route, body=b"")
    answer: func.HttpResponse = await handler(request, runs.hub)
    return answer


async def ask_json(handler: Any, runs: ActivityRuns, source: str | None = "books", **query: str) -> tuple[int, Any]:
    """Status and document of what a handler answers."""
    answer = await ask(handler, runs, source, **query)
    return answer.status_code, json.loads(answer.get_body())


async def complete(runs: ActivityRuns, run_id: str) -> dict[str, Any]:
    """A whole run; the summary of its source."""
    ended = await runs.complete(await runs.start(run_id))
    summary: dict[str, Any] = ended["sources"][0]
    return summary


async def delete(runs: ActivityRuns, table: str, *, of_epoch: int, containing: str = "") -> None:
    """Delete what a table in memory has of a run."""
    entities = (await runs.store.tables.table(table)).entities  # type: ignore[attr-defined]
    snapshot = snapshot_id("books", of_epoch)
    for key in [key for key in entities if key[0].startswith(snapshot) and containing in "".join(key)]:
        del entities[key]
