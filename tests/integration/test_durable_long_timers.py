"""Timers beyond six days, which the SDK cuts into pieces of three days, on a clock that leaps."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.durable.hub import TaskHub
from devhost.durable.instance import Instance, RuntimeStatus
from devhost.durable.protocol import parse_time
from tests.helpers.durable_hub import running_hub, wait_until
from tests.helpers.leaping_clock import LeapingClock

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

Context = df.DurableOrchestrationContext
Steps = Generator[Any, Any, Any]
TIMER_CREATED, TIMER_FIRED = 10, 11


def ten_days(context: Context) -> Steps:
    due = context.current_utc_datetime + timedelta(days=10)
    value = yield context.create_timer(due)
    return [value, context.current_utc_datetime >= due]


async def times(hub: TaskHub, kind: int, key: str) -> list[int]:
    """Of the events of one kind, this field in whole days after the start."""
    history = await hub.history("t")
    moments = [parse_time(one[key]) for one in history if one["EventType"] == kind]
    return [round((moment - parse_time(history[0]["Timestamp"])) / timedelta(days=1)) for moment in moments]


async def started(hub: TaskHub, name: str) -> None:
    await hub.create_instance(name, instance_id="t", input_text=None)
    await wait_until(lambda: times(hub, TIMER_CREATED, "FireAt"), lambda found: len(found) == 1)


async def instance(hub: TaskHub) -> Instance:
    found = await hub.get_instance("t")
    assert found is not None
    return found


async def leap_a_piece(hub: TaskHub, clock: LeapingClock, days: float) -> None:
    """Until the next piece has fired, whatever follows it."""
    before = await times(hub, TIMER_FIRED, "FireAt")
    clock.leap(timedelta(days=days))
    await wait_until(lambda: times(hub, TIMER_FIRED, "FireAt"), lambda found: len(found) > len(before))


@pytest.mark.row("durable/4.7/long-timer", "durable/4.7/long-timer-value")
async def test_a_timer_of_ten_days_fires_once_after_pieces_of_3_3_and_4_days(tmp_path: Path) -> None:
    clock = LeapingClock()
    async with running_hub(tmp_path / "hub.sqlite", {"ten_days": ten_days}, clock=clock) as hub:
        await started(hub, "ten_days")
        await leap_a_piece(hub, clock, 3)
        await leap_a_piece(hub, clock, 3)
        assert (await instance(hub)).runtime_status is RuntimeStatus.RUNNING
        assert await times(hub, TIMER_CREATED, "FireAt") == [3, 6, 10]
        await leap_a_piece(hub, clock, 4)
        ended = await hub.wait_until_finished("t", 10)
    assert ended is not None
    assert ended.output_text == "[[null],true]"


async def test_a_long_timer_outlives_restarts_of_the_host(tmp_path: Path) -> None:
    clock = LeapingClock()
    async with running_hub(tmp_path / "hub.sqlite", {"ten_days": ten_days}, clock=clock) as hub:
        await started(hub, "ten_days")
    clock.leap(timedelta(days=11))
    async with running_hub(tmp_path / "hub.sqlite", {"ten_days": ten_days}, clock=clock) as hub:
        ended = await hub.wait_until_finished("t", 10)
        assert await times(hub, TIMER_CREATED, "FireAt") == [3]  # the one piece was late enough for all
    assert ended is not None
    assert ended.output_text == "[[null],true]"


@pytest.mark.row("durable/4.7/long-timer-cancel")
async def test_a_cancelled_long_timer_keeps_the_instance_running_until_its_piece_fires(tmp_path: Path) -> None:
    def hurried(context: Context) -> Steps:
        timer = context.create_timer(context.current_utc_datetime + timedelta(days=10))
        yield context.task_any([context.wait_for_external_event("go"), timer])
        timer.cancel()
        context.set_custom_status("returned")
        return "done"

    async def custom_status() -> str | None:
        return (await instance(hub)).custom_status_text

    clock = LeapingClock()
    async with running_hub(tmp_path / "hub.sqlite", {"hurried": hurried}, clock=clock) as hub:
        await started(hub, "hurried")
        await hub.raise_event("t", "go", "1")
        await wait_until(custom_status, lambda found: found == '"returned"')
        assert (await instance(hub)).runtime_status is RuntimeStatus.RUNNING
        clock.leap(timedelta(days=3))
        ended = await hub.wait_until_finished("t", 10)
        assert await times(hub, TIMER_CREATED, "FireAt") == [3]
    assert ended is not None
    assert ended.output_text == '"done"'


async def test_a_timer_of_five_days_is_one_piece(tmp_path: Path) -> None:
    def five_days(context: Context) -> Steps:
        return (yield context.create_timer(context.current_utc_datetime + timedelta(days=5)))

    clock = LeapingClock()
    async with running_hub(tmp_path / "hub.sqlite", {"five_days": five_days}, clock=clock) as hub:
        await started(hub, "five_days")
        clock.leap(timedelta(days=5))
        ended = await hub.wait_until_finished("t", 10)
        assert await times(hub, TIMER_CREATED, "FireAt") == [5]
    assert ended is not None
    assert (ended.runtime_status, ended.output_text) == (RuntimeStatus.COMPLETED, None)
