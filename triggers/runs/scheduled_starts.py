"""Starts in the future over HTTP: accepted, shown as runs, and cancelled."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol

import azure.functions as func

from orchestrations import names
from scraper.settings import Settings
from starts.later import LaterClient, Scheduled, cancel_scheduled, find_scheduled, find_scheduled_run, start_later
from starts.singleton import RunAlreadyLive, Start, StartingClient
from storage.store import Store
from storage.ticket import StopMode
from triggers.runs.instances import StoppingClient
from triggers.runs.stop import RunHasEnded, RunNotFound, stop_run
from triggers.runs.views import run_links
from triggers.web.problem import Problem

STARTED_BY = "startAt"

# What a start came to that did not become a run, as the outcome of the run that was promised.
_OUTCOMES = {"held": "skipped", "paused": "skipped", "cancelled": "stopped", "failed": "failed"}


class SchedulingClient(LaterClient, StartingClient, StoppingClient, Protocol):
    """The part of the SDK's durable client that starts in the future need."""


class AlreadyScheduled(Problem):
    """409: a start of this ID is to come."""

    def __init__(self, instance_id: str, **members: Any) -> None:
        super().__init__(HTTPStatus.CONFLICT, f"A start of '{instance_id}' is scheduled already.", **members)


async def schedule_or_conflict(
    client: StartingClient, store: Store, settings: Settings, start: Start, due: datetime
) -> str:
    """Let `start` happen at `due`; the ID of the instance that waits for it.

    Raises Problem 400 for an ID that leaves no room for that one's, 409 if a start of this ID is to come already.
    """
    own_id = names.later_id(start.instance_id)
    problem = names.instance_id_problem(own_id)
    if problem:
        detail = f"'startAt' with '{start.instance_id}': the ID of the start would be '{own_id}', but {problem}."
        raise Problem(HTTPStatus.BAD_REQUEST, detail)
    start = replace(start, started_by=STARTED_BY)
    try:
        await start_later(client, store.tickets, start, due=due, grace=settings.start_grace)
    except RunAlreadyLive as refusal:
        raise AlreadyScheduled(start.instance_id) from refusal
    return own_id


async def scheduled_or_asked_for(
    client: SchedulingClient,
    store: Store,
    settings: Settings,
    instance_id: str,
    start: Callable[[], Start],
    due: Callable[[], datetime | None],
) -> str | None:
    """The ID of the instance that was to start this one, waits, or has ended without doing so.

    It is made if there is none and `due` says a time; None if nothing waits and nothing shall. `due` and `start` are
    asked only if there is none. Raises Problem 400.
    """
    scheduled = await find_scheduled(client, store.schedules, names.later_id(instance_id))
    if scheduled is not None and scheduled.code != "started":
        return scheduled.own_id
    if await client.get_status(instance_id):
        return None  # started by that in this moment
    moment = due()
    if moment is None:
        return None
    try:
        return await schedule_or_conflict(client, store, settings, start(), moment)
    except AlreadyScheduled:
        return names.later_id(instance_id)  # by somebody in this moment


async def refuse_if_scheduled(client: LaterClient, store: Store, instance_id: str) -> None:
    """Raise Problem 409 if a start of this ID is to come."""
    scheduled = await find_scheduled(client, store.schedules, names.later_id(instance_id))
    if scheduled is not None and scheduled.is_waiting:
        raise AlreadyScheduled(instance_id, startAt=scheduled.start.due)


def scheduled_view(scheduled: Scheduled, req: func.HttpRequest) -> dict[str, Any]:
    """A run that is still to come, or that did not come."""
    run_id = scheduled.start.instance_id
    return {
        "runId": run_id,
        "epoch": None,
        "state": "scheduled" if scheduled.is_waiting else "finished",
        "outcome": None if scheduled.is_waiting else _outcome(scheduled),
        "reason": "" if scheduled.is_waiting else _reason(scheduled),
        "startAt": scheduled.start.due,
        "startedAt": None,
        "finishedAt": None,
        "triggeredBy": scheduled.start.started_by,
        "retryOf": None,
        "totals": None,
        "lastProgressAt": None,
        "stuck": False,
        "suspended": False,
        "links": run_links(req, run_id),
        "sources": [],
    }


def _outcome(scheduled: Scheduled) -> str:
    return _OUTCOMES.get(scheduled.code, "terminated")


def _reason(scheduled: Scheduled) -> str:
    if scheduled.is_cancelled:
        return "its start was cancelled before it was due"
    return str(scheduled.end.get("reason", ""))


async def stop_or_cancel(client: SchedulingClient, store: Store, run_id: str, mode: StopMode, *, by: str) -> StopMode:
    """Stop the run, or see to it that a run that is still to come does not; the mode that is in force.

    Raises RunNotFound or RunHasEnded.
    """
    try:
        return (await stop_run(client, store, run_id, mode, by=by)).mode
    except (RunNotFound, RunHasEnded) as nothing_lives:
        scheduled = await find_scheduled_run(client, store.schedules, run_id)
        if scheduled is None:
            raise
        if scheduled.is_waiting:
            await cancel_scheduled(client, store.schedules, scheduled, by=by)
        try:  # it may have begun since we looked, or in the moment of the cancelling
            return (await stop_run(client, store, run_id, mode, by=by)).mode
        except (RunNotFound, RunHasEnded):
            if scheduled.is_waiting:
                return mode
        if isinstance(nothing_lives, RunNotFound):
            raise RunHasEnded(run_id, _outcome(scheduled)) from nothing_lives
        raise
