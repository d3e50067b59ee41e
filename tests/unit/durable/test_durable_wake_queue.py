"""Which instance runs when, and how much of its history stays in memory."""

from __future__ import annotations

import asyncio

import pytest

from devhost.durable.execution_cache import CachedExecution, ExecutionCache
from devhost.durable.task_table import TaskTable
from devhost.durable.wake_queue import WakeQueue, episode_gap_s


def test_a_woken_instance_is_started() -> None:
    started: list[str] = []
    WakeQueue(2, started.append).wake(["a"])
    assert started == ["a"]


def test_no_more_than_the_limit_run_at_once() -> None:
    started: list[str] = []
    queue = WakeQueue(2, started.append)
    queue.wake(["a", "b", "c"])
    assert started == ["a", "b"]
    queue.ended("a", gap_s=0)
    assert started == ["a", "b", "c"]


def test_an_instance_runs_once_at_a_time_and_again_if_it_was_woken_meanwhile() -> None:
    started: list[str] = []
    queue = WakeQueue(2, started.append)
    queue.wake(["a"])
    queue.wake(["a"])
    assert started == ["a"]
    queue.ended("a", gap_s=0)
    assert started == ["a", "a"]


def test_an_instance_that_nobody_woke_does_not_run_again() -> None:
    started: list[str] = []
    queue = WakeQueue(2, started.append)
    queue.wake(["a"])
    queue.ended("a", gap_s=0)
    assert started == ["a"]


async def test_a_resting_instance_runs_after_its_gap() -> None:
    started: list[str] = []
    second_start = asyncio.Event()

    def start(instance_id: str) -> None:
        started.append(instance_id)
        if len(started) == 2:
            second_start.set()

    queue = WakeQueue(2, start)
    queue.wake(["a"])
    queue.ended("a", gap_s=0.01)
    queue.wake(["a"])
    assert started == ["a"]
    await asyncio.wait_for(second_start.wait(), 5)
    assert started == ["a", "a"]


def test_a_closed_queue_starts_nothing() -> None:
    started: list[str] = []
    queue = WakeQueue(2, started.append)
    queue.close()
    queue.wake(["a"])
    assert started == []


@pytest.mark.parametrize(
    ("replay_s", "open_tasks", "gap_s"),
    [(0.004, 100, 0.0), (0.105, 100, 0.2), (0.105, 1, 0.0), (10.0, 100, 5.0)],
)
def test_the_gap_grows_with_the_replay_where_completions_can_pile_up(
    replay_s: float, open_tasks: int, gap_s: float
) -> None:
    assert episode_gap_s(replay_s, open_tasks) == pytest.approx(gap_s)


def entry(past: str) -> CachedExecution:
    return CachedExecution("e", 1, past, TaskTable())


def test_a_cached_execution_is_taken_once() -> None:
    cache = ExecutionCache(100)
    cache.put("a", entry("x" * 10))
    first, second = cache.take("a"), cache.take("a")
    assert (first is not None, second) == (True, None)


def test_the_cache_drops_the_oldest_entries_beyond_its_size() -> None:
    cache = ExecutionCache(100)
    for name in ("a", "b", "c"):
        cache.put(name, entry("x" * 40))
    assert (cache.take("a"), cache.take("b") is None, cache.take("c") is None) == (None, False, False)


def test_an_entry_larger_than_the_cache_is_not_kept() -> None:
    cache = ExecutionCache(10)
    cache.put("a", entry("x" * 40))
    assert cache.take("a") is None
