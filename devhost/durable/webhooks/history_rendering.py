"""The `historyEvents` of the status API, made from the raw history of one execution.

Source: Azure/azure-functions-durable-extension 2.13.7, ContextImplementations/DurableClient.cs.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from devhost.durable.protocol import EVENT_TYPE_NAMES
from devhost.durable.webhooks.json_values import stored_value

_TASK_SCHEDULED = 4
_CHILD_CREATED = 7
_SCHEDULING = frozenset({_TASK_SCHEDULED, _CHILD_CREATED})
_COMPLETIONS = {5: _TASK_SCHEDULED, 6: _TASK_SCHEDULED, 8: _CHILD_CREATED, 9: _CHILD_CREATED}
_EPISODE_MARKS = frozenset({12, 13})
_NEVER_SHOWN = frozenset({"EventId", "IsPlayed", "TaskScheduledId", "TimerId"})

ORCHESTRATION_STATUS_NAMES = {
    0: "Running",
    1: "Completed",
    2: "ContinuedAsNew",
    3: "Failed",
    4: "Canceled",
    5: "Terminated",
    6: "Pending",
    7: "Suspended",
}


def render_history(events: Sequence[Mapping[str, Any]], *, show_input: bool, show_output: bool) -> list[dict[str, Any]]:
    """The events as people read them, in history order.

    Scheduling events are merged into their completions; episode marks and ids are left out. `Input` appears
    only with `show_input`, `Result` (parsed) only with `show_output`.
    """
    scheduled = {(event["EventType"], event["EventId"]): event for event in events if event["EventType"] in _SCHEDULING}
    answered = {key for event in events if (key := _scheduling_key(event)) in scheduled}
    return [
        _render(event, scheduled, show_input=show_input, show_output=show_output)
        for event in events
        if event["EventType"] not in _EPISODE_MARKS and (event["EventType"], event["EventId"]) not in answered
    ]


def _scheduling_key(event: Mapping[str, Any]) -> tuple[int, int] | None:
    kind = _COMPLETIONS.get(event["EventType"])
    return None if kind is None else (kind, event["TaskScheduledId"])


def _render(
    event: Mapping[str, Any],
    scheduled: Mapping[tuple[int, int], Mapping[str, Any]],
    *,
    show_input: bool,
    show_output: bool,
) -> dict[str, Any]:
    shown = {name: value for name, value in event.items() if name not in _NEVER_SHOWN}
    shown["EventType"] = EVENT_TYPE_NAMES[event["EventType"]]
    key = _scheduling_key(event)
    if key is not None and key in scheduled:
        origin = scheduled[key]
        shown["ScheduledTime"] = _with_offset(origin["Timestamp"])
        shown["FunctionName"] = origin["Name"]
        shown["Input"] = origin.get("Input")
    elif event["EventType"] == 0:
        shown["FunctionName"] = shown.pop("Name")
        for name in ("OrchestrationInstance", "ParentInstance", "Version", "Tags"):
            shown.pop(name, None)
    elif event["EventType"] in _SCHEDULING:
        shown.pop("Version", None)
    if "OrchestrationStatus" in shown:
        shown["OrchestrationStatus"] = _status_name(shown["OrchestrationStatus"])
    if not show_input:
        shown.pop("Input", None)
    if not show_output:
        shown.pop("Result", None)
    elif "Result" in shown:
        shown["Result"] = stored_value(shown["Result"])
    return shown


def _with_offset(timestamp: str) -> str:
    """`…Z` as `…+00:00`: the product prints this one field with an offset."""
    return f"{timestamp[:-1]}+00:00" if timestamp.endswith("Z") else timestamp


def _status_name(status: int | str) -> str:
    return status if isinstance(status, str) else ORCHESTRATION_STATUS_NAMES[status]
