"""A history cut into the episodes in which it was written."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from devhost.durable.protocol import Event, EventType, parse_time
from devhost.testing.errors import KitError, hides_frames
from devhost.testing.replay.records import must_be_as_seen

__tracebackhide__ = hides_frames
_OUTBOUND = frozenset(
    {EventType.TASK_SCHEDULED, EventType.CHILD_CREATED, EventType.TIMER_CREATED, EventType.EVENT_SENT}
)


@dataclass(slots=True)
class Numbered:
    """An event and its place in the history, from 1."""

    number: int
    event: Event


@dataclass(slots=True)
class RecordedEpisode:
    """What came in, what the code asked for then, and the end of the instance if it ended then."""

    at: datetime
    inbound: list[Numbered] = field(default_factory=list)
    outbound: list[Numbered] = field(default_factory=list)
    ended: Numbered | None = None
    is_complete: bool = False
    is_terminated: bool = False
    """True if somebody ended the instance; what the code would have done is not known."""

    @property
    def last(self) -> Numbered:
        """The last event that the code has seen."""
        return self.inbound[-1]


@dataclass(frozen=True, slots=True)
class Recorded:
    """One generation of an instance."""

    started: Event
    episodes: tuple[RecordedEpisode, ...]

    @property
    def name(self) -> str:
        """The orchestrator's durable name."""
        return str(self.started["Name"])

    @property
    def instance_id(self) -> str:
        """The instance."""
        return str(self.started["OrchestrationInstance"]["InstanceId"])

    @property
    def entity_requests(self) -> frozenset[str]:
        """IDs of calls to entities, which are the names of the events that answer them."""
        sent = (one.event for episode in self.episodes for one in episode.outbound)
        texts = [event["Input"] for event in sent if event["EventType"] == EventType.EVENT_SENT]
        return frozenset(str(json.loads(text).get("id")) for text in texts)


def read_episodes(history: Sequence[Event]) -> Recorded:
    """The episodes in order. Raises KitError for a history that cannot be replayed event by event."""
    started = next((event for event in history if event["EventType"] == EventType.EXECUTION_STARTED), None)
    if started is None:
        raise KitError("The history has no ExecutionStarted: the instance has not begun.")
    must_be_as_seen(history)
    return Recorded(started, tuple(_cut(history)))


def _cut(history: Sequence[Event]) -> Iterator[RecordedEpisode]:
    episode: RecordedEpisode | None = None
    for number, event in enumerate(history, start=1):
        if event["EventType"] == EventType.ORCHESTRATOR_STARTED:
            if episode is not None:
                yield episode
            episode = RecordedEpisode(parse_time(event["Timestamp"]))
        elif event["EventType"] == EventType.EXECUTION_TERMINATED and episode is not None and episode.is_complete:
            break
        elif episode is not None:
            _sort(episode, Numbered(number, event))
    if episode is not None:
        yield episode


def _sort(episode: RecordedEpisode, one: Numbered) -> None:
    kind: Any = one.event["EventType"]
    if kind in _OUTBOUND:
        episode.outbound.append(one)
    elif kind == EventType.EXECUTION_TERMINATED:
        episode.is_terminated = True
    elif kind == EventType.EXECUTION_COMPLETED:
        episode.ended = one
    elif kind == EventType.ORCHESTRATOR_COMPLETED:
        episode.is_complete = True
    else:
        episode.inbound.append(one)
