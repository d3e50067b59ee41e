"""What the task table asks the host to do."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class StartActivity:
    """Queue an activity; `input_text` is the JSON text that it receives."""

    task_id: int
    name: str
    input_text: str


@dataclass(frozen=True, slots=True)
class StartHttp:
    """Queue the built-in HTTP activity; `request_text` is `httpRequest` of the action as JSON text."""

    task_id: int
    request_text: str


@dataclass(frozen=True, slots=True)
class StartChild:
    """Start a sub-orchestration; without `instance_id` it gets the default one."""

    task_id: int
    name: str
    input_text: str
    instance_id: str | None
    version: str | None


@dataclass(frozen=True, slots=True)
class StartTimer:
    """Fire at or after `fire_at`."""

    task_id: int
    fire_at: datetime


@dataclass(frozen=True, slots=True)
class DropTimer:
    """The orchestrator has cancelled this timer."""

    task_id: int


@dataclass(frozen=True, slots=True)
class SendOperation:
    """Send an operation to an entity; only the result of a call is awaited. `input_text` is JSON text."""

    task_id: int
    entity_id: str
    operation: str
    input_text: str
    is_call: bool


Command = StartActivity | StartHttp | StartChild | StartTimer | DropTimer | SendOperation
