"""Which instance runs when."""

from __future__ import annotations

import asyncio

import pytest

from devhost.durable.runners.wake_queue import WakeQueue, episode_gap_s


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
