"""The host's own account of one execution: task ids, the sequencing gate, retries, timers and event waits.

The SDK's answer carries no ids, so the host counts as the SDK counts; and it starts actions one top-level entry
after the other, as the extension does. Nothing here does I/O or asks for the time.
Source: Azure/azure-functions-durable-extension, Listener/OutOfProcOrchestrationShim.cs;
Azure/durabletask, DurableTask.Core/{TaskOrchestrationContext,RetryInterceptor}.cs.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from devhost.durable.episodes.action_tree import Single, TopLevel, describe, top_level_actions
from devhost.durable.episodes.answer import Action, ActionType
from devhost.durable.episodes.commands import (
    Command,
    DropTimer,
    SendOperation,
    StartActivity,
    StartChild,
    StartHttp,
    StartTimer,
)
from devhost.durable.episodes.event_waits import EventWaits
from devhost.durable.episodes.task import WITH_RETRY, Phase, Task
from devhost.durable.failure_texts import changed_orchestrator
from devhost.durable.protocol import Event, EventType, compact, parse_time
from devhost.errors import DevhostError

_ACTIVITIES = frozenset({ActionType.CALL_ACTIVITY, ActionType.CALL_ACTIVITY_WITH_RETRY})
_CHILDREN = frozenset({ActionType.CALL_SUB_ORCHESTRATOR, ActionType.CALL_SUB_ORCHESTRATOR_WITH_RETRY})
_ENTITIES = frozenset({ActionType.CALL_ENTITY, ActionType.SIGNAL_ENTITY})
_WITHOUT_ID = frozenset({ActionType.WAIT_FOR_EXTERNAL_EVENT, ActionType.CONTINUE_AS_NEW})
_NEVER_AWAITED = _WITHOUT_ID | {ActionType.SIGNAL_ENTITY}
_FAILURES = frozenset({EventType.TASK_FAILED, EventType.CHILD_FAILED})
_RESULTS = frozenset({EventType.TASK_COMPLETED, EventType.CHILD_COMPLETED})


class NonDeterminism(DevhostError):
    """The orchestrator's answer contradicts an earlier one."""


class TaskTable:
    """Use: `bind` the new answer, `apply` the retry events, `extend`, then `apply` the other events.

    Commands pile up in `commands`; `take_commands` hands them over once. `forget_answer` ends the episode.
    """

    def __init__(self) -> None:
        self.next_id = 0
        self.episode = -1  # the last one whose events are in this account
        self.is_continued = False
        self.carried: list[tuple[int, Event]] = []
        self._tasks: list[Task] = []
        self._open: dict[int, int] = {}  # awaited id -> position in _tasks
        self._waits = EventWaits()
        self._seen = 0  # top-level actions that have ids
        self._gate = 0  # top-level action that is being waited for
        self._is_gate_started = False
        self._tops: list[TopLevel] = []
        self._singles: list[Single] = []
        self._commands: list[Command] = []

    @property
    def open_task_count(self) -> int:
        """How many started activities, children and timers have not reported; an instance cannot end before.

        Entity calls and event waits do not count.
        """
        return sum(self._tasks[position].kind is not ActionType.CALL_ENTITY for position in self._open.values())

    @property
    def expected_count(self) -> int:
        """How many completions may still come, those of entity calls included; event waits do not count."""
        return len(self._open)

    @property
    def tasks(self) -> Sequence[Task]:
        """Every single action that the orchestrator has asked for, in the order of asking."""
        return tuple(self._tasks)

    @property
    def awaited_ids(self) -> set[int]:
        """Ids that the SDK must count as open too: of started tasks, and of those behind the gate."""
        held = {task.latest_id for task in self._tasks if task.phase is Phase.HELD and task.kind not in _NEVER_AWAITED}
        return {one for one in held if one is not None} | self._open.keys()

    @property
    def is_gate_passed(self) -> bool:
        """True when every known action was started and is complete by the extension's rules."""
        return self._gate == self._seen

    @property
    def is_idle(self) -> bool:
        """True when nothing that is outstanding could ever wake the orchestrator."""
        return not self._open and self.is_gate_passed and not self._waits

    @property
    def is_hopeless(self) -> bool:
        """True when it is idle and not even an event that someone may raise could wake the orchestrator.

        An event in other letter case leaves the SDK's own wait open. A yielded signal does not hope for anything
        either, but it is a known habit of the SDK, and the product leaves such an instance running.
        """
        is_signal = bool(self._tasks) and self._tasks[-1].kind is ActionType.SIGNAL_ENTITY
        return self.is_idle and not self._waits.is_case_mixed and not is_signal

    @property
    def action_count(self) -> int:
        """How many single actions the execution has asked for."""
        return len(self._tasks)

    def take_commands(self) -> list[Command]:
        """The commands since the last call, in the order in which they arose."""
        commands, self._commands = self._commands, []
        return commands

    def takes_id(self, event: Event) -> bool:
        """True for an event that makes the host take an id which no answer shows (a retry's timer or attempt).

        Such events never resume user code. They must come first in an episode: after any other event their ids
        could not be told from those of the actions that the other event has caused.
        """
        kind = event["EventType"]
        if kind in _FAILURES:
            task = self._awaited(event["TaskScheduledId"])
            return task is not None and task.kind in WITH_RETRY
        if kind == EventType.TIMER_FIRED:
            task = self._awaited(event["TimerId"])
            return task is not None and task.phase is Phase.RETRY_TIMER
        return False

    def bind(self, actions: Sequence[Action]) -> None:
        """Compare the answer with what is known and drop timers cancelled since. Raises NonDeterminism."""
        self._tops = top_level_actions(actions)
        self._singles = [single for top in self._tops[: self._seen] for single in top.singles]
        for position, task in enumerate(self._tasks):
            single = self._singles[position] if position < len(self._singles) else None
            if single is None or (single.kind, single.name) != (task.kind, task.name):
                now = None if single is None else describe(single.kind, single.name)
                raise NonDeterminism(changed_orchestrator(describe(task.kind, task.name), now))
            if task.phase is Phase.DONE:
                single.group.complete_one()
            elif single.action.get("isCanceled"):
                self._cancel(position, task)
        if len(self._singles) > len(self._tasks):
            added = self._singles[len(self._tasks)]
            raise NonDeterminism(changed_orchestrator("nothing there", describe(added.kind, added.name)))

    def extend(self) -> None:
        """Give ids to the actions that the bound answer adds, and open the gate as far as possible."""
        for top in self._tops[self._seen :]:
            for single in top.singles:
                self._add(single)
        self._seen = len(self._tops)
        self._open_gate()

    def apply(self, event: Event, now: datetime) -> None:
        """Take one inbound event into account; `now` is the episode's time."""
        kind = event["EventType"]
        if kind in _RESULTS:
            self._complete(self._open.get(event["TaskScheduledId"]))
        elif kind in _FAILURES:
            self._fail(self._open.get(event["TaskScheduledId"]), now)
        elif kind == EventType.TIMER_FIRED:
            self._fire(self._open.get(event["TimerId"]))
        elif kind == EventType.EVENT_RAISED:
            self._complete(self._waits.take(event["Name"]))
        self._open_gate()

    def respond(self, task_id: int) -> None:
        """Take the response to an entity call into account."""
        self._complete(self._open.get(task_id))
        self._open_gate()

    def start_again(self, task: Task) -> None:
        """The next answer starts this task anew, under its latest id."""
        if task.open_id is not None:
            del self._open[task.open_id]
        task.phase, task.open_id, task.is_failed = Phase.HELD, None, False
        self._gate, self._is_gate_started = 0, False

    def await_again(self, task: Task) -> None:
        """Expect a result of this failed task once more; it runs again by itself."""
        assert task.task_id is not None
        task.phase, task.open_id, task.is_failed = Phase.OPEN, task.task_id, False
        self._open[task.task_id] = self._tasks.index(task)
        self._gate, self._is_gate_started = 0, False

    def forget_answer(self) -> None:
        """Let go of the bound answer, whose inputs may be large; the next episode binds its own."""
        self._tops, self._singles = [], []

    def to_text(self) -> str:
        """JSON text from which `from_text` restores the table between episodes."""
        return compact(
            {
                "next": self.next_id,
                "episode": self.episode,
                "seen": self._seen,
                "gate": [self._gate, self._is_gate_started],
                "continued": self.is_continued,
                "carried": self.carried,
                "events": self._waits.to_json(),
                "tasks": [task.to_row() for task in self._tasks],
            }
        )

    @classmethod
    def from_text(cls, text: str) -> "TaskTable":
        """The table that `to_text` wrote."""
        stored, table = json.loads(text), cls()
        table.next_id, table._seen, table.is_continued = stored["next"], stored["seen"], stored["continued"]
        table.episode = stored.get("episode", -1)  # files of schema version 1 have none
        table._gate, table._is_gate_started = stored["gate"]
        table.carried = [(seq, event) for seq, event in stored["carried"]]
        table._waits = EventWaits.from_json(stored["events"] if "events" in stored else _events_of_version_1(stored))
        table._tasks = [Task.from_row(row) for row in stored["tasks"]]
        table._open = {one.open_id: at for at, one in enumerate(table._tasks) if one.open_id is not None}
        return table

    def _awaited(self, open_id: int) -> Task | None:
        position = self._open.get(open_id)
        return None if position is None else self._tasks[position]

    def _take_id(self) -> int:
        self.next_id += 1
        return self.next_id - 1

    def _add(self, single: Single) -> None:
        task = Task(single.kind, single.name, None if single.kind in _WITHOUT_ID else self._take_id())
        self._tasks.append(task)
        self._singles.append(single)
        if single.action.get("isCanceled"):
            self._finish(len(self._tasks) - 1)

    def _await(self, position: int, open_id: int, phase: Phase) -> None:
        task = self._tasks[position]
        if task.open_id is not None:
            del self._open[task.open_id]
        if open_id != task.latest_id:
            task.retry_ids += (open_id,)
        task.phase, task.open_id = phase, open_id
        self._open[open_id] = position

    def _finish(self, position: int) -> None:
        task = self._tasks[position]
        if task.open_id is not None:
            del self._open[task.open_id]
        task.phase, task.open_id = Phase.DONE, None
        self._singles[position].group.complete_one()

    def _cancel(self, position: int, task: Task) -> None:
        if task.open_id is not None:
            self._commands.append(DropTimer(task.open_id))
        self._finish(position)

    def _complete(self, position: int | None) -> None:
        if position is not None:
            self._finish(position)

    def _fail(self, position: int | None, now: datetime) -> None:
        if position is None:
            return
        task = self._tasks[position]
        if task.kind not in WITH_RETRY:
            task.is_failed = True
            self._finish(position)
            return
        options = self._singles[position].action["retryOptions"]
        is_last = task.attempt >= options["maxNumberOfAttempts"]
        wait = timedelta(0) if is_last else timedelta(milliseconds=options["firstRetryIntervalInMilliseconds"])
        timer_id = self._take_id()
        self._await(position, timer_id, Phase.CLOSING_TIMER if is_last else Phase.RETRY_TIMER)
        self._commands.append(StartTimer(timer_id, now + wait))

    def _fire(self, position: int | None) -> None:
        if position is None:
            return
        task = self._tasks[position]
        if task.phase is Phase.RETRY_TIMER:
            task.attempt += 1
            self._start_with_id(position, self._take_id())
        else:
            task.is_failed = task.phase is Phase.CLOSING_TIMER
            self._finish(position)

    def _open_gate(self) -> None:
        while self._gate < self._seen:
            top = self._tops[self._gate]
            if not self._is_gate_started:
                self._is_gate_started = True
                self._start_all(top)
            if top.root.missing:
                return
            self._gate, self._is_gate_started = self._gate + 1, False

    def _start_all(self, top: TopLevel) -> None:
        for position in range(top.first, top.first + len(top.singles)):
            if self._tasks[position].phase is Phase.HELD:
                self._start(position)

    def _start(self, position: int) -> None:
        task = self._tasks[position]
        if task.kind is ActionType.CONTINUE_AS_NEW:
            self.is_continued = True
            self._finish(position)
        elif task.kind is ActionType.WAIT_FOR_EXTERNAL_EVENT:
            self._wait(position, task.name)
        else:
            assert task.latest_id is not None
            self._start_with_id(position, task.latest_id)

    def _wait(self, position: int, name: str) -> None:
        if self._waits.wait(name, position):
            self._finish(position)
        else:
            self._tasks[position].phase = Phase.OPEN

    def _start_with_id(self, position: int, task_id: int) -> None:
        self._await(position, task_id, Phase.OPEN)
        task, action = self._tasks[position], self._singles[position].action
        command: Command
        if task.kind in _ACTIVITIES:
            command = StartActivity(task_id, task.name, action["input"])
        elif task.kind is ActionType.CALL_HTTP:
            command = StartHttp(task_id, compact(action["httpRequest"]))
        elif task.kind in _CHILDREN:
            child_id, version = action.get("instanceId"), action.get("version")
            command = StartChild(task_id, task.name, action["input"], child_id, version)
        elif task.kind is ActionType.CREATE_TIMER:
            command = StartTimer(task_id, parse_time(action["fireAt"]))
        else:
            assert task.kind in _ENTITIES, task.kind
            is_call = task.kind is ActionType.CALL_ENTITY
            command = SendOperation(task_id, task.name, action["operation"], action["input"], is_call)
        self._commands.append(command)
        if task.kind is ActionType.SIGNAL_ENTITY:
            self._finish(position)


def _events_of_version_1(stored: dict[str, Any]) -> list[Any]:
    """The account of events as files of schema version 1 have it: positions, and numbers of early events."""
    names = [row[1] for row in stored["tasks"]]
    waits = {key: [(names[position], position) for position in some] for key, some in stored["waits"].items()}
    return [waits, {key: [key] * count for key, count in stored["early"].items()}, False]
