"""One orchestration driven episode by episode in memory, with the real SDK: no store, no loop, no clock."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.durable_functions.models import DurableOrchestrationContext
from azure.durable_functions.models.TaskOrchestrationExecutor import TaskOrchestrationExecutor

from devhost.durable import protocol
from devhost.durable.entities.operations import Caller, task_id_of
from devhost.durable.episodes.episode import conclude, plan_episode
from devhost.durable.episodes.episode_effects import EpisodeRules
from devhost.durable.episodes.task_table import TaskTable
from devhost.durable.executions import EpisodeResult, Execution, InboxMessage, NewExecution
from devhost.durable.instance import RuntimeStatus
from devhost.durable.protocol import Event, dump_events
from devhost.errors import FunctionFailed

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RULES = EpisodeRules(
    activity_names=("A", "B"),
    orchestrator_names=("main", "child"),
    max_actions=10_000,
    store_inputs=False,
    entity_names=("counter", "log"),
)


class Driver:
    """`deliver` events, then `run_episode`; `results` holds every episode's outcome, `table` the host's account.

    After each episode the host's ids are compared with the SDK's, and the table goes through its stored text.
    """

    def __init__(
        self,
        orchestrator: Callable[..., Any],
        input_text: str | None = None,
        rules: EpisodeRules = RULES,
        parent: dict[str, Any] | None = None,
        instance_id: str = "abc",
    ) -> None:
        self._orchestrator = orchestrator
        self._rules = rules
        self._seq = 0
        self.now = START
        self.table = TaskTable()
        self.past = ""
        self.inbox: list[InboxMessage] = []
        self.results: list[EpisodeResult] = []
        self.replays = 0
        self.begin(NewExecution(instance_id, "e" * 32, "main", "", input_text, START, parent))

    @property
    def last(self) -> EpisodeResult:
        return self.results[-1]

    @property
    def status(self) -> RuntimeStatus:
        return self.last.runtime_status

    @property
    def events(self) -> list[Event]:
        """The written history of the present generation."""
        history: list[Event] = json.loads(f"[{self.past}]")
        return history

    def begin(self, new: NewExecution) -> None:
        self.execution = Execution(
            instance_id=new.instance_id,
            execution_id=new.execution_id,
            episode=0,
            name=new.name,
            version=new.version,
            input_text=new.input_text,
            runtime_status=RuntimeStatus.PENDING,
            custom_status_text=None,
            last_updated_at=new.created_at,
            parent=new.parent,
            generation=new.generation,
        )
        self.past, self.table = "", TaskTable()
        self.deliver(new.start_event())

    def deliver(self, event: Event, execution_id: str | None = None) -> None:
        self._seq += 1
        self.inbox.append(InboxMessage(self._seq, execution_id, event))

    def complete(self, task_id: int, result: Any = None) -> None:
        self.deliver(protocol.task_completed(self.now, task_id, json.dumps(result)))

    def fail_task(self, task_id: int, reason: str = "boom") -> None:
        self.deliver(protocol.task_failed(self.now, task_id, reason, '{"Message": "boom"}'))

    def fire(self, timer_id: int, after_s: float = 0) -> None:
        self.now += timedelta(seconds=after_s)
        self.deliver(protocol.timer_fired(self.now, timer_id, self.now))

    def raise_event(self, name: str, value: Any = None) -> None:
        self.deliver(protocol.event_raised(self.now, name, json.dumps(value)))

    def respond(self, caller: Caller, result: Any = None, *, is_failure: bool = False) -> None:
        """The response of an entity to a call."""
        response = {"result": json.dumps("boom" if is_failure else result)}
        if is_failure:
            response["exceptionType"] = "Error"
        event = protocol.event_raised(self.now, caller.request_id, json.dumps(response))
        self.deliver(event, caller.execution_id)

    def run_episode(self) -> EpisodeResult:
        """One episode over what is in the inbox, as far as the batch rule allows."""
        plan = plan_episode(self.execution, self.table, self.inbox, self.now)
        self.now = plan.now
        executor = TaskOrchestrationExecutor()
        context = DurableOrchestrationContext.from_json(plan.envelope(self.past, async_sleep_ms=30_000))
        outcome: str | FunctionFailed
        self.replays += 1
        try:
            outcome = executor.execute(context, context.histories, self._orchestrator)
        except Exception as error:
            stack = "".join(traceback.format_exception(error))
            outcome = FunctionFailed("main", type(error).__name__, str(error), stack)
        result = conclude(plan, self.table, outcome, self._rules)
        self.results.append(result)
        self.inbox = [message for message in self.inbox if message.seq not in result.consumed]
        self._compare_ids(executor, context, result)
        self._move_on(result)
        return result

    def run(self) -> EpisodeResult:
        """Episodes until the inbox is empty."""
        while self.inbox:
            self.run_episode()
        return self.last

    def _move_on(self, result: EpisodeResult) -> None:
        if result.next_generation is not None:
            waiting, self.inbox = self.inbox, []
            self.begin(result.next_generation)
            self.inbox += [InboxMessage(seq, None, event) for seq, event in result.carried]
            self.inbox += waiting
            return
        text = dump_events(result.history, is_played=True)
        self.past = f"{self.past},{text}" if self.past else text
        self.execution = replace(self.execution, episode=self.execution.episode + 1, last_updated_at=result.updated_at)
        if result.table_text is not None:
            self.table = TaskTable.from_text(result.table_text)

    def _compare_ids(
        self,
        executor: TaskOrchestrationExecutor,
        context: DurableOrchestrationContext,
        result: EpisodeResult,
    ) -> None:
        if executor.has_execution_completed or result.runtime_status.is_terminal:
            return  # the SDK reads no further, the host does
        open_tasks = {_task_id(key, task): task for key, task in context.open_tasks.items() if task}
        theirs = {key for key, task in open_tasks.items() if not getattr(task, "is_cancelled", False)} - {None}
        assert (self.table.next_id, self.table.awaited_ids) == (context._sequence_number, theirs)


def _task_id(key: int | str, task: Any) -> int | None:
    """The SDK keeps an entity call under its id, and after EventSent under its request ID; events under their names."""
    if isinstance(key, int):
        return key
    return task_id_of(key) if getattr(task, "_api_name", "") == "CallEntityAction" else None
