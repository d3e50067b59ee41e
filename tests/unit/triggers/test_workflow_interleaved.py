"""Starts, looks and stops of one workflow that meet between any two of their calls to storage and hub."""

import asyncio
import json
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from scraper import clock
from starts.singleton import RunAlreadyLive, Start, start_singleton
from storage.ticket import Ticket, TicketState
from tests.helpers.interleaving import Pause, explore
from tests.helpers.ticket_stores import MemoryHub, MemoryTickets
from triggers.workflows import state as looking
from triggers.workflows.requests import WorkflowEvent
from triggers.workflows.signals import StillStarting, WorkflowEnded, WorkflowNotFound, raise_workflow_event
from triggers.workflows.state import Phase, workflow_state

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
GRACE = timedelta(seconds=60)
ID = "workflow:a"


@pytest.fixture(autouse=True)
def clock_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "utc_now", lambda: NOW)


class WorkflowHub(MemoryHub):
    """A hub whose workflows end as soon as they are given an event."""

    async def get_status(self, instance_id: str, **_shown: bool) -> Any:
        found = await super().get_status(instance_id)
        if found is None:
            return None
        return SimpleNamespace(
            name="workflow",
            runtime_status=found.runtime_status,
            input_=json.dumps(found.payload),
            output={"outcome": "completed"},
        )

    async def raise_event(self, instance_id: str, event_name: str, event_data: Any = None) -> None:
        await Pause()
        if instance_id not in self.running():
            raise Exception(f"Instance with ID {instance_id} is gone: either completed or failed")
        self.finish(instance_id)


class World:
    def __init__(self) -> None:
        self.hub, self.tickets = WorkflowHub(), MemoryTickets()

    async def start(self) -> Ticket:
        start = Start("workflow", ID, {"input": "a"}, started_by="http")
        return await start_singleton(self.hub, self.tickets, start, grace=GRACE)

    async def look(self) -> Phase:
        return (await workflow_state(self.hub, self.tickets, "a", grace=GRACE)).phase

    async def stop(self) -> None:
        await raise_workflow_event(self.hub, self.tickets, WorkflowEvent("a", "Workflow", None), grace=GRACE)

    async def phase_after_a_start(self) -> Phase:
        """What somebody sees who tried to start it, whatever came of that."""
        with suppress(RunAlreadyLive):
            await self.start()
        return await self.look()


def explored(*actors: str, first: str | None = None) -> set[Any]:
    """What the last of the actors came to, over all interleavings."""
    found: set[Any] = set()

    def make() -> list[Coroutine[Any, Any, Any]]:
        world = World()
        if first is not None:
            explore(lambda: [getattr(world, first)()], lambda _: None)
            world.hub.finish(ID)
        return [getattr(world, name)() for name in actors]

    explore(make, lambda outcomes: found.add(outcomes[-1]))
    return found


@pytest.mark.parametrize("first", [None, "start"], ids=["first start", "restart"])
def test_whoever_was_told_that_it_is_started_finds_it(first: str | None) -> None:
    assert explored("start", "phase_after_a_start", first=first) <= {Phase.STARTING, Phase.LIVE}


def test_a_look_during_a_first_start_finds_it_absent_starting_or_live() -> None:
    assert explored("start", "look") == {Phase.ABSENT, Phase.STARTING, Phase.LIVE}


def test_a_look_during_a_restart_finds_the_old_end_or_the_new_life() -> None:
    assert explored("start", "look", first="start") == {
        Phase.ENDED,
        Phase.STARTING,
        Phase.LIVE,
    }


async def test_a_stop_waits_for_a_start_that_is_on_its_way() -> None:
    world = World()
    starting = begun_start(world)
    stopping = asyncio.create_task(world.stop())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not stopping.done()
    await asyncio.gather(finished(starting), stopping)
    assert world.hub.running() == []


def begun_start(world: World) -> Coroutine[Any, Any, Ticket]:
    """A start that has won the ticket, and whose instance is not there yet."""
    starting = world.start()
    for _ in range(3):
        starting.send(None)
    assert world.tickets.tickets["workflow:workflow:a"].state is TicketState.STARTING
    return starting


async def finished(begun: Coroutine[Any, Any, Any]) -> None:
    """The rest of a coroutine that has had some turns."""
    while True:
        try:
            begun.send(None)
        except StopIteration:
            return
        await asyncio.sleep(0)


async def test_a_stop_gives_up_on_a_start_that_does_not_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "PATIENCE", timedelta(0))
    world = World()
    starting = begun_start(world)
    with pytest.raises(StillStarting, match="try again in a moment"):
        await world.stop()
    starting.close()


async def test_of_two_stops_at_once_both_are_accepted_or_the_later_is_told_of_the_end() -> None:
    world = World()
    await world.start()
    outcomes = await asyncio.gather(world.stop(), world.stop(), return_exceptions=True)
    assert outcomes[0] is None
    assert isinstance(outcomes[1], WorkflowEnded)
    assert str(outcomes[1]) == "The workflow 'a' has ended: completed."


async def test_a_stop_of_a_workflow_that_was_purged_in_between_finds_none(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    await world.start()

    async def purged(*_: Any) -> None:
        world.hub.instances.clear()
        raise Exception("No instance with ID workflow:a found.")

    monkeypatch.setattr(world.hub, "raise_event", purged)
    with pytest.raises(WorkflowNotFound):
        await world.stop()


async def test_a_hub_that_does_not_take_the_event_of_a_live_workflow_is_a_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    await world.start()
    asked = 0

    async def broken(*_: Any) -> None:
        nonlocal asked
        asked += 1
        raise OSError("the hub is away")

    monkeypatch.setattr(world.hub, "raise_event", broken)
    with pytest.raises(OSError, match="the hub is away"):
        await world.stop()
    assert asked == 3


async def test_a_workflow_that_ends_and_is_started_again_before_every_event_is_stopped_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As under load, where seconds lie between a look and the event."""
    world = World()
    await world.start()
    really_raise = world.hub.raise_event
    lives = 1

    async def too_late(*event: Any) -> None:
        nonlocal lives
        if lives < 10:
            lives += 1
            world.hub.finish(ID)
            await world.start()
            raise Exception(f"Instance with ID {ID} is gone: either completed or failed")
        await really_raise(*event)

    monkeypatch.setattr(world.hub, "raise_event", too_late)
    await world.stop()
    assert (lives, world.hub.running()) == (10, [])
