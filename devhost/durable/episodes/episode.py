"""One episode: an instance's inbox and an orchestrator's answer become everything that has to be written.

Pure: the caller loads, calls the function between `plan_episode` and `conclude`, and stores the result.
Source: Azure/durabletask, DurableTask.Core/TaskOrchestrationDispatcher.cs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from devhost.durable.entities.operations import task_id_of
from devhost.durable.episodes.action_tree import UnknownAction
from devhost.durable.episodes.answer import Answer, AnswerUnusable, parse_answer, parse_failure
from devhost.durable.episodes.envelope import orchestrator_envelope
from devhost.durable.episodes.episode_effects import ActionRefused, EpisodeRules, carry_out, derived_execution_id
from devhost.durable.episodes.task_table import NonDeterminism, TaskTable
from devhost.durable.executions import Effects, EpisodeResult, Execution, InboxMessage, NewExecution, parent_notice
from devhost.durable.failure_texts import child_failure_details, host_fault, orchestrator_failure, unlabelled_error
from devhost.durable.instance import RuntimeStatus
from devhost.durable.protocol import (
    Event,
    EventType,
    OrchestrationStatus,
    child_completed,
    child_failed,
    compact,
    dump_events,
    execution_completed,
    orchestrator_completed,
    orchestrator_started,
    parse_time,
)
from devhost.errors import FunctionFailed

_CUSTOM_STATUS_BYTES = 16 * 1024
_STUCK = (
    "Instance '{instance_id}' of '{name}' waits for something that will hardly come: no activity, timer, "
    "sub-orchestration, entity call or event wait is outstanding. Either an event was raised in other letter case "
    "than wait_for_external_event asked for, or signal_entity was yielded; call it without yield."
)
_HOPELESS = (
    "The orchestrator yielded something that will never come: no activity, timer, sub-orchestration, entity call or "
    "event wait is outstanding. Usual causes: None was yielded, or one task stands in two yielded constructs."
)


@dataclass(frozen=True, slots=True)
class EpisodePlan:
    """The events that one episode takes, at which time; `dropped` and `batch` leave the inbox together.

    The first `leading` messages take ids of their own (TaskTable.takes_id).
    """

    execution: Execution
    now: datetime
    batch: tuple[InboxMessage, ...]
    leading: int
    dropped: tuple[int, ...]

    @property
    def events(self) -> list[Event]:
        """OrchestratorStarted and the inbound events."""
        return [orchestrator_started(self.now), *(message.event for message in self.batch)]

    def envelope(self, past: str, *, async_sleep_ms: int) -> str:
        """What the orchestrator function receives; `past` are the stored events of earlier episodes."""
        parent = self.execution.parent
        return orchestrator_envelope(
            past=past,
            present=dump_events(self.events, is_played=False),
            input_text=self.execution.input_text,
            instance_id=self.execution.instance_id,
            parent_instance_id=parent["OrchestrationInstance"]["InstanceId"] if parent else None,
            async_sleep_ms=async_sleep_ms,
        )


def plan_episode(
    execution: Execution, table: TaskTable, inbox: Sequence[InboxMessage], clock_now: datetime
) -> EpisodePlan:
    """The next episode; its batch is empty if nothing in the inbox is for this generation.

    It takes the whole inbox, events that take ids (TaskTable.takes_id) first: they never resume user code, so
    the others keep their order among themselves, which is the order that user code can see.
    """
    mine = _for_this_generation(execution, inbox)
    leading = [one for one in mine if table.takes_id(one.event)]
    moved = {one.seq for one in leading}
    others = [one for one in mine if one.seq not in moved]
    others.sort(key=_is_no_start)
    return EpisodePlan(
        execution=execution,
        now=max([clock_now, execution.last_updated_at, *_fire_times(mine)]),
        batch=(*leading, *others),
        leading=len(leading),
        dropped=_for_no_one(inbox, mine),
    )


def conclude(plan: EpisodePlan, table: TaskTable, outcome: str | FunctionFailed, rules: EpisodeRules) -> EpisodeResult:
    """What to write after the function answered with text or failed; changes `table` as it goes.

    Whatever this raises is the app's doing in a way that nobody thought of, and comes again at every try: the
    caller ends the instance (`fail_for_fault`).
    """
    try:
        answer = parse_answer(outcome) if isinstance(outcome, str) else parse_failure(outcome)
    except AnswerUnusable as error:
        return fail(plan, str(error), next_id=table.next_id)
    if answer is None:
        assert isinstance(outcome, FunctionFailed)
        return fail(plan, unlabelled_error(outcome), next_id=table.next_id)
    try:
        _advance(plan, table, answer)
        outbound, effects = carry_out(table.take_commands(), plan.execution, plan.now, rules)
        _check_limits(table, answer, rules)
    except (NonDeterminism, UnknownAction, ActionRefused) as refusal:
        return fail(plan, str(refusal), next_id=table.next_id)
    if table.is_hopeless and not answer.is_over:
        return fail(plan, _HOPELESS, next_id=table.next_id)
    return _written(plan, table, answer, outbound, effects)


def fail(plan: EpisodePlan, error: str, *, next_id: int = 0) -> EpisodeResult:
    """The instance ends as Failed at once, whatever is still open; nothing new is started."""
    result = _base(plan, plan.execution.custom_status_text)
    return _ended(result, plan, next_id, OrchestrationStatus.FAILED, error)


def fail_for_fault(
    execution: Execution, inbox: Sequence[InboxMessage], clock_now: datetime, error: Exception
) -> EpisodeResult:
    """The instance ends as Failed because the host could not plan, conclude or store its episode.

    It depends on as little as possible of what the app may have caused: nothing is read from the messages.
    """
    mine = _for_this_generation(execution, inbox)
    plan = EpisodePlan(
        execution=execution,
        now=max(clock_now, execution.last_updated_at),
        batch=tuple(sorted(mine, key=_is_no_start)),
        leading=0,
        dropped=_for_no_one(inbox, mine),
    )
    return fail(plan, host_fault(error))


def _for_this_generation(execution: Execution, inbox: Sequence[InboxMessage]) -> list[InboxMessage]:
    return [one for one in inbox if one.execution_id in (None, execution.execution_id)]


def _for_no_one(inbox: Sequence[InboxMessage], mine: Sequence[InboxMessage]) -> tuple[int, ...]:
    kept = {one.seq for one in mine}
    return tuple(one.seq for one in inbox if one.seq not in kept)


def _is_no_start(message: InboxMessage) -> bool:
    return bool(message.event["EventType"] != EventType.EXECUTION_STARTED)


def _fire_times(batch: Sequence[InboxMessage]) -> list[datetime]:
    """An earlier OrchestratorStarted would make the SDK set a long timer again."""
    fired = (one.event for one in batch if one.event["EventType"] == EventType.TIMER_FIRED)
    return [parse_time(event["FireAt"]) for event in fired]


def _advance(plan: EpisodePlan, table: TaskTable, answer: Answer) -> None:
    """Apply the batch as the extension's own replay does: the whole action list is known from the start."""
    table.bind(answer.actions)
    table.episode = plan.execution.episode
    for message in plan.batch[: plan.leading]:
        table.apply(message.event, plan.now)
    table.extend()
    for message in plan.batch[plan.leading :]:
        if message.is_entity_response:
            table.respond(task_id_of(message.event["Name"]))
        elif table.is_continued and message.event["EventType"] == EventType.EVENT_RAISED:
            table.carried.append((message.seq, message.event))
        else:
            table.apply(message.event, plan.now)


def _check_limits(table: TaskTable, answer: Answer, rules: EpisodeRules) -> None:
    if table.action_count > rules.max_actions:
        raise ActionRefused(
            f"The orchestration asked for {table.action_count} actions; maxOrchestrationActions in host.json "
            f"allows {rules.max_actions}. Split the work into sub-orchestrations or raise the limit."
        )
    size = len((answer.custom_status_text or "").encode("utf-16-le"))
    if size > _CUSTOM_STATUS_BYTES:
        raise ActionRefused(
            f"The custom status has {size} bytes as UTF-16 JSON text; at most {_CUSTOM_STATUS_BYTES} are allowed."
        )


def _written(
    plan: EpisodePlan, table: TaskTable, answer: Answer, outbound: list[Event], effects: Effects
) -> EpisodeResult:
    result = _base(plan, answer.custom_status_text)
    result.history.extend(outbound)
    result = replace(result, effects=effects)
    if not answer.is_over or table.open_task_count or not table.is_gate_passed:
        return _still_running(result, plan, table, is_over=answer.is_over)
    if answer.error is not None:
        result = replace(result, table_text=table.to_text())
        return _ended(result, plan, table.next_id, OrchestrationStatus.FAILED, answer.error)
    if table.is_continued:
        return _continued(result, plan, table, answer)
    return _ended(result, plan, table.next_id, OrchestrationStatus.COMPLETED, answer.output_text)


def _base(plan: EpisodePlan, custom_status_text: str | None) -> EpisodeResult:
    return EpisodeResult(
        execution=plan.execution,
        consumed=(*plan.dropped, *(message.seq for message in plan.batch)),
        history=plan.events,
        runtime_status=RuntimeStatus.RUNNING,
        updated_at=plan.now,
        custom_status_text=custom_status_text,
    )


def _still_running(result: EpisodeResult, plan: EpisodePlan, table: TaskTable, *, is_over: bool) -> EpisodeResult:
    result.history.append(orchestrator_completed(plan.now))
    names = {"instance_id": plan.execution.instance_id, "name": plan.execution.name}
    warning = _STUCK.format(**names) if table.is_idle and not is_over else None
    return replace(result, table_text=table.to_text(), warning=warning)


def _ended(
    result: EpisodeResult,
    plan: EpisodePlan,
    next_id: int,
    status: OrchestrationStatus,
    text: str | None,
) -> EpisodeResult:
    """`text` is the output's JSON text if completed, else the error."""
    parent, task_id = plan.execution.parent, -1
    if parent is not None:
        task_id = parent["TaskScheduleId"]
    if status is OrchestrationStatus.COMPLETED:
        output, runtime_status = text, RuntimeStatus.COMPLETED
        report = child_completed(plan.now, task_id, output)
    else:
        output, runtime_status = orchestrator_failure(plan.execution.name, text or ""), RuntimeStatus.FAILED
        report = child_failed(plan.now, task_id, output, child_failure_details(text or ""))
    result.history.append(execution_completed(plan.now, next_id, status, output))
    result.history.append(orchestrator_completed(plan.now))
    notice = parent_notice(plan.execution, report)
    return replace(result, runtime_status=runtime_status, output_text=output, notice=notice)


def _continued(result: EpisodeResult, plan: EpisodePlan, table: TaskTable, answer: Answer) -> EpisodeResult:
    """The old generation's history ends here unseen: the store replaces it by the new one's."""
    old = plan.execution
    following = NewExecution(
        instance_id=old.instance_id,
        execution_id=derived_execution_id(old.execution_id, "next"),
        name=old.name,
        version=old.version,
        input_text=compact(answer.actions[-1]["input"]),
        created_at=plan.now,
        parent=old.parent,
        generation=old.generation + 1,
    )
    return replace(
        result,
        runtime_status=RuntimeStatus.CONTINUED_AS_NEW,
        next_generation=following,
        carried=tuple(table.carried),
    )
