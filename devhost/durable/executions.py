"""What one episode starts from and what it leaves behind, as plain records between engine and store."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from devhost.durable.entities.operations import Operation
from devhost.durable.instance import RuntimeStatus
from devhost.durable.protocol import Event, EventType, execution_started


@dataclass(frozen=True, slots=True)
class Execution:
    """One live generation of an instance; `episode` counts its commits and guards against stale ones.

    `parent` is the ParentInstance object of ExecutionStarted, None for an instance that nobody waits for.
    """

    instance_id: str
    execution_id: str
    episode: int
    name: str
    version: str
    input_text: str | None
    runtime_status: RuntimeStatus
    custom_status_text: str | None
    last_updated_at: datetime
    parent: dict[str, Any] | None
    generation: int


@dataclass(frozen=True, slots=True)
class NewExecution:
    """A generation to be started: a new instance, a child, or the next one after continue-as-new."""

    instance_id: str
    execution_id: str
    name: str
    version: str
    input_text: str | None
    created_at: datetime
    parent: dict[str, Any] | None = None
    generation: int = 0

    def start_event(self) -> Event:
        """Its ExecutionStarted."""
        return execution_started(
            self.created_at,
            name=self.name,
            version=self.version,
            input_text=self.input_text,
            instance_id=self.instance_id,
            execution_id=self.execution_id,
            parent=self.parent,
            generation=self.generation,
        )


@dataclass(frozen=True, slots=True)
class InboxMessage:
    """An event that waits for an instance; one with an execution ID is for that generation only."""

    seq: int
    execution_id: str | None
    event: Event

    @property
    def is_entity_response(self) -> bool:
        """True for the result of an entity call; its event looks like one that a client has raised."""
        return self.execution_id is not None and bool(self.event["EventType"] == EventType.EVENT_RAISED)


@dataclass(frozen=True, slots=True)
class QueuedActivity:
    """An activity call to be made; `input_text` is what the function receives."""

    task_id: int
    name: str
    input_text: str


@dataclass(frozen=True, slots=True)
class ParentNotice:
    """A child's end, for the generation of the parent that waits for it."""

    instance_id: str
    execution_id: str
    event: Event


@dataclass(frozen=True, slots=True)
class Effects:
    """What the outbound events of an episode ask for."""

    activities: tuple[QueuedActivity, ...] = ()
    timers: tuple[tuple[int, datetime], ...] = ()
    dropped_timers: tuple[int, ...] = ()
    children: tuple[NewExecution, ...] = ()
    operations: tuple[Operation, ...] = ()


@dataclass(frozen=True, slots=True)
class EpisodeResult:
    """All that one episode changes; the store writes it in one transaction or not at all.

    `runtime_status` is Running, ContinuedAsNew (with `next_generation`) or a terminal one. `table_text` is
    the task table of a live generation, or of one that its own error has ended: a rewind goes on with it.
    `carried` are events for the next generation, with their old places.
    `warning` is a sentence for the log.
    """

    execution: Execution
    consumed: tuple[int, ...]
    history: list[Event]
    runtime_status: RuntimeStatus
    updated_at: datetime
    custom_status_text: str | None
    output_text: str | None = None
    table_text: str | None = None
    effects: Effects = field(default_factory=Effects)
    notice: ParentNotice | None = None
    next_generation: NewExecution | None = None
    carried: tuple[tuple[int, Event], ...] = ()
    warning: str | None = None


def parent_notice(execution: Execution, event: Event) -> ParentNotice | None:
    """`event` addressed to the parent of `execution`, if it has one."""
    if execution.parent is None:
        return None
    origin = execution.parent["OrchestrationInstance"]
    return ParentNotice(origin["InstanceId"], origin["ExecutionId"], event)
