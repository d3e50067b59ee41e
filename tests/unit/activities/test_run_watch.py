"""A step that works for a run which ends under its hands."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from activities import run_watch
from activities.run_watch import RunEnded, until_run_ends
from storage.errors import StorageUnreachable
from storage.ticket import StopMode, Ticket, TicketState
from tests.helpers.ticket_stores import MemoryTickets

RUN = {"run_id": "a", "epoch": 1, "source": "books"}
HELD = Ticket("daily_scrape", "a", TicketState.STARTED, datetime(2026, 11, 21, tzinfo=UTC), "test", "c", epoch=1)
STOPPED = {"state": TicketState.FREE, "stop": StopMode.NOW, "stopped_by": "the operator"}


class World:
    """The ticket of run `a`, and who reads it."""

    def __init__(self) -> None:
        self.tickets = MemoryTickets()
        self.tables = object()
        self.reads = 0
        self.fault: Exception | None = None
        self._read = self.tickets.read
        self.tickets.read = self._counted  # type: ignore[method-assign]

    async def _counted(self, key: str) -> Ticket | None:
        self.reads += 1
        if self.fault is not None:
            raise self.fault
        return await self._read(key)

    async def change(self, **changes: Any) -> None:
        ticket = await self._read("daily_scrape")
        assert ticket is not None
        await self.tickets.replace(replace(ticket, **changes))

    async def looks(self, times: int = 3) -> None:
        """Return when the ticket has been read so many times more."""
        wanted = self.reads + times
        while self.reads < wanted:
            await asyncio.sleep(0)


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(run_watch, "POLL_S", 0)
    made = World()
    await made.tickets.insert(HELD)
    return made


async def for_ever() -> None:
    await asyncio.Event().wait()


async def work(world: World, *, doing: Callable[[], Any] = for_ever) -> str:
    async with until_run_ends(world, RUN):  # type: ignore[arg-type]
        await doing()
    return "done"


async def test_a_step_is_cancelled_once_its_run_is_stopped_now(world: World) -> None:
    step = asyncio.create_task(work(world))
    await world.looks()
    await world.change(**STOPPED)
    with pytest.raises(RunEnded) as ended:
        await step
    assert ended.value.standing.code == "stopped"
    assert ended.value.standing.reason == "stopped at once (asked for by the operator)"


async def test_a_step_is_cancelled_once_its_run_is_overtaken(world: World) -> None:
    step = asyncio.create_task(work(world))
    await world.change(instance_id="b", epoch=2)
    with pytest.raises(RunEnded) as ended:
        await step
    assert ended.value.standing.code == "superseded"


async def test_a_step_of_a_run_that_drains_is_left_to_finish(world: World) -> None:
    finish = asyncio.Event()
    step = asyncio.create_task(work(world, doing=finish.wait))
    await world.change(stop=StopMode.DRAIN)
    await world.looks()
    finish.set()
    assert await step == "done"


async def test_storage_that_does_not_answer_the_watch_ends_no_step_and_is_asked_again(world: World) -> None:
    world.fault = StorageUnreachable("away")
    step = asyncio.create_task(work(world))
    await world.looks()
    assert not step.done()
    world.fault = None
    await world.change(**STOPPED)
    with pytest.raises(RunEnded):
        await step


async def test_one_look_serves_all_steps_of_a_run_and_ends_with_the_last(world: World) -> None:
    others = asyncio.all_tasks()
    finish = [asyncio.Event(), asyncio.Event()]
    steps = [asyncio.create_task(work(world, doing=one.wait)) for one in finish]
    await world.looks()
    assert len(asyncio.all_tasks() - others) == len(steps) + 1
    finish[0].set()
    await steps[0]
    await world.looks()
    finish[1].set()
    await steps[1]
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == others


async def test_all_steps_of_a_run_end_with_it(world: World) -> None:
    steps = [asyncio.create_task(work(world)) for _ in range(3)]
    await world.change(**STOPPED)
    outcomes = await asyncio.gather(*steps, return_exceptions=True)
    assert [type(one) for one in outcomes] == [RunEnded] * 3


async def test_a_step_that_begins_while_others_are_being_cancelled_does_not_begin(world: World) -> None:
    began = []

    async def begin() -> None:
        began.append("late")

    async def holds_on() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        with pytest.raises(RunEnded):
            await work(world, doing=begin)

    step = asyncio.create_task(work(world, doing=holds_on))
    await world.looks()
    await world.change(**STOPPED)
    with pytest.raises(RunEnded):  # although the block has swallowed its cancellation
        await step
    assert began == []


async def test_what_breaks_in_a_step_that_is_being_cancelled_is_the_end_of_the_run(world: World) -> None:
    async def breaks() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("the connection was cut")

    step = asyncio.create_task(work(world, doing=breaks))
    await world.change(**STOPPED)
    with pytest.raises(RunEnded):
        await step


async def test_a_fault_of_the_step_itself_stays_what_it_is(world: World) -> None:
    async def breaks() -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        await work(world, doing=breaks)


async def test_a_step_that_the_host_cancels_is_cancelled_and_not_ended(world: World) -> None:
    step = asyncio.create_task(work(world))
    await world.looks()
    step.cancel()
    with pytest.raises(asyncio.CancelledError):
        await step


async def test_two_runs_on_one_loop_have_a_watch_each(world: World) -> None:
    other = SimpleNamespace(tickets=MemoryTickets(), tables=object())
    await other.tickets.insert(HELD)
    finish = asyncio.Event()
    step, another = asyncio.create_task(work(world)), asyncio.create_task(work(other, doing=finish.wait))  # type: ignore[arg-type]
    await world.looks()
    await world.change(**STOPPED)
    with pytest.raises(RunEnded):
        await step
    finish.set()
    assert await another == "done"
