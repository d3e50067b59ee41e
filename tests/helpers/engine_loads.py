"""Loads for the engine alone: real SDK orchestrators and trivial activities on a hub file, and what they cost."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import azure.durable_functions as df

from devhost.durable.hub import TaskHub
from devhost.durable.instance import Instance, RuntimeStatus
from tests.helpers.durable_functions import LocalFunctions, replay
from tests.helpers.durable_hub import wait_until

Steps = Generator[Any, Any, Any]
PATIENCE_S = 300.0


async def increment(number: int) -> int:
    return number + 1


def fan_out(context: df.DurableOrchestrationContext) -> Steps:
    """The sum of `increment` of 0 … n-1."""
    numbers = yield context.task_all([context.call_activity("increment", one) for one in range(context.get_input())])
    return sum(numbers)


def fan_out_in_children(context: df.DurableOrchestrationContext) -> Steps:
    """Input [children, activities of each]; the sum of their sums."""
    children, each = context.get_input()
    sums = yield context.task_all([context.call_sub_orchestrator("fan_out", each) for _ in range(children)])
    return sum(sums)


def wait_for_go(context: df.DurableOrchestrationContext) -> Steps:
    return (yield context.wait_for_external_event("go"))


def nothing(context: df.DurableOrchestrationContext) -> Steps:
    yield from ()


ORCHESTRATORS: dict[str, Callable[..., Any]] = {
    one.__name__: one for one in (fan_out, fan_out_in_children, wait_for_go, nothing)
}
ACTIVITIES: dict[str, Callable[..., Any]] = {"increment": increment}


class MeteredFunctions(LocalFunctions):
    """Counts replays, and the processor time that they take, the SDK's reading and writing of JSON included."""

    replays = 0
    replay_s = 0.0

    async def call_orchestrator(self, durable_name: str, envelope_json: str, *, instance_id: str) -> str:
        handle = self._orchestrators[durable_name.lower()]
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._timed, durable_name, handle, envelope_json)

    def _timed(self, name: str, handle: Callable[[str], str], envelope_json: str) -> str:
        began = time.thread_time()
        try:
            return replay(name, handle, envelope_json)
        finally:
            self.replays += 1
            self.replay_s += time.thread_time() - began


@dataclass(frozen=True)
class Cost:
    """What one load took. `cpu_s` is that of the whole process, `replay_s` the part of it in replays."""

    seconds: float
    cpu_s: float
    replay_s: float
    replays: int

    @property
    def replay_share(self) -> float:
        """Part of the processor time that went into replays."""
        return self.replay_s / self.cpu_s


@dataclass
class Meter:
    """Makes the functions of a hub (`make_functions=meter`), and tells what a load on it has cost."""

    functions: MeteredFunctions | None = None

    def __call__(self, *args: Any) -> MeteredFunctions:
        self.functions = MeteredFunctions(*args)
        return self.functions

    async def cost_of(self, load: Callable[[], Any]) -> Cost:
        """Await `load()` and measure it."""
        assert self.functions is not None
        replays, replay_s = self.functions.replays, self.functions.replay_s
        began, cpu = time.perf_counter(), time.process_time()
        await load()
        return Cost(
            time.perf_counter() - began,
            time.process_time() - cpu,
            self.functions.replay_s - replay_s,
            self.functions.replays - replays,
        )


async def run_to_end(hub: TaskHub, name: str, payload: Any = None, *, instance_id: str | None = None) -> Instance:
    """Start an orchestration and wait until it completes."""
    text = json.dumps(json.dumps(payload))  # twice, as the SDK's client sends it
    started = await hub.create_instance(name, instance_id=instance_id, input_text=text)
    ended = await hub.wait_until_finished(started, PATIENCE_S)
    assert ended is not None, f"{name} has not ended within {PATIENCE_S} s"
    assert ended.runtime_status is RuntimeStatus.COMPLETED, ended
    return ended


async def fill(hub: TaskHub, count: int) -> None:
    """`count` finished instances more."""
    for begin in range(0, count, 100):
        await asyncio.gather(*(run_to_end(hub, "nothing") for _ in range(min(100, count - begin))))


async def waiting_workflows(hub: TaskHub, count: int) -> list[str]:
    """IDs of `count` orchestrations that wait for the event `go`."""
    ids = [f"waiting-{number}" for number in range(count)]
    await asyncio.gather(*(hub.create_instance("wait_for_go", instance_id=one, input_text=None) for one in ids))
    for one in ids:
        await wait_until(lambda one=one: hub.get_instance(one), _is_running, PATIENCE_S)  # type: ignore[misc]
    return ids


async def raise_all(hub: TaskHub, ids: list[str]) -> list[Any]:
    """Raise `go` for all at once, with the instance's ID; what the instances came to."""
    await asyncio.gather(*(hub.raise_event(one, "go", json.dumps(one)) for one in ids))
    ended = await asyncio.gather(*(hub.wait_until_finished(one, PATIENCE_S) for one in ids))
    return [None if one is None else (str(one.runtime_status), json.loads(one.output_text or "null")) for one in ended]


def _is_running(instance: Instance | None) -> bool:
    return instance is not None and instance.runtime_status is RuntimeStatus.RUNNING


def episodes(path: Path) -> int:
    """Episodes of all instances in the file of a hub."""
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("SELECT coalesce(sum(episode), 0) FROM instances").fetchone()[0])


class _CountingConnection(sqlite3.Connection):
    counted: list[int]

    def count_into(self, counted: list[int]) -> _CountingConnection:
        self.set_progress_handler(lambda: counted.append(1), _STEPS_AT_ONCE)
        return self


_STEPS_AT_ONCE = 20


@contextmanager
def counted_sql_steps() -> Iterator[Callable[[], int]]:
    """Hubs opened inside count the steps of SQLite's machine: how many so far, whatever else the computer does."""
    counted: list[int] = []
    connect = sqlite3.connect

    def counting(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection: _CountingConnection = connect(*args, factory=_CountingConnection, **kwargs)
        return connection.count_into(counted)

    sqlite3.connect = counting  # type: ignore[assignment]
    try:
        yield lambda: len(counted) * _STEPS_AT_ONCE
    finally:
        sqlite3.connect = connect
