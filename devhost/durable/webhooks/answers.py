"""The bodies and status codes of the management API.

Source: Azure/azure-functions-durable-extension 3.x, HttpApiHandler.cs; where 2.x tells the caller more, 2.x.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from devhost.durable.errors import (
    HubError,
    InstanceAlreadyLive,
    InstanceFinished,
    InstanceNotFinished,
    InstanceNotFound,
    InvalidInstanceId,
    NotRewindable,
    UnknownFunction,
    WrongState,
)
from devhost.durable.instance import Instance, RuntimeStatus
from devhost.durable.webhooks.json_values import dump, stored_value
from devhost.errors import DevhostError

_BAD_ARGUMENT = "One or more of the arguments submitted is incorrect"
_SERVER_FAULT = "Something went wrong while processing your request"


class RequestRefused(DevhostError):
    """The request itself is at fault; `status` and `body` (any JSON value) are the answer to it."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


def json_answer(status: int, body: Any, headers: Mapping[str, str] | None = None) -> web.Response:
    """`body` as JSON with the content type that the product sends."""
    all_headers = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
    return web.Response(status=status, body=dump(body), headers=all_headers)


def empty_answer(status: int) -> web.Response:
    """No body at all: SDK clients parse every body that is not empty as JSON."""
    return web.Response(status=status)


def status_body(instance: Instance, *, show_input: bool, history: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """The status object of one instance; `historyEvents` is there only when a history is given."""
    body: dict[str, Any] = {
        "name": instance.name,
        "instanceId": instance.instance_id,
        "runtimeStatus": str(instance.runtime_status),
        "input": stored_value(instance.input_text) if show_input else None,
        "customStatus": stored_value(instance.custom_status_text),
        "output": stored_value(instance.output_text),
        "createdTime": whole_seconds(instance.created_at),
        "lastUpdatedTime": whole_seconds(instance.last_updated_at),
    }
    if history is not None:
        body["historyEvents"] = history
    return body


def whole_seconds(moment: datetime) -> str:
    """`2026-01-02T03:04:05Z`; the fraction is cut, not rounded."""
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def status_code(instance: Instance, *, failed_is_500: bool) -> int:
    """202 while the instance can still run; 200 once it has ended, or 500 for a failure if asked for."""
    if not instance.runtime_status.is_terminal:
        return 202
    return 500 if failed_is_500 and instance.runtime_status is RuntimeStatus.FAILED else 200


def bad_argument(reason: str) -> RequestRefused:
    """A 400 whose `ExceptionMessage` is the text that the SDK's `start_new` raises."""
    return RequestRefused(400, _exception_body(_BAD_ARGUMENT, reason, "System.ArgumentException"))


def unknown_restart(reason: str) -> RequestRefused:
    """A restart of an instance that is not there is a bad argument, other than every other command to it."""
    message = "InstanceId does not match a valid orchestration instance."
    return RequestRefused(400, _exception_body(message, reason, "System.ArgumentException"))


def refusal_answer(error: HubError) -> web.Response:
    """The answer to a command that the hub refused."""
    match error:
        case InstanceNotFound():
            answer = empty_answer(404)
        case InstanceFinished():
            answer = empty_answer(410)
        case InstanceNotFinished() | NotRewindable():
            answer = json_answer(412, str(error))
        case InstanceAlreadyLive():
            answer = json_answer(409, {"Message": str(error)})
        case UnknownFunction() | InvalidInstanceId():
            refused = bad_argument(str(error))
            answer = json_answer(refused.status, refused.body)
        case WrongState():
            body = _exception_body(_SERVER_FAULT, str(error), "System.InvalidOperationException")
            answer = json_answer(500, body)
        case _:
            answer = fault_answer(error)
    return answer


def fault_answer(error: Exception) -> web.Response:
    """The answer when the host itself has failed; the traceback belongs into its log."""
    return json_answer(500, _exception_body(_SERVER_FAULT, str(error), type(error).__name__))


def _exception_body(message: str, exception_message: str, exception_type: str) -> dict[str, str | None]:
    return {
        "Message": message,
        "ExceptionMessage": exception_message,
        "ExceptionType": exception_type,
        "StackTrace": None,
    }
