"""What an operator sees of the schedule and does with it: pause, resume, and what did not run."""

import re
from http import HTTPStatus
from typing import Any, Final

import azure.durable_functions as df
import azure.functions as func

from orchestrations import names
from scraper import clock
from scraper.settings import Settings, app_settings
from storage.ledger.schedule import ScheduleState
from storage.ledger.skips import Skip
from storage.store import open_store
from triggers.schedule.ticks import last_ticks, next_tick
from triggers.web.problem import Problem, answers_problems, json_response
from triggers.web.request_reading import json_object, json_type, whole_number

MOST_SKIPS: Final = 200
_CONTINUATION: Final = re.compile(r"[0-9]{16}-[0-9]{16}-[0-9a-f]{32}")


@answers_problems
async def get_schedule(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """When the daily scrape runs, whether it is paused, and what happens to a tick that meets a live run."""
    settings = app_settings()
    return json_response(_schedule_view(settings, await open_store(settings).schedules.read(names.DAILY_SCRAPE)))


@answers_problems
async def put_schedule(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Pause or resume. Body: `paused`, true or false. 200 with the schedule as it is now."""
    paused = _wanted_pause(json_object(req))
    settings = app_settings()
    state = ScheduleState(paused, clock.utc_now())
    await open_store(settings).schedules.write(names.DAILY_SCRAPE, state)
    return json_response(_schedule_view(settings, state))


@answers_problems
async def list_skips(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Starts that did not happen, the newest first. Query: `limit` (1 to 200, default 20), `continuation`."""
    limit = whole_number(req, "limit", default=20, low=1, high=MOST_SKIPS)
    after = req.params.get("continuation")
    if after is not None and not _CONTINUATION.fullmatch(after):
        raise Problem(HTTPStatus.BAD_REQUEST, "'continuation' must be one that the page before has given.")
    page, continuation = await open_store(app_settings()).skips.newest(limit=limit, after=after)
    return json_response({"skips": [_skip_view(skip) for skip in page], "continuation": continuation})


def _wanted_pause(body: dict[str, Any]) -> bool:
    unknown = sorted(body.keys() - {"paused"})
    if unknown:
        raise Problem(HTTPStatus.BAD_REQUEST, f"Unknown field '{unknown[0][:100]}' in the body; known: paused.")
    if "paused" not in body:
        raise Problem(HTTPStatus.BAD_REQUEST, "'paused' is missing: send true or false.")
    paused = body["paused"]
    if not isinstance(paused, bool):
        raise Problem(HTTPStatus.BAD_REQUEST, f"'paused' must be true or false, not {json_type(paused)}.")
    return paused


def _schedule_view(settings: Settings, state: ScheduleState) -> dict[str, Any]:
    now = clock.utc_now()
    following = next_tick(settings.scrape_schedule, now)
    return {
        "schedule": settings.scrape_schedule,
        "timeZone": "UTC",
        "paused": state.paused,
        "overlapPolicy": settings.overlap_policy,
        "catchupWindowMinutes": settings.catchup_window_minutes,
        "changedAt": state.changed_at.isoformat() if state.changed_at else None,
        "nextTick": following.isoformat() if following else None,
        "lastTicks": [tick.isoformat() for tick in last_ticks(settings.scrape_schedule, now)],
    }


def _skip_view(skip: Skip) -> dict[str, Any]:
    return {
        "at": skip.at.isoformat(),
        "scheduledFor": skip.scheduled_for.isoformat() if skip.scheduled_for else None,
        "runId": skip.run_id,
        "trigger": skip.trigger,
        "reason": skip.reason,
        "holder": skip.holder,
        "detail": skip.detail,
    }
