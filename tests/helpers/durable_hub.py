"""A task hub on a file of its own, for one test."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from devhost.clock import Clock, SystemClock
from devhost.config.host_json import DurableOptions
from devhost.durable.hub import TaskHub
from devhost.durable.instance import Instance, RuntimeStatus
from devhost.durable.store.store import Store
from tests.helpers.durable_faults import Faults, FaultyStore
from tests.helpers.durable_functions import LocalFunctions

T = TypeVar("T")

OPTIONS = DurableOptions(
    hub_name="TestHub",
    connection_name="Storage",
    max_concurrent_activities=20,
    max_concurrent_orchestrators=20,
    max_orchestration_actions=100_000,
    override_any_state=False,
    store_inputs_in_history=False,
    async_sleep_ms=30_000,
)


@asynccontextmanager
async def running_hub(
    path: Path,
    orchestrators: Mapping[str, Callable[..., Any]],
    activities: Mapping[str, Callable[..., Any]] | None = None,
    faults: Faults | None = None,
    entities: Mapping[str, Callable[..., Any]] | None = None,
    make_functions: Callable[..., LocalFunctions] = LocalFunctions,
    clock: Clock | None = None,
    **options: Any,
) -> AsyncIterator[TaskHub]:
    """A started hub on `path`; `options` override OPTIONS, `faults` are those of FaultyStore."""
    store = Store(path)
    functions = make_functions(orchestrators, activities or {}, entities)
    hub = TaskHub(
        store=FaultyStore(store, faults or {}),
        functions=functions,
        clock=clock or SystemClock(),
        options=replace(OPTIONS, **options),
        logger=logging.getLogger("test.hub"),
        fault_pause_s=0.01,
    )
    await hub.start()
    try:
        yield hub
    finally:
        await hub.stop()
        functions.close()
        store.close()


async def wait_until(read: Callable[[], Awaitable[T]], is_wanted: Callable[[T], bool], timeout_s: float = 60.0) -> T:
    """The first wanted value of `read`; fails with the last value after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = await read()
        if is_wanted(value):
            return value
        assert time.monotonic() < deadline, f"still {value!r} after {timeout_s} s"
        await asyncio.sleep(0.01)


async def status_is(hub: TaskHub, instance_id: str, wanted: RuntimeStatus) -> Instance:
    """The instance once it has this status; fails with the last one seen, None if there was none."""
    found = await wait_until(
        lambda: hub.get_instance(instance_id), lambda one: one is not None and one.runtime_status is wanted
    )
    assert found is not None
    return found


def rows(path: Path, table: str) -> int:
    """How many rows a table of the hub's file has now."""
    with closing(sqlite3.connect(path)) as db:
        (count,) = db.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(count)


async def rows_are(path: Path, table: str, wanted: int) -> None:
    """Return once the table has so many rows; fails with the last count."""

    async def read() -> int:
        return rows(path, table)

    await wait_until(read, lambda count: count == wanted)
