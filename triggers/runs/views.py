"""Runs as JSON: the record of a run, put right by what the task hub says of it, and the progress of its sources."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlsplit

import azure.functions as func

from orchestrations import names
from storage.ledger.hub import HubClient
from storage.ledger.runs import RunRecord
from storage.outcomes.progress import SourceProgress
from storage.outcomes.run_ends import with_its_end
from storage.store import Store
from storage.ticket import StopMode
from triggers.runs.live_runs import in_json, progress
from triggers.web.problem import Problem

RESULT_COUNTS = ("pages", "left_out", "loaded", "unchanged", "failed", "disallowed", "rows", "batches")

CHANGES = ("added", "removed", "changed")
"""Rows, against what was published before; None if that is not known."""

_EXECUTION: Final = re.compile(r"(.+)@([1-9][0-9]{0,9})")


async def as_it_is(client: HubClient, store: Store, run: RunRecord) -> RunRecord:
    """`run`, with an outcome if its orchestration has ended without writing one: terminated, or broken."""
    return await with_its_end(client, store, run, of=names.DAILY_SCRAPE)


async def state_of(store: Store, run: RunRecord) -> str:
    """`running`, `stopping` from the moment on that somebody asked for it, or `finished`."""
    if run.outcome is not None:
        return "finished"
    ticket = await store.tickets.read(names.DAILY_SCRAPE)
    is_asked = ticket is not None and ticket.is_of(run.run_id, run.epoch) and ticket.stop is not StopMode.NONE
    return "stopping" if is_asked else "running"


def run_view(run: RunRecord, state: str, req: func.HttpRequest) -> dict[str, Any]:
    """One line of the run history; its links are absolute, from the URL of the request."""
    return {
        "runId": run.run_id,
        "epoch": run.epoch,
        "state": state,
        "outcome": run.outcome,
        "reason": run.reason,
        "startedAt": run.started_at.isoformat(),
        "finishedAt": run.finished_at.isoformat() if run.finished_at else None,
        "triggeredBy": run.triggered_by,
        "retryOf": run.retry_of.run_id if run.retry_of else None,
        "links": run_links(req, run.run_id, run.epoch),
    }


def run_links(req: func.HttpRequest, run_id: str, epoch: int | None = None) -> dict[str, str]:
    """Absolute links to a run, from the URL of a request to any route of ours.

    With an epoch to this one, also once its ID is used again; without one to the newest with this ID.
    """
    address = f"{api_root(req)}/runs/{quote(run_id)}" + (f"@{epoch}" if epoch else "")
    return {"self": address, "failures": f"{address}/failures"}


def api_root(req: func.HttpRequest) -> str:
    """The URL below which our routes lie, without a slash at the end, however the caller has written the prefix."""
    url = urlsplit(req.url)
    before, _, _ = url.path.lower().partition("/api/")
    return f"{url.scheme}://{url.netloc}{url.path[: len(before)]}/api"


async def progress_of_run(store: Store, run: RunRecord) -> list[dict[str, Any]]:
    """How far each source of a live run is."""
    return [progress_view(source) for source in (await progress(store, run)).sources]


def progress_view(source: SourceProgress) -> dict[str, Any]:
    """One source of a live run."""
    view = in_json(asdict(source))
    view["batchesDone"] = view.pop("batches_done")
    moment = view.pop("last_progress_at")
    del view["began_at"]
    unknown = dict.fromkeys(CHANGES)
    return {**view, **unknown, "lastProgressAt": moment.isoformat() if moment else None, "reason": ""}


def result_view(result: Mapping[str, Any]) -> dict[str, Any]:
    """One source of a finished run, from the summary of its orchestration."""
    return {
        "source": result["source"],
        "state": result["outcome"],
        **in_json({name: result.get(name, 0) for name in RESULT_COUNTS}),
        **in_json({name: result.get(name) for name in ("failed_by_reason", *CHANGES)}),
        "mayGrow": False,
        "batchesDone": result.get("batches_done", result.get("batches", 0)),
        "lastProgressAt": None,
        "reason": result["reason"],
    }


def run_id_of(req: func.HttpRequest) -> str:
    """The run ID in the route. Raises Problem 404 for a text that no run can have: to the hub `a?b` would be `a`."""
    run_id = str(req.route_params["runId"])
    if names.run_id_problem(run_id):
        raise no_such_run(run_id)
    return run_id


def execution_of(req: func.HttpRequest) -> tuple[str, int | None]:
    """The run in the route, which may be `ID@epoch`. Raises Problem 404 for a text that no run can have."""
    text = str(req.route_params["runId"])
    run_id, epoch = execution_in(text)
    if names.run_id_problem(run_id):
        raise no_such_run(text)
    return run_id, epoch


def execution_in(text: str) -> tuple[str, int | None]:
    """`ID@epoch` taken apart. Without an epoch the text is an ID, which means the newest run that has it.

    An epoch is written in one way only, without leading zeros: else the text is what no run can have.
    """
    found = _EXECUTION.fullmatch(text)
    return (found[1], int(found[2])) if found else (text, None)


def no_such_run(run_id: str) -> Problem:
    """404 for an ID that no run has."""
    return Problem(HTTPStatus.NOT_FOUND, f"There is no run '{run_id[:100]}'. GET /api/runs lists them.")
