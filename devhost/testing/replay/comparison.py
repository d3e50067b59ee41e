"""What the history says, what the code did, and whether that breaks an instance that is running."""

import json
from typing import Any, NoReturn

from devhost.durable.executions import EpisodeResult
from devhost.durable.instance import RuntimeStatus
from devhost.durable.protocol import Event, EventType, OrchestrationStatus
from devhost.testing.errors import ReplayBroken, hides_frames
from devhost.testing.replay.recorded_episodes import Numbered, RecordedEpisode
from devhost.testing.replay.records import without_stacks
from devhost.testing.status import without_details

__tracebackhide__ = hides_frames
_BREAKS = (
    "Running instances with this history would fail or go wrong. Give the changed orchestrator a new name (or let it "
    "decide by its version or input) and leave the old code until its instances have ended, or drain them before you "
    "deploy."
)
_HARMLESS = "Running instances would go on. If the change is meant, record the history anew, or compare with {looser}."
_ENDS = {
    OrchestrationStatus.COMPLETED: RuntimeStatus.COMPLETED,
    OrchestrationStatus.FAILED: RuntimeStatus.FAILED,
}


class Comparison:
    """Compares the episodes of one history in order, then call `finish`.

    What breaks an instance is told before anything that does not, wherever it stands: the advice depends on it.
    """

    def __init__(self, name: str, instance_id: str, *, is_exact: bool, looser: str = "exact=False") -> None:
        """`looser` is how the reader of the messages says that the comparison should not be exact."""
        self._what, self._is_exact = f"'{name}' (instance '{instance_id}')", is_exact
        self._harmless_advice = _HARMLESS.format(looser=looser)
        self._harmless: ReplayBroken | None = None

    def compare(self, episode: RecordedEpisode, result: EpisodeResult) -> None:
        """Raises ReplayBroken for what breaks an instance."""
        asked = [event for event in result.history if event["EventType"] in _STARTS]
        self._compare_started(episode, asked, result)
        self._compare_end(episode, result)

    def finish(self) -> None:
        """Raises ReplayBroken for the first difference that breaks no instance."""
        if self._harmless is not None:
            raise self._harmless

    def _compare_started(self, episode: RecordedEpisode, asked: list[Event], result: EpisodeResult) -> None:
        for position, one in enumerate(episode.outbound):
            if position >= len(asked):
                self._break(one, _started(one.event), _instead(result))
            now = asked[position]
            if _identity(one.event) != _identity(now):
                self._break(one, _started(one.event), _started(now))
            if self._is_exact and _values(one.event, now) != _values(now, one.event):
                self._differ(one, f"{_started(one.event)} {_shown(one.event, now)}", _shown(now, one.event))
        if len(asked) > len(episode.outbound):
            added = asked[len(episode.outbound)]
            if episode.ended is None:
                self._break(episode.last, f"nothing more was started after {_seen(episode.last)}", _started(added))
            if self._is_exact:
                self._differ(episode.ended, _end(episode.ended), _started(added))

    def _compare_end(self, episode: RecordedEpisode, result: EpisodeResult) -> None:
        if episode.ended is None:
            if result.runtime_status is not RuntimeStatus.RUNNING:
                self._break(episode.last, f"went on after {_seen(episode.last)}", _instead(result))
            return
        if not self._is_exact:
            return
        recorded = _ENDS.get(OrchestrationStatus(episode.ended.event["OrchestrationStatus"]))
        is_same = recorded is result.runtime_status and _output(episode.ended.event["Result"]) == _output(
            result.output_text
        )
        if not is_same:
            self._differ(episode.ended, _end(episode.ended), _instead(result))

    def _break(self, one: Numbered, recorded: str, now: str) -> NoReturn:
        raise ReplayBroken(self._message(one, recorded, now, _BREAKS))

    def _differ(self, one: Numbered, recorded: str, now: str) -> None:
        self._harmless = self._harmless or ReplayBroken(self._message(one, recorded, now, self._harmless_advice))

    def _message(self, one: Numbered, recorded: str, now: str, advice: str) -> str:
        at = str(one.event["Timestamp"])[:19].replace("T", " ")
        return (
            f"Today's code of {self._what} does not fit its history.\n"
            f"  event {one.number}, {at}\n  the history:   {recorded}\n  today's code:  {now}\n{advice}"
        )


_STARTS = {
    EventType.TASK_SCHEDULED: "the activity",
    EventType.CHILD_CREATED: "the sub-orchestration",
    EventType.TIMER_CREATED: "a timer",
    EventType.EVENT_SENT: "a message to the entity",
}
_COMES = {
    EventType.EXECUTION_STARTED: "the start",
    EventType.TASK_COMPLETED: "the result of task {TaskScheduledId}",
    EventType.TASK_FAILED: "the failure of task {TaskScheduledId}",
    EventType.CHILD_COMPLETED: "the result of sub-orchestration {TaskScheduledId}",
    EventType.CHILD_FAILED: "the failure of sub-orchestration {TaskScheduledId}",
    EventType.TIMER_FIRED: "timer {TimerId}",
    EventType.EVENT_RAISED: "the event '{Name}'",
}


def _name(event: Event) -> str:
    """Event 14 carries the entity as InstanceId; its own Name says nothing."""
    return str(event["InstanceId"] if event["EventType"] == EventType.EVENT_SENT else event.get("Name", ""))


def _identity(event: Event) -> tuple[Any, ...]:
    """What the engine goes by: kind, id and name; a child's ID too, as its result is looked for under it."""
    child_id = event["InstanceId"] if event["EventType"] == EventType.CHILD_CREATED else None
    return event["EventType"], event["EventId"], _name(event).lower(), child_id


def _started(event: Event) -> str:
    what = _STARTS[EventType(event["EventType"])]
    name = f" '{_name(event)}'" if _name(event) else ""
    child_id = f" with ID '{event['InstanceId']}'" if event["EventType"] == EventType.CHILD_CREATED else ""
    return f"starts {what}{name}{child_id} (task {event['EventId']})"


def _seen(one: Numbered) -> str:
    text = _COMES.get(one.event["EventType"], "the last event")
    return text.format(**one.event)


def _values(event: Event, other: Event) -> Any:
    """Inputs count only where the hub has stored them."""
    if event["EventType"] == EventType.TIMER_CREATED:
        return event["FireAt"]
    if event["EventType"] == EventType.EVENT_SENT:
        sent = json.loads(event["Input"])
        return sent.get("op"), sent.get("input")
    return event.get("Input") if other.get("Input") is not None and event.get("Input") is not None else None


def _shown(event: Event, other: Event) -> str:
    if event["EventType"] == EventType.TIMER_CREATED:
        return f"due at {event['FireAt']}"
    return f"with the input {_values(event, other)}"


def _end(one: Numbered) -> str:
    status = _ENDS.get(OrchestrationStatus(one.event["OrchestrationStatus"]), "ended")
    return f"{status} with {_short(one.event['Result'])}"


def _instead(result: EpisodeResult) -> str:
    if result.runtime_status is RuntimeStatus.RUNNING:
        return "starts nothing more and waits"
    if result.runtime_status is RuntimeStatus.CONTINUED_AS_NEW:
        return "continues as new"
    return f"{result.runtime_status} with {_short(result.output_text)}"


def _output(text: str | None) -> str | None:
    return None if text is None else without_stacks(text)


def _short(text: str | None) -> str:
    if text is None:
        return "no output"
    shown = without_details(text)
    return shown if len(shown) <= 300 else f"{shown[:300]}…"
