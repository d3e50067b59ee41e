"""Which events a workflow has received, read from its history.

The history is the one place that has the events in order with the time of each, and it is the same on every replay.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from azure.durable_functions.models.history import HistoryEvent, HistoryEventType

from orchestrations.workflow_request import WorkflowRequest


@dataclass(frozen=True, slots=True)
class Received:
    """What has come. `is_complete` is True as soon as the workflow has what it waits for."""

    events: list[dict[str, Any]]
    is_complete: bool

    def missing(self, request: WorkflowRequest) -> list[str]:
        """The names that have not come, in the order of the request."""
        come = {one["event"] for one in self.events}
        return [name for name in request.wait_for if name not in come]


def received_events(histories: Iterable[HistoryEvent], request: WorkflowRequest, *, timers: int) -> Received:
    """The first event of each awaited name, until the workflow is complete or its `timers`-th timer has fired.

    What comes after that, comes again, or was not asked for, does not count, even if it lies in the history.
    """
    events: list[dict[str, Any]] = []
    waiting = set(request.wait_for)
    fired = 0
    for one in histories:
        if one.event_type == HistoryEventType.TIMER_FIRED:
            fired += 1
            if fired == timers:
                break
        if one.event_type != HistoryEventType.EVENT_RAISED or one.Name not in waiting:
            continue
        waiting.discard(one.Name)
        events.append({"event": one.Name, "data": event_value(one.Input), "receivedAt": one.timestamp.isoformat()})
        if request.mode == "any" or not waiting:
            return Received(events, is_complete=True)
    return Received(events, is_complete=False)


def event_value(stored: str | None) -> Any:
    """The data of an event as it was given.

    The SDK's `raise_event` sends JSON inside a JSON string, a POST to the durable API plain JSON; both are stored as
    sent. A string that holds no JSON is that string.
    """
    value = _parsed(stored)
    return _parsed(value) if isinstance(value, str) else value


def _parsed(text: str | None) -> Any:
    if text is None:
        return None
    try:
        value = json.loads(text)
        json.dumps(value, allow_nan=False)  # what JSON cannot hold must not get into our output
    except (ValueError, RecursionError):
        return text
    return value
