"""Which instances are to run next: each at most once at a time, and not again before its gap is over."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum, auto

_FREE_REPLAY_S = 0.005
_GAP_PER_REPLAY_S = 2.0
_MAX_GAP_S = 5.0


def episode_gap_s(replay_s: float, open_tasks: int) -> float:
    """How long an instance rests after a replay of this length, so that completions pile up meanwhile.

    Nothing after a short replay, or when at most one completion can come; else replays take at most about a
    third of the time. Without it a fan-out of n would replay n times over a history that grows to n.
    """
    if open_tasks <= 1:
        return 0.0
    return min(_MAX_GAP_S, _GAP_PER_REPLAY_S * max(0.0, replay_s - _FREE_REPLAY_S))


class _State(Enum):
    QUEUED = auto()
    RUNNING = auto()
    RUNNING_AND_WOKEN = auto()
    RESTING = auto()
    RESTING_AND_WOKEN = auto()


_WOKEN = {_State.RUNNING: _State.RUNNING_AND_WOKEN, _State.RESTING: _State.RESTING_AND_WOKEN}


class WakeQueue:
    """Calls `start(instance_id)` for woken instances, at most `limit` at once; it answers with `ended`."""

    def __init__(self, limit: int, start: Callable[[str], None]) -> None:
        self._limit = limit
        self._start = start
        self._states: dict[str, _State] = {}
        self._queue: deque[str] = deque()
        self._running = 0
        self._is_closed = False

    @property
    def is_closed(self) -> bool:
        """True after `close`."""
        return self._is_closed

    @property
    def is_empty(self) -> bool:
        """True if no instance is woken, running or resting."""
        return not self._states

    def wake(self, instance_ids: Iterable[str]) -> None:
        """Run these once more, now or when their present episode and its gap are over."""
        for instance_id in instance_ids:
            state = self._states.get(instance_id)
            if state is None:
                self._enqueue(instance_id)
            else:
                self._states[instance_id] = _WOKEN.get(state, state)
        self._pump()

    def ended(self, instance_id: str, *, gap_s: float, again: bool = False) -> None:
        """The started run is over; `again` wakes the instance once more."""
        self._running -= 1
        is_woken = again or self._states[instance_id] is _State.RUNNING_AND_WOKEN
        self._states[instance_id] = _State.RESTING_AND_WOKEN if is_woken else _State.RESTING
        if gap_s > 0 and not self._is_closed:
            asyncio.get_running_loop().call_later(gap_s, self._rested, instance_id)
        else:
            self._rested(instance_id)
        self._pump()

    def close(self) -> None:
        """Start nothing any more."""
        self._is_closed = True

    def _enqueue(self, instance_id: str) -> None:
        self._states[instance_id] = _State.QUEUED
        self._queue.append(instance_id)

    def _rested(self, instance_id: str) -> None:
        if self._states.pop(instance_id) is _State.RESTING_AND_WOKEN:
            self._enqueue(instance_id)
            self._pump()

    def _pump(self) -> None:
        while self._queue and self._running < self._limit and not self._is_closed:
            instance_id = self._queue.popleft()
            self._states[instance_id] = _State.RUNNING
            self._running += 1
            self._start(instance_id)
