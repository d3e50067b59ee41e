"""A start in the future: wait until it is due, then start the instance through the singleton."""

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any, Final

from azure.durable_functions import DurableOrchestrationContext

from orchestrations import names
from orchestrations.retries import INFRASTRUCTURE

# A start that waits asks again after a twentieth of the time that it has waited, within these bounds.
SHORTEST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(minutes=10)


def start_later(context: DurableOrchestrationContext) -> Generator[Any, Any, dict[str, Any] | None]:
    """Start one instance at `due`. Input: as starts.later.LaterStart says.

    A start that `waits` tries again until the singleton is free; any other one is given up if it is held. An outage of
    storage or task hub is waited out by both. Returns `code` (`started`, `held`, `paused`, `cancelled`), `reason` and
    `holder`.
    """
    start = context.get_input()
    due = datetime.fromisoformat(start["due"])
    if due > context.current_utc_datetime:
        yield context.create_timer(due)
    try:
        answer = yield context.call_activity_with_retry(names.START_INSTANCE, INFRASTRUCTURE, start)
    except Exception:  # noqa: BLE001 - the SDK raises plain Exception for a failed activity
        answer = {"code": "waiting"}
    if answer["code"] == "waiting":
        now = context.current_utc_datetime
        yield context.create_timer(now + min(max((now - due) / 20, SHORTEST_WAIT), LONGEST_WAIT))
        context.continue_as_new(start)
        return None
    return answer  # type: ignore[no-any-return]
