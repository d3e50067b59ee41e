"""What a caller may ask of workflows: the key in the route, the bodies of start and stop, the messages of the queue."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import azure.functions as func

from orchestrations.workflow_request import (
    DEFAULT_EVENT,
    FIELDS,
    BadWorkflow,
    event_name,
    key_problem,
    refuse_unknown,
    workflow_request,
)
from triggers.web.problem import Problem
from triggers.web.request_reading import json_object, strict_json

MOST_BYTES: Final = 32 * 1024


@dataclass(frozen=True, slots=True)
class WorkflowEvent:
    """An event for the workflow with this key; `data` is any JSON value."""

    key: str
    event: str
    data: Any


def workflow_key(req: func.HttpRequest) -> str:
    """The key in the route. Raises Problem 400 that says why it cannot be one."""
    key: str = req.route_params["input"]
    if problem := key_problem(key):
        raise Problem(HTTPStatus.BAD_REQUEST, f"'{key[:300]}' cannot be the key of a workflow: {problem}.")
    return key


def start_input(req: func.HttpRequest, key: str) -> dict[str, Any]:
    """The input of the workflow that is to be started. Raises Problem 400 or 413.

    `data` travels as JSON text: the SDK's reader takes some objects for instances of Python classes.
    """
    body = json_object(req, most_bytes=MOST_BYTES)
    try:
        refuse_unknown(body, FIELDS)
        wanted = workflow_request({**body, "input": key})
    except BadWorkflow as fault:
        raise Problem(HTTPStatus.BAD_REQUEST, f"{fault}.") from fault
    return {
        "input": wanted.key,
        "waitFor": list(wanted.wait_for),
        "mode": wanted.mode,
        "timeoutSeconds": wanted.timeout_s,
        "data": json.dumps(body.get("data")),
    }


def stop_event(req: func.HttpRequest, key: str) -> WorkflowEvent:
    """The event that a stop raises: `event`, by default `Workflow`, and its `data`. Raises Problem 400 or 413."""
    body = json_object(req, most_bytes=MOST_BYTES)
    try:
        return _event(key, body, ("event", "data"))
    except BadWorkflow as fault:
        raise Problem(HTTPStatus.BAD_REQUEST, f"{fault}.") from fault


def queued_event(body: bytes) -> WorkflowEvent:
    """The event in a queue message: `input` is the key, `event` and `data` as for a stop. Raises BadWorkflow."""
    try:
        document = strict_json(body)
    except ValueError as fault:
        raise BadWorkflow(f"the message is not JSON that can be read: {fault}") from fault
    if not isinstance(document, dict):
        raise BadWorkflow("the message must be a JSON object with the field 'input'")
    key = document.get("input")
    if not isinstance(key, str):
        raise BadWorkflow("'input': the key of the workflow must be a string")
    if problem := key_problem(key):
        raise BadWorkflow(f"'input': '{key[:300]}' cannot be the key of a workflow: {problem}")
    return _event(key, document, ("input", "event", "data"))


def _event(key: str, document: Mapping[str, Any], known: tuple[str, ...]) -> WorkflowEvent:
    refuse_unknown(document, known)
    name = document.get("event")
    return WorkflowEvent(key, DEFAULT_EVENT if name is None else event_name(name, "event"), document.get("data"))
