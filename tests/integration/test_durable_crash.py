"""A hub that is killed again and again loses nothing and does nothing twice."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from devhost.durable.entities.entity import MARK
from devhost.durable.instance import InstanceQuery, RuntimeStatus
from devhost.durable.protocol import Event
from devhost.durable.store.store import Store
from tests.helpers.durable_crash_app import (
    EVERYONE,
    LISTENER_OUTPUT,
    LOOPER_OUTPUT,
    PIPELINE_OUTPUT,
    TALLIER_OUTPUT,
)

ROOT = Path(__file__).parents[2]


def run_and_kill(path: Path, count: int, after_s: float | None) -> bool:
    """Start the hub and kill it `after_s` after it runs (None: let it finish); True if it finished before."""
    command = [sys.executable, "-m", "tests.helpers.durable_crash_app", str(path), str(count)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        try:
            process.wait(timeout=240 if after_s is None else after_s)
        except subprocess.TimeoutExpired:
            process.kill()
        return process.stdout.readline() == "finished\n"


def completions(history: list[Event]) -> Counter[tuple[str, int]]:
    """How often each task and each timer has reported."""
    tasks = Counter(("task", event["TaskScheduledId"]) for event in history if "TaskScheduledId" in event)
    return tasks + Counter(("timer", event["TimerId"]) for event in history if event["EventType"] == 11)


def check_file(path: Path, count: int) -> None:
    store = Store(path)
    listed, _ = store.instances.list_page(InstanceQuery(), top=10_000, continuation=None)
    instances = [one for one in listed if not one.instance_id.startswith(MARK)]
    outputs = Counter((one.name, one.runtime_status, one.output_text) for one in instances)
    assert outputs == {
        ("pipeline", RuntimeStatus.COMPLETED, str(PIPELINE_OUTPUT)): count,
        ("looper", RuntimeStatus.COMPLETED, str(LOOPER_OUTPUT)): count,
        ("listener", RuntimeStatus.COMPLETED, str(LISTENER_OUTPUT)): count,
        ("tallier", RuntimeStatus.COMPLETED, str(TALLIER_OUTPUT)): count,
        ("child", RuntimeStatus.COMPLETED, "30"): count * 5,
    }
    everyone = store.entities.get(EVERYONE)
    assert everyone is not None
    assert everyone.state_text == str(TALLIER_OUTPUT * count)
    assert len(listed) - len(instances) == count + 1
    for one in instances:
        history = store.instances.history(one.instance_id)
        assert set(completions(history).values()) <= {1}
        assert history[1]["Generation"] == {"looper": 11, "listener": 4}.get(one.name, 0)
    assert store.episodes.instances_with_messages() == []
    assert store.episodes.next_work(after=0, limit=1) == []
    assert store.entities.entities_with_operations() == []
    store.close()


def has_unfinished_work(path: Path) -> bool:
    """True if an instance is between its start and its end: then the kill before has hit something."""
    store = Store(path)
    try:
        live = InstanceQuery(statuses=frozenset({RuntimeStatus.RUNNING}))
        listed, _ = store.instances.list_page(live, top=10_000, continuation=None)
        return any(not one.instance_id.startswith(MARK) for one in listed)
    finally:
        store.close()


def check_crashes(path: Path, *, kills: int, count: int, seed: int) -> None:
    moments = random.Random(seed)
    hits = 0
    for _ in range(kills):
        run_and_kill(path, count, moments.uniform(0.0, 0.35))
        hits += has_unfinished_work(path)
    assert hits >= kills / 2, f"only {hits} of {kills} kills hit unfinished work: give the hub more of it"
    assert run_and_kill(path, count, None)
    check_file(path, count)


@pytest.mark.row("durable/4.14/one-transaction")
def test_ten_kills_change_no_result(tmp_path: Path) -> None:
    check_crashes(tmp_path / "hub.sqlite", kills=10, count=15, seed=1)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(5))
def test_a_hundred_kills_change_no_result(tmp_path: Path, seed: int) -> None:
    check_crashes(tmp_path / "hub.sqlite", kills=100, count=100, seed=seed)
