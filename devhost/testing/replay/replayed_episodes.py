"""Recorded episodes, run again by the real SDK and concluded by the host's own engine."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from devhost.durable.entities.entity import EntityId
from devhost.durable.episodes.action_tree import top_level_actions
from devhost.durable.episodes.answer import AnswerUnusable, parse_answer, parse_failure
from devhost.durable.episodes.episode import EpisodePlan, conclude
from devhost.durable.episodes.episode_effects import EpisodeRules
from devhost.durable.episodes.task_table import TaskTable
from devhost.durable.executions import EpisodeResult, Execution, InboxMessage
from devhost.durable.instance import RuntimeStatus
from devhost.durable.protocol import Event, EventType, dump_events, parse_time
from devhost.errors import DevhostError, FunctionFailed
from devhost.functions.failures import failure_of
from devhost.testing.replay.recorded_episodes import Recorded, RecordedEpisode
from devhost.testing.rig.kit_worker import run_orchestrator

Handle = Callable[[str], str]
"""The SDK's wrapper around an orchestrator: envelope in, state out."""

_NO_LIMIT = 2**31
_ASYNC_SLEEP_MS = 30_000


@dataclass(frozen=True, slots=True)
class KnownNames:
    """What the app has; an orchestrator that asks for anything else fails."""

    activities: tuple[str, ...]
    orchestrators: tuple[str, ...]
    entities: tuple[str, ...]


def replay_episodes(
    recorded: Recorded, handle: Handle, known: KnownNames | None
) -> Iterator[tuple[RecordedEpisode, EpisodeResult]]:
    """Each episode as it was, with what today's code makes of it. Without `known`, every name is taken for good.

    Every replay has the recorded past, as a running instance would have it, whatever the code did before.
    """
    execution, table, past = _execution(recorded.started), TaskTable(), ""
    answers = recorded.entity_requests
    for episode in recorded.episodes:
        if episode.is_terminated:
            return
        plan = _plan(execution, table, episode, answers)
        outcome = _call(handle, plan.envelope(past, async_sleep_ms=_ASYNC_SLEEP_MS), recorded.name)
        yield episode, conclude(plan, table, outcome, _rules(outcome, known))
        table.forget_answer()
        events = [*plan.events, *(one.event for one in episode.outbound)]
        text = dump_events(events, is_played=True)
        past = f"{past},{text}" if past else text
        execution = replace(execution, episode=execution.episode + 1, last_updated_at=plan.now)


def _execution(started: Event) -> Execution:
    return Execution(
        instance_id=started["OrchestrationInstance"]["InstanceId"],
        execution_id=started["OrchestrationInstance"]["ExecutionId"],
        episode=0,
        name=started["Name"],
        version=started["Version"],
        input_text=started["Input"],
        runtime_status=RuntimeStatus.RUNNING,
        custom_status_text=None,
        last_updated_at=parse_time(started["Timestamp"]),
        parent=started["ParentInstance"],
        generation=started.get("Generation") or 0,
    )


def _plan(execution: Execution, table: TaskTable, episode: RecordedEpisode, answers: frozenset[str]) -> EpisodePlan:
    batch = tuple(
        InboxMessage(one.number, execution.execution_id if _is_answer(one.event, answers) else None, one.event)
        for one in episode.inbound
    )
    leading = sum(table.takes_id(message.event) for message in batch)
    return EpisodePlan(execution=execution, now=episode.at, batch=batch, leading=leading, dropped=())


def _is_answer(event: Event, answers: frozenset[str]) -> bool:
    return event["EventType"] == EventType.EVENT_RAISED and event["Name"] in answers


def _call(handle: Handle, envelope: str, name: str) -> str | FunctionFailed:
    try:
        return str(run_orchestrator(handle, {"context": envelope}))
    except Exception as error:  # noqa: BLE001 - what user code raises is data here
        return failure_of(name, error)


def _rules(outcome: str | FunctionFailed, known: KnownNames | None) -> EpisodeRules:
    if known is None:
        asked = tuple(_asked_names(outcome))
        known = KnownNames(asked, asked, asked)
    return EpisodeRules(
        activity_names=known.activities,
        orchestrator_names=known.orchestrators,
        max_actions=_NO_LIMIT,
        store_inputs=True,
        entity_names=known.entities,
    )


def _asked_names(outcome: Any) -> Iterator[str]:
    try:
        answer = parse_answer(outcome) if isinstance(outcome, str) else parse_failure(outcome)
        tops = [] if answer is None else top_level_actions(answer.actions)
    except (AnswerUnusable, DevhostError):
        return  # `conclude` says what is wrong with it
    for name in (single.name for top in tops for single in top.singles):
        yield name
        if name.startswith("@"):
            yield EntityId.parse(name).name
