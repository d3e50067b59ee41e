"""Starters that meet between any two of their calls to storage and hub: never two live runs."""

from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from starts.singleton import RunAlreadyLive, Start, start_singleton
from storage.ticket import Ticket, TicketState
from tests.helpers.interleaving import explore, explore_switches, run_schedule
from tests.helpers.ticket_stores import MemoryHub, MemoryTickets, Status

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
GRACE = timedelta(seconds=60)
KEY = "daily_scrape"


def few_orders(make_actors: Any, check: Any) -> int:
    """Those with up to four interruptions."""
    return explore_switches(make_actors, check, at_most=4)


in_few_orders_or_all = pytest.mark.parametrize("orders", [few_orders, pytest.param(explore, marks=pytest.mark.long)])


class World:
    """A hub and a lock table, and what the last exploration step made of them."""

    def __init__(self) -> None:
        self.hub = MemoryHub()
        self.tickets = MemoryTickets()

    def starter(self, instance_id: str, *, now: datetime = NOW, once: bool = False) -> Coroutine[Any, Any, Ticket]:
        start = Start(KEY, instance_id, {}, started_by="http", once=once)
        return start_singleton(self.hub, self.tickets, start, grace=GRACE, now=now)

    def live_runs(self) -> list[str]:
        """The instances that the fence lets pass: they run, and the ticket is theirs."""
        ticket = self.tickets.tickets[KEY]
        return [one for one in self.hub.running() if ticket.is_of(one, self.hub.instances[one].payload["epoch"])]


def explored(
    names: list[str], *, prepare: Any = None, orders: Any = explore
) -> tuple[int, list[tuple[int, int, list[str]]]]:
    """Interleavings of starters with these IDs: how many, and of each (accepted, refused, live runs)."""
    worlds: list[World] = []
    found: list[tuple[int, int, list[str]]] = []

    def actors() -> list[Coroutine[Any, Any, Ticket]]:
        world = World()
        if prepare is not None:
            prepare(world)
        worlds.append(world)
        return [world.starter(name) for name in names]

    def check(outcomes: list[Any]) -> None:
        accepted = sum(isinstance(one, Ticket) for one in outcomes)
        refused = sum(isinstance(one, RunAlreadyLive) for one in outcomes)
        found.append((accepted, refused, worlds[-1].hub.running()))

    return orders(actors, check), found


def completed_before(world: World) -> None:
    """An earlier run held the ticket and has ended."""
    run_schedule([world.starter("yesterday")], [])
    world.hub.finish("yesterday")


@pytest.mark.parametrize("names", [["a", "b"], ["a", "a"]], ids=["two-ids", "one-id"])
@pytest.mark.parametrize("prepare", [None, completed_before], ids=["first-run", "after-a-run"])
def test_of_two_interleaved_starters_exactly_one_wins_and_one_run_lives(names: list[str], prepare: Any) -> None:
    count, found = explored(names, prepare=prepare)
    assert count > 50
    assert {(accepted, refused, len(running)) for accepted, refused, running in found} == {(1, 1, 1)}


@in_few_orders_or_all
def test_of_three_interleaved_starters_exactly_one_wins_and_one_run_lives(orders: Any) -> None:
    count, found = explored(["a", "b", "c"], orders=orders)
    assert count > 1000
    assert {(accepted, refused, len(running)) for accepted, refused, running in found} == {(1, 2, 1)}


@pytest.mark.parametrize("steps", range(1, 5))
def test_a_starter_that_died_after_any_step_blocks_others_only_until_its_grace_ends(steps: int) -> None:
    world = World()
    dead = world.starter("dead")
    for _ in range(steps):
        dead.send(None)
    dead.close()
    outcomes, _ = run_schedule([world.starter("next", now=NOW + GRACE)], [])
    alive = world.hub.running()
    assert len(alive) == 1
    assert isinstance(outcomes[0], Ticket if alive == ["next"] else RunAlreadyLive)


def test_a_starter_that_slept_past_its_grace_never_makes_a_second_live_run() -> None:
    lives = []
    for steps in range(5):
        world = World()
        sleeper = world.starter("sleeper")
        for _ in range(steps):
            sleeper.send(None)
        run_schedule([world.starter("next", now=NOW + GRACE)], [])
        run_schedule([sleeper], [])
        lives.append(world.live_runs())
    assert [len(live) for live in lives] == [1, 1, 1, 1, 1]


@in_few_orders_or_all
def test_two_starters_and_one_that_wakes_late_leave_one_live_run_in_every_order(orders: Any) -> None:
    worlds: list[World] = []
    lives: list[int] = []

    def actors() -> list[Coroutine[Any, Any, Ticket]]:
        world = World()
        worlds.append(world)
        sleeper = world.starter("sleeper")
        sleeper.send(None)
        sleeper.send(None)
        later = NOW + GRACE + timedelta(seconds=1)
        return [sleeper, world.starter("b", now=later), world.starter("c", now=later)]

    def check(_outcomes: list[Any]) -> None:
        lives.append(len(worlds[-1].live_runs()))

    assert orders(actors, check) > 1000
    assert set(lives) == {1}


def test_a_refused_start_frees_the_ticket_and_keeps_its_epoch_used_up() -> None:
    world = World()

    async def refuse(*_args: Any, **_kwargs: Any) -> str:
        raise Exception("the hub is down")

    world.hub.start_new = refuse  # type: ignore[method-assign]
    outcomes, _ = run_schedule([world.starter("a")], [])
    assert str(outcomes[0]) == "the hub is down"
    ticket = world.tickets.tickets[KEY]
    assert (ticket.state, ticket.epoch) == (TicketState.FREE, 1)


def test_a_start_refused_by_an_instance_that_ends_in_this_moment_is_a_conflict_and_keeps_nobody_out() -> None:
    world = World()
    start_new = world.hub.start_new

    async def refuse(*_args: Any, **_kwargs: Any) -> str:
        raise Exception({"Message": "An Orchestration instance with the status Running already exists."})

    world.hub.start_new = refuse  # type: ignore[method-assign]
    outcomes, _ = run_schedule([world.starter("a")], [])
    assert str(outcomes[0]) == "An instance with ID 'a' already exists."
    world.hub.start_new = start_new  # type: ignore[method-assign]
    outcomes, _ = run_schedule([world.starter("a")], [])
    assert isinstance(outcomes[0], Ticket)


def test_the_epoch_grows_with_every_run() -> None:
    world = World()
    for name in ("a", "b", "c"):
        run_schedule([world.starter(name)], [])
        world.hub.finish(name)
    assert [one.payload["epoch"] for one in world.hub.instances.values()] == [1, 2, 3]


def test_a_tick_that_fires_twice_starts_no_second_run_of_the_same_date() -> None:
    world = World()
    run_schedule([world.starter("daily-2026-11-21", once=True)], [])
    world.hub.finish("daily-2026-11-21")
    outcomes, _ = run_schedule([world.starter("daily-2026-11-21", once=True)], [])
    assert isinstance(outcomes[0], RunAlreadyLive)


@pytest.mark.parametrize("steps", range(1, 3))
def test_a_tick_whose_starter_died_before_its_instance_existed_is_served_after_the_grace(steps: int) -> None:
    world = World()
    dead = world.starter("daily-2026-11-21", once=True)
    for _ in range(steps):
        dead.send(None)
    dead.close()
    outcomes, _ = run_schedule([world.starter("daily-2026-11-21", now=NOW + GRACE, once=True)], [])
    assert isinstance(outcomes[0], Ticket)


@pytest.mark.parametrize("status", [Status.Pending, Status.Suspended, Status.ContinuedAsNew])
def test_a_holder_that_is_not_running_but_alive_keeps_the_singleton(status: Status) -> None:
    world = World()
    run_schedule([world.starter("a")], [])
    world.hub.finish("a", status)
    outcomes, _ = run_schedule([world.starter("b")], [])
    assert isinstance(outcomes[0], RunAlreadyLive)


@pytest.mark.parametrize("status", [Status.Completed, Status.Failed, Status.Terminated, Status.Canceled])
def test_a_holder_that_has_ended_gives_the_singleton_up(status: Status) -> None:
    world = World()
    run_schedule([world.starter("a")], [])
    world.hub.finish("a", status)
    outcomes, _ = run_schedule([world.starter("b")], [])
    assert isinstance(outcomes[0], Ticket)


def test_a_holder_whose_instance_was_purged_gives_the_singleton_up() -> None:
    world = World()
    run_schedule([world.starter("a")], [])
    del world.hub.instances["a"]
    outcomes, _ = run_schedule([world.starter("b")], [])
    assert isinstance(outcomes[0], Ticket)


def test_a_start_under_the_id_of_a_live_instance_of_another_orchestrator_does_not_take_the_singleton() -> None:
    world = World()
    run_schedule([world.hub.start_new("start_later", "later:a")], [])
    outcomes, _ = run_schedule([world.starter("later:a")], [])
    assert isinstance(outcomes[0], RunAlreadyLive)
    assert str(outcomes[0]) == "An instance with ID 'later:a' already exists."
    outcomes, _ = run_schedule([world.starter("b")], [])
    assert isinstance(outcomes[0], Ticket)


def test_a_holder_whose_id_another_orchestrator_has_got_since_holds_nothing_any_more() -> None:
    world = World()
    run_schedule([world.starter("watch:books")], [])
    world.hub.finish("watch:books")
    run_schedule([world.hub.start_new("watch_source", "watch:books")], [])
    outcomes, _ = run_schedule([world.starter("b")], [])
    assert isinstance(outcomes[0], Ticket)


async def test_a_start_whose_last_question_finds_no_answer_keeps_nobody_waiting() -> None:
    async def unless() -> bool:
        raise OSError("storage is away")

    world = World()
    asks = Start(KEY, "a", {}, started_by="queue", unless=unless)
    with pytest.raises(OSError, match="storage is away"):
        await start_singleton(world.hub, world.tickets, asks, grace=GRACE, now=NOW)
    assert (await world.starter("b")).epoch == 2
