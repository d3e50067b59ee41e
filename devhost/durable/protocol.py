"""History events as the Python SDK reads them: one builder for each event type, and the times in them.

Source: Azure/durabletask, DurableTask.Core/History/*.cs; azure-functions-durable 1.7.0, models/history.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

Event = dict[str, Any]


class EventType(IntEnum):
    """The numbers of the history events that this host writes."""

    EXECUTION_STARTED = 0
    EXECUTION_COMPLETED = 1
    EXECUTION_TERMINATED = 3
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    CHILD_CREATED = 7
    CHILD_COMPLETED = 8
    CHILD_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    ORCHESTRATOR_COMPLETED = 13
    EVENT_SENT = 14
    EVENT_RAISED = 15
    GENERIC_EVENT = 17
    EXECUTION_SUSPENDED = 19
    EXECUTION_RESUMED = 20


EVENT_TYPE_NAMES = {
    0: "ExecutionStarted",
    1: "ExecutionCompleted",
    2: "ExecutionFailed",
    3: "ExecutionTerminated",
    4: "TaskScheduled",
    5: "TaskCompleted",
    6: "TaskFailed",
    7: "SubOrchestrationInstanceCreated",
    8: "SubOrchestrationInstanceCompleted",
    9: "SubOrchestrationInstanceFailed",
    10: "TimerCreated",
    11: "TimerFired",
    12: "OrchestratorStarted",
    13: "OrchestratorCompleted",
    14: "EventSent",
    15: "EventRaised",
    16: "ContinueAsNew",
    17: "GenericEvent",
    18: "HistoryState",
    19: "ExecutionSuspended",
    20: "ExecutionResumed",
    21: "ExecutionRewound",
}
"""Every event type by its number, as it is written out in `historyEvents`."""


class OrchestrationStatus(IntEnum):
    """The numbers of the end states in ExecutionCompleted."""

    COMPLETED = 1
    FAILED = 3
    TERMINATED = 5


HTTP_ACTIVITY = "BuiltIn::HttpActivity"
"""The name under which a history holds the requests of `call_http`."""


def format_time(moment: datetime) -> str:
    """UTC with seven fraction digits and `Z`; texts of this form sort as their times do."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}0Z"


def parse_time(text: str) -> datetime:
    """The aware UTC time of a text with `Z` and 0 to 7 fraction digits; a seventh digit is dropped.

    Years before 1000 may lack their zeros: the SDK writes `fireAt` with a strftime that does not pad.
    """
    whole, _, fraction = text.rstrip("Z").partition(".")
    year, dash, rest = whole.partition("-")
    moment = datetime.fromisoformat(f"{year:0>4}{dash}{rest}").replace(tzinfo=UTC)
    return moment.replace(microsecond=int(fraction[:6].ljust(6, "0"))) if fraction else moment


def compact(value: Any) -> str:
    """JSON text without spaces; characters as they are, but escaped where half a surrogate pair is among them."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text


def dump_events(events: list[Event], *, is_played: bool) -> str:
    """The events as JSON objects joined by commas, ready to stand inside an array."""
    return ",".join(compact({**event, "IsPlayed": is_played}) for event in events)


def _event(kind: EventType, at: datetime, event_id: int = -1, /, **fields: Any) -> Event:
    head = {"EventType": int(kind), "EventId": event_id, "IsPlayed": False, "Timestamp": format_time(at)}
    return {**head, **fields}


def orchestrator_started(at: datetime) -> Event:
    """12: an episode begins; its time is what the orchestrator sees as now."""
    return _event(EventType.ORCHESTRATOR_STARTED, at)


def orchestrator_completed(at: datetime) -> Event:
    """13: an episode ends."""
    return _event(EventType.ORCHESTRATOR_COMPLETED, at)


def execution_started(
    at: datetime,
    *,
    name: str,
    version: str,
    input_text: str | None,
    instance_id: str,
    execution_id: str,
    parent: Mapping[str, Any] | None = None,
    generation: int = 0,
) -> Event:
    """0: a generation begins. `input_text` is the stored input; `parent` is made by `parent_instance`."""
    return _event(
        EventType.EXECUTION_STARTED,
        at,
        Name=name,
        Version=version,
        Input=input_text,
        OrchestrationInstance={"InstanceId": instance_id, "ExecutionId": execution_id},
        ParentInstance=parent,
        Tags=None,
        Correlation=None,
        ParentTraceContext=None,
        ScheduledStartTime=None,
        Generation=generation,
    )


def parent_instance(*, name: str, version: str, instance_id: str, execution_id: str, task_id: int) -> dict[str, Any]:
    """Who waits for a sub-orchestration, and under which of its task ids."""
    instance = {"InstanceId": instance_id, "ExecutionId": execution_id}
    return {
        "Name": name,
        "OrchestrationInstance": instance,
        "TaskScheduleId": task_id,
        "Version": version,
    }


def execution_completed(at: datetime, event_id: int, status: OrchestrationStatus, result: str | None) -> Event:
    """1: the instance ended; `result` is JSON text, or plain text unless Completed."""
    fields = {"OrchestrationStatus": int(status), "Result": result, "FailureDetails": None}
    return _event(EventType.EXECUTION_COMPLETED, at, event_id, **fields)


def execution_terminated(at: datetime, reason: str) -> Event:
    """3: someone ended the instance."""
    return _event(EventType.EXECUTION_TERMINATED, at, Input=reason)


def task_scheduled(at: datetime, task_id: int, name: str, input_text: str | None) -> Event:
    """4: an activity was queued; `input_text` only if the hub stores inputs in histories."""
    fields = {"Name": name, "Version": "", "Input": input_text, "Tags": None, "ParentTraceContext": None}
    return _event(EventType.TASK_SCHEDULED, at, task_id, **fields)


def task_completed(at: datetime, task_id: int, result: str | None) -> Event:
    """5: an activity returned; `result` is JSON text, None for None."""
    return _event(EventType.TASK_COMPLETED, at, TaskScheduledId=task_id, Result=result)


def task_failed(at: datetime, task_id: int, reason: str, details: str) -> Event:
    """6: an activity raised; see failure_texts for both texts."""
    fields = {"TaskScheduledId": task_id, "Reason": reason, "Details": details, "FailureDetails": None}
    return _event(EventType.TASK_FAILED, at, **fields)


def child_created(
    at: datetime, task_id: int, *, name: str, version: str, instance_id: str, input_text: str | None
) -> Event:
    """7: a sub-orchestration was started; `input_text` only if the hub stores inputs in histories."""
    return _event(
        EventType.CHILD_CREATED,
        at,
        task_id,
        Name=name,
        Version=version,
        InstanceId=instance_id,
        Input=input_text,
        ClientSpanId=None,
        Tags=None,
    )


def child_completed(at: datetime, task_id: int, result: str | None) -> Event:
    """8: a sub-orchestration returned; `result` is JSON text, None for None."""
    return _event(EventType.CHILD_COMPLETED, at, TaskScheduledId=task_id, Result=result)


def child_failed(at: datetime, task_id: int, reason: str | None, details: str | None) -> Event:
    """9: a sub-orchestration failed or was terminated."""
    fields = {"TaskScheduledId": task_id, "Reason": reason, "Details": details, "FailureDetails": None}
    return _event(EventType.CHILD_FAILED, at, **fields)


def timer_created(at: datetime, timer_id: int, fire_at: datetime) -> Event:
    """10: a timer was set."""
    return _event(EventType.TIMER_CREATED, at, timer_id, FireAt=format_time(fire_at))


def timer_fired(at: datetime, timer_id: int, fire_at: datetime) -> Event:
    """11: a timer is due."""
    return _event(EventType.TIMER_FIRED, at, TimerId=timer_id, FireAt=format_time(fire_at))


def event_sent(at: datetime, task_id: int, instance_id: str, input_text: str) -> Event:
    """14: an operation was sent to an entity; `input_text` is the message, see entities.operations."""
    return _event(EventType.EVENT_SENT, at, task_id, InstanceId=instance_id, Name="op", Input=input_text)


def event_raised(at: datetime, name: str, input_text: str) -> Event:
    """15: an external event; `input_text` is JSON text, the name stays as it was sent."""
    return _event(EventType.EVENT_RAISED, at, Name=name, Input=input_text)


def generic_event(at: datetime, data: str) -> Event:
    """17: something that orchestrators do not see."""
    return _event(EventType.GENERIC_EVENT, at, Data=data)


def execution_suspended(at: datetime, reason: str) -> Event:
    """19: from here on nothing new starts."""
    return _event(EventType.EXECUTION_SUSPENDED, at, Reason=reason)


def execution_resumed(at: datetime, reason: str) -> Event:
    """20: the instance goes on."""
    return _event(EventType.EXECUTION_RESUMED, at, Reason=reason)
