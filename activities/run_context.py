"""What an activity logs, and its span, belong to the run and the source that its input names."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from scraper.run_log import log_context
from telemetry.steps import Step

Activity = Callable[..., Awaitable[dict[str, Any]]]


def logs_run(activity: Activity) -> Activity:
    """For activities whose `payload` has a `run_id`, and a `source` if they are about one."""

    @wraps(activity)
    async def in_context(payload: dict, *others: Any, **named: Any) -> dict[str, Any]:
        about = log_context(run_id=str(payload["run_id"]), source=str(payload.get("source", "")))
        with about, Step(activity.__name__, payload) as step:
            answer = await activity(payload, *others, **named)
            step.answered(answer)
            return answer

    return in_context
