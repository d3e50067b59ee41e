"""Takes the failures out of a failed execution, so that its next episode runs what failed once more.

Pure: the caller reads the file, asks what has become of the children, and writes the outcome.
Source: Azure/durabletask, DurableTask.AzureStorage/Tracking/AzureTableTrackingStore.cs (RewindHistoryAsync). What
the product leaves undefined is decided here: a task with retry gets all its attempts again, and an episode that
the host itself ended is undone.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from devhost.durable.entities.operations import Caller, task_id_of
from devhost.durable.episodes.answer import ActionType
from devhost.durable.episodes.task import WITH_RETRY, Phase, Task
from devhost.durable.episodes.task_table import TaskTable
from devhost.durable.protocol import EVENT_TYPE_NAMES, Event, EventType, generic_event, parse_time
from devhost.errors import DevhostError

_CHILDREN = frozenset({ActionType.CALL_SUB_ORCHESTRATOR, ActionType.CALL_SUB_ORCHESTRATOR_WITH_RETRY})
_STARTED_ANEW = _CHILDREN | {
    ActionType.CALL_ACTIVITY,
    ActionType.CALL_ACTIVITY_WITH_RETRY,
    ActionType.CALL_HTTP,
    ActionType.CALL_ENTITY,
}
_NEVER_DELIVERED = frozenset(
    {
        EventType.ORCHESTRATOR_STARTED,
        EventType.ORCHESTRATOR_COMPLETED,
        EventType.EXECUTION_COMPLETED,
        EventType.GENERIC_EVENT,
    }
)
_ID_KEYS = {
    EventType.TASK_SCHEDULED: "EventId",
    EventType.TASK_FAILED: "TaskScheduledId",
    EventType.CHILD_CREATED: "EventId",
    EventType.CHILD_FAILED: "TaskScheduledId",
    EventType.TIMER_CREATED: "EventId",
    EventType.TIMER_FIRED: "TimerId",
    EventType.EVENT_SENT: "EventId",
}


_TIMER_CREATED = EventType.TIMER_CREATED


class IdsTaken(DevhostError):
    """Ids of later tasks depend on retries that the rewound history would not have."""


class ChildFate(Enum):
    """What has become of a sub-orchestration whose result is wanted again."""

    RUNS = "runs"  # it will report, or has to be rewound and then will
    COMPLETED = "completed"  # its result waits to be delivered
    GONE = "gone"  # terminated, purged, replaced: it has to be started anew


_REPORTING = frozenset({ChildFate.RUNS, ChildFate.COMPLETED})


@dataclass(slots=True)
class Rewound:
    """What follows from a rewind, apart from the changed table.

    `history` has the episodes that stay, `timers` are to be set again. `starts` is true if the next episode
    starts something, `has_children` if a child will report by itself.
    """

    history: list[tuple[int, list[Event]]] = field(default_factory=list)
    timers: dict[int, datetime] = field(default_factory=dict)
    starts: bool = False
    has_children: bool = False


@dataclass(slots=True)
class FailedExecution:
    """A failed execution as stored: its task table, and (episode, events) in order. Use `rewind` once."""

    execution_id: str
    table: TaskTable
    history: Sequence[tuple[int, list[Event]]]
    _erased: set[int] = field(default_factory=set, init=False)  # ids of which no event may stay
    _excused: set[int] = field(default_factory=set, init=False)  # ids of children whose failure alone goes

    @property
    def undone(self) -> list[int]:
        """Episodes that the host ended by itself: the table has not seen their events."""
        return [episode for episode, _ in self.history if episode > self.table.episode]

    @property
    def undelivered(self) -> list[tuple[str | None, Event]]:
        """The inbound events of the undone episodes, to be delivered again; external ones to any generation."""
        events = (event for episode, some in self.history if episode > self.table.episode for event in some)
        return [
            (None if self._is_external(event) else self.execution_id, event)
            for event in events
            if event["EventType"] not in _NEVER_DELIVERED
        ]

    def awaited_children(self) -> dict[int, str]:
        """Ids of the children whose result is wanted again, and their instance IDs.

        A child that was called with retry is not among them once all its attempts have failed: it starts anew.
        """
        wanted = {task.task_id for task in self.table.tasks if task.is_failed and task.kind not in WITH_RETRY}
        wanted |= {task.open_id for task in self._unanswered() if task.kind in _CHILDREN}
        created = (event for event in self._seen_events() if event["EventType"] == EventType.CHILD_CREATED)
        return {event["EventId"]: event["InstanceId"] for event in created if event["EventId"] in wanted}

    def rewind(self, children: Mapping[int, ChildFate], queued: Collection[int]) -> Rewound:
        """Change the table, and say what else has to change.

        `children` are the fates of `awaited_children`, `queued` the ids of calls to activities and entities that
        will still report.
        Raises IdsTaken; the execution cannot be rewound then, and the table is spoilt.
        """
        rewound = Rewound()
        due = {one["EventId"]: one["FireAt"] for one in self._seen_events() if one["EventType"] == _TIMER_CREATED}
        for task in self._unanswered():
            assert task.open_id is not None
            if task.kind is ActionType.CREATE_TIMER or task.phase is not Phase.OPEN:
                rewound.timers[task.open_id] = parse_time(due[task.open_id])
            elif children.get(task.open_id) in _REPORTING:
                rewound.has_children = True
            elif task.kind in _STARTED_ANEW and task.open_id not in queued:
                self._start_again(task, {task.open_id}, rewound)
        self._reopen_failed(children, rewound)
        kept = [(episode, events) for episode, events in self.history if episode <= self.table.episode]
        rewound.history = [(episode, [self._rewritten(event) for event in events]) for episode, events in kept]
        return rewound

    def _seen_events(self) -> list[Event]:
        return [event for episode, some in self.history if episode <= self.table.episode for event in some]

    def _unanswered(self) -> list[Task]:
        """Tasks that were open when the host ended the instance, and whose result is not to be delivered again."""
        coming = {
            task_id_of(event["Name"])
            if event["EventType"] == EventType.EVENT_RAISED
            else event.get("TaskScheduledId", event.get("TimerId"))
            for generation, event in self.undelivered
            if generation is not None
        }
        return [task for task in self.table.tasks if task.open_id is not None and task.open_id not in coming]

    def _is_external(self, event: Event) -> bool:
        """True for an event that a client raised; the response of an entity looks the same but for its name."""
        calls = (one.open_id for one in self.table.tasks if one.kind is ActionType.CALL_ENTITY)
        responses = {Caller("", self.execution_id, one).request_id for one in calls if one is not None}
        return event["EventType"] == EventType.EVENT_RAISED and event["Name"] not in responses

    def _start_again(self, task: Task, ids: set[int], rewound: Rewound) -> None:
        self._erased |= ids
        rewound.starts = True
        self.table.start_again(task)

    def _reopen_failed(self, children: Mapping[int, ChildFate], rewound: Rewound) -> None:
        given_back: list[int] = []
        for task in [one for one in self.table.tasks if one.is_failed]:
            assert task.task_id is not None
            if children.get(task.task_id) in _REPORTING:
                rewound.has_children = True
                self._excused.add(task.task_id)
                self.table.await_again(task)
                continue
            ids = {task.task_id, *task.retry_ids}
            given_back += task.retry_ids
            task.retry_ids, task.attempt = (), 1
            self._start_again(task, ids, rewound)
        if given_back:
            self._give_back(min(given_back))

    def _give_back(self, first: int) -> None:
        """The SDK will not see the failed attempts, so it will not count their ids."""
        taken = (one for task in self.table.tasks for one in (task.task_id, *task.retry_ids) if one is not None)
        if max(taken) > first:
            raise IdsTaken(
                "it started an action after the first failed attempt of a task with retry, so that the ids in its "
                "history would not fit any more. Use restart instead."
            )
        self.table.next_id = first

    def _rewritten(self, event: Event) -> Event:
        """The event, or the GenericEvent that takes its place."""
        kind = event["EventType"]
        own_id = event[_ID_KEYS[kind]] if kind in _ID_KEYS else None
        is_excused = kind == EventType.CHILD_FAILED and own_id in self._excused
        if kind != EventType.EXECUTION_COMPLETED and own_id not in self._erased and not is_excused:
            return event
        generic = generic_event(parse_time(event["Timestamp"]), f"Rewound: {EVENT_TYPE_NAMES[kind]}")
        return {**generic, "EventId": event["EventId"], "Timestamp": event["Timestamp"]}
