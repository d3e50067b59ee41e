"""Commands of the task table become outbound events and the work that they stand for, or a refusal."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from devhost.durable.entities.entity import EntityId
from devhost.durable.entities.operations import Caller, Operation, sent_input
from devhost.durable.episodes.commands import (
    Command,
    DropTimer,
    SendOperation,
    StartActivity,
    StartChild,
    StartHttp,
    StartTimer,
)
from devhost.durable.errors import InvalidInstanceId, UnknownFunction
from devhost.durable.executions import Effects, Execution, NewExecution, QueuedActivity
from devhost.durable.instance_ids import check_instance_id
from devhost.durable.protocol import (
    HTTP_ACTIVITY,
    Event,
    child_created,
    compact,
    event_sent,
    parent_instance,
    task_scheduled,
    timer_created,
)
from devhost.errors import DevhostError


class ActionRefused(DevhostError):
    """The orchestrator asked for something that cannot be done; the instance fails with this text."""


@dataclass(frozen=True, slots=True)
class EpisodeRules:
    """What orchestrators may ask for; the names are the effective durable names of the loaded functions."""

    activity_names: tuple[str, ...]
    orchestrator_names: tuple[str, ...]
    max_actions: int
    store_inputs: bool
    entity_names: tuple[str, ...] = ()
    default_version: str = ""


def derived_execution_id(execution_id: str, salt: str) -> str:
    """32 hex digits, the same whenever an episode is repeated after a crash."""
    return hashlib.sha256(f"{execution_id}:{salt}".encode()).hexdigest()[:32]


def require_known(name: str, kind: str, known: tuple[str, ...]) -> None:
    """Raises UnknownFunction unless `name` is among `known`, ignoring case."""
    wanted = name.lower()
    if not any(one.lower() == wanted for one in known):
        raise UnknownFunction(name, kind, known)


def carry_out(
    commands: Sequence[Command], execution: Execution, now: datetime, rules: EpisodeRules
) -> tuple[list[Event], Effects]:
    """The outbound events in ascending id, and what they start. Raises ActionRefused."""
    work = _Work(execution, now, rules)
    for command in commands:
        work.add(command)
    work.events.sort(key=lambda event: event["EventId"])
    effects = Effects(
        activities=tuple(sorted(work.activities, key=lambda one: one.task_id)),
        timers=tuple(work.timers),
        dropped_timers=tuple(work.dropped_timers),
        children=tuple(work.children),
        operations=tuple(work.operations),
    )
    return work.events, effects


class _Work:
    def __init__(self, execution: Execution, now: datetime, rules: EpisodeRules) -> None:
        self.events: list[Event] = []
        self.activities: list[QueuedActivity] = []
        self.timers: list[tuple[int, datetime]] = []
        self.dropped_timers: list[int] = []
        self.children: list[NewExecution] = []
        self.operations: list[Operation] = []
        self._execution, self._now, self._rules = execution, now, rules

    def add(self, command: Command) -> None:
        match command:
            case StartActivity():
                _refuse_unknown(command.name, "activity", self._rules.activity_names)
                self._queue(command.task_id, command.name, command.input_text)
            case StartHttp(task_id, request_text):
                self._queue(task_id, HTTP_ACTIVITY, request_text)
            case StartChild():
                self._start_child(command)
            case StartTimer(task_id, fire_at):
                self.timers.append((task_id, fire_at))
                self.events.append(timer_created(self._now, task_id, fire_at))
            case DropTimer(task_id):
                self.dropped_timers.append(task_id)
            case SendOperation():
                self._send(command)

    def _queue(self, task_id: int, name: str, input_text: str) -> None:
        self.activities.append(QueuedActivity(task_id, name, input_text))
        stored = input_text if self._rules.store_inputs else None
        self.events.append(task_scheduled(self._now, task_id, name, stored))

    def _start_child(self, command: StartChild) -> None:
        _refuse_unknown(command.name, "orchestrator", self._rules.orchestrator_names)
        parent, task_id = self._execution, command.task_id
        child_id = command.instance_id or f"{parent.execution_id}:{task_id}"
        self._check_child_id(child_id)
        version = command.version or self._rules.default_version
        child = NewExecution(
            instance_id=child_id,
            # The episode tells it from a child that a rewind has given up, whose late results are not for this one.
            execution_id=derived_execution_id(parent.execution_id, f"child:{task_id}:{parent.episode}"),
            name=command.name,
            version=version,
            input_text=compact(command.input_text),
            created_at=self._now,
            parent=parent_instance(
                name=parent.name,
                version=parent.version,
                instance_id=parent.instance_id,
                execution_id=parent.execution_id,
                task_id=task_id,
            ),
        )
        self.children.append(child)
        self.events.append(
            child_created(
                self._now,
                task_id,
                name=command.name,
                version=version,
                instance_id=child_id,
                input_text=child.input_text if self._rules.store_inputs else None,
            )
        )

    def _send(self, command: SendOperation) -> None:
        try:
            entity_id = EntityId.parse(command.entity_id)
        except InvalidInstanceId as error:
            raise ActionRefused(str(error)) from error
        _refuse_unknown(entity_id.name, "entity", self._rules.entity_names)
        sender = Caller(self._execution.instance_id, self._execution.execution_id, command.task_id)
        caller = sender if command.is_call else None
        operation = Operation(entity_id, command.operation, compact(command.input_text), caller)
        self.operations.append(operation)
        self.events.append(event_sent(self._now, command.task_id, str(entity_id), sent_input(operation, sender)))

    def _check_child_id(self, child_id: str) -> None:
        try:
            check_instance_id(child_id)
        except InvalidInstanceId as error:
            raise ActionRefused(str(error)) from error
        own, parent = self._execution.instance_id, self._execution.parent
        if child_id == own:
            raise ActionRefused(f"A sub-orchestration cannot have the instance ID '{own}' of its own caller.")
        if parent is not None and child_id == parent["OrchestrationInstance"]["InstanceId"]:
            raise ActionRefused(f"A sub-orchestration cannot have the instance ID '{child_id}' of its caller's parent.")


def _refuse_unknown(name: str, kind: str, known: tuple[str, ...]) -> None:
    try:
        require_known(name, kind, known)
    except UnknownFunction as error:
        raise ActionRefused(str(error)) from error
