"""A workflow as JSON, for a client that polls it and decides."""

import json
from datetime import datetime
from typing import Any
from urllib.parse import quote

import azure.functions as func

from orchestrations.workflow_request import WorkflowRequest, workflow_id
from triggers.runs.views import api_root
from triggers.workflows.state import Phase, WorkflowState


def workflow_view(state: WorkflowState, req: func.HttpRequest) -> dict[str, Any]:
    """Where the workflow stands. `outcome` is null while it may go on; `waitingFor` is empty when it has ended.

    While it lives, `events` have their name and time; with the end their data comes, too.
    """
    view: dict[str, Any] = {
        "input": state.key,
        "instanceId": workflow_id(state.key),
        "runtimeStatus": "Pending",
        "outcome": state.outcome,
        "reason": "",
        "waitFor": [],
        "mode": None,
        "waitingFor": [],
        "deadline": None,
        "data": None,
        "events": [],
        "startedAt": state.ticket.acquired_at.isoformat() if state.ticket else None,
        "endedAt": None,
        "links": workflow_links(req, state.key),
    }
    if state.phase is Phase.STARTING:
        return view
    status, request = state.status, state.request
    events = _events(status, request)
    view |= {
        "runtimeStatus": status.runtime_status.name,
        "deadline": status.custom_status.get("deadline") if _is_object(status.custom_status) else None,
        "data": _data(state.document),
        "events": events,
        "startedAt": status.created_time.isoformat(),
    }
    if request is not None:
        view |= {"waitFor": list(request.wait_for), "mode": request.mode}
    if state.phase is Phase.ENDED:
        reason = "" if _is_object(status.output) else str(status.output)[:1000]
        return view | {"endedAt": status.last_updated_time.isoformat(), "reason": reason}
    come = {one["event"] for one in events}
    return view | {"waitingFor": [name for name in view["waitFor"] if name not in come]}


def workflow_links(req: func.HttpRequest, key: str) -> dict[str, str]:
    """Absolute links to what can be asked of a workflow."""
    root = api_root(req)
    return {"check": f"{root}/check/{quote(key)}", "stop": f"{root}/stop/{quote(key)}"}


def _events(status: Any, request: WorkflowRequest | None) -> list[dict[str, Any]]:
    if _is_object(status.output):
        told: list[dict[str, Any]] = status.output.get("events", [])
        return told
    awaited = set(request.wait_for) if request is not None else set()
    events = []
    # The SDK keeps what it does not know under the name of the wire; not every host shows the data of an event.
    for one in getattr(status, "historyEvents", None) or []:
        if one.get("EventType") == "EventRaised" and one.get("Name") in awaited:
            awaited.discard(one["Name"])
            at = datetime.fromisoformat(one["Timestamp"]).isoformat()
            events.append({"event": one["Name"], "receivedAt": at})
    return events


def _data(document: dict[str, Any]) -> Any:
    """`data` as it was given to the start; it travels as JSON text, unless the workflow was started past us."""
    stored = document.get("data")
    try:
        return json.loads(stored) if isinstance(stored, str) else stored
    except (ValueError, RecursionError):
        return stored


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)
