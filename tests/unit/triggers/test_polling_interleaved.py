"""Requests that poll the function, and meet between any two of their calls to storage and hub."""

from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from starts.singleton import RunAlreadyLive, Start, start_singleton
from tests.helpers.interleaving import explore, run_schedule
from tests.helpers.ticket_stores import MemoryHub, MemoryTickets, Status
from triggers.orchestrators.polling import start_unless_there

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
GRACE = timedelta(seconds=60)


class CountingHub(MemoryHub):
    """Counts how often each instance was created; a `hasty` one ends every instance in the moment of its start."""

    def __init__(self, *, hasty: bool = False) -> None:
        super().__init__()
        self.starts: list[str] = []
        self._hasty = hasty

    async def start_new(
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: Any = None
    ) -> str:
        started = await super().start_new(orchestration_function_name, instance_id, client_input)
        self.starts.append(started)
        if self._hasty:
            self.finish(started)
        return started


class World:
    """A hub and a lock table, with the requests of one orchestrator."""

    def __init__(self, orchestrator: str = "daily_scrape", *, hasty: bool = False) -> None:
        self.orchestrator = orchestrator
        self.hub = CountingHub(hasty=hasty)
        self.tickets = MemoryTickets()

    def start(self, instance_id: str) -> Start:
        return Start(self.orchestrator, instance_id, {}, started_by="http")

    async def put(self, instance_id: str, *, now: datetime = NOW) -> str:
        """What the answer of a PUT is made of: the status it finds, or `starting`."""
        start = lambda: self.start(instance_id)  # noqa: E731
        status = await start_unless_there(self.hub, self.tickets, instance_id, start, grace=GRACE, now=now)
        return "starting" if status is None else status.runtime_status.name

    async def post(self, instance_id: str) -> Any:
        return await start_singleton(self.hub, self.tickets, self.start(instance_id), grace=GRACE, now=NOW)


def explored(world_of: Any, actors_of: Any) -> list[tuple[World, list[Any]]]:
    """Every interleaving: the world that it left, and what each actor returned."""
    worlds: list[World] = []
    found: list[tuple[World, list[Any]]] = []

    def actors() -> list[Coroutine[Any, Any, Any]]:
        worlds.append(world_of())
        return list(actors_of(worlds[-1]))

    explore(actors, lambda outcomes: found.append((worlds[-1], outcomes)))
    return found


@pytest.mark.parametrize("orchestrator", ["daily_scrape", "welcome"])
def test_of_two_racing_puts_one_starts_and_the_other_waits_for_the_same_instance(orchestrator: str) -> None:
    found = explored(lambda: World(orchestrator), lambda world: [world.put("a"), world.put("a")])
    assert len(found) > 1000
    assert {tuple(world.hub.starts) for world, _ in found} == {("a",)}
    assert {frozenset(outcomes) for _, outcomes in found} == {
        frozenset({"starting"}),
        frozenset({"starting", "Running"}),
    }


@pytest.mark.parametrize("orchestrator", ["daily_scrape", "welcome"])
def test_of_two_racing_puts_the_later_one_does_not_restart_what_has_ended_meanwhile(orchestrator: str) -> None:
    found = explored(lambda: World(orchestrator, hasty=True), lambda world: [world.put("a"), world.put("a")])
    assert len(found) > 1000
    assert {tuple(world.hub.starts) for world, _ in found} == {("a",)}
    assert {frozenset(outcomes) for _, outcomes in found} == {
        frozenset({"starting"}),
        frozenset({"starting", "Completed"}),
    }


def test_a_put_that_looked_before_another_run_came_and_went_does_not_start_its_own_again() -> None:
    """It saw no instance; then `a` ran, then `b` held the singleton, and ended, too."""
    world = World()
    sleeper = world.put("a")
    sleeper.send(None)
    for instance_id in ("a", "b"):
        run_schedule([world.post(instance_id)], [])
        world.hub.finish(instance_id)
    outcomes, _ = run_schedule([sleeper], [])
    assert outcomes == ["Completed"]
    assert world.hub.starts == ["a", "b"]


def test_a_put_racing_with_another_run_of_the_singleton_starts_or_is_refused_with_the_holder() -> None:
    found = explored(World, lambda world: [world.put("a"), world.post("b")])
    kinds = {(type(outcomes[0]).__name__, len(world.hub.starts)) for world, outcomes in found}
    holders = {outcome.ticket.instance_id for _, (outcome, _) in found if isinstance(outcome, RunAlreadyLive)}
    assert kinds == {("str", 1), ("RunAlreadyLive", 1)}
    assert holders == {"b"}


def test_a_put_racing_with_a_run_that_ends_at_once_is_started_after_it_or_refused() -> None:
    found = explored(lambda: World(hasty=True), lambda world: [world.put("a"), world.post("b")])
    assert len(found) > 300
    assert {world.hub.starts.count("a") for world, outcomes in found if outcomes[0] == "starting"} == {1}
    assert {world.hub.starts.count("a") for world, outcomes in found if outcomes[0] != "starting"} == {0}


def test_an_instance_whose_record_was_purged_is_started_again() -> None:
    world = World()
    run_schedule([world.put("a")], [])
    world.hub.finish("a")
    del world.hub.instances["a"]
    outcomes, _ = run_schedule([world.put("a")], [])
    assert outcomes == ["starting"]
    assert world.hub.starts == ["a", "a"]


@pytest.mark.parametrize("status", [Status.Completed, Status.Failed, Status.Terminated, Status.Canceled])
def test_an_instance_that_has_ended_is_told_and_not_started(status: Status) -> None:
    world = World()
    run_schedule([world.put("a")], [])
    world.hub.finish("a", status)
    outcomes, _ = run_schedule([world.put("a")], [])
    assert outcomes == [status.name]
    assert world.hub.starts == ["a"]


def test_a_put_whose_twin_died_before_the_instance_existed_waits_for_the_grace_and_then_starts() -> None:
    world = World()
    dead = world.put("a")
    for _ in range(4):
        dead.send(None)
    dead.close()
    early, _ = run_schedule([world.put("a")], [])
    late, _ = run_schedule([world.put("a", now=NOW + GRACE)], [])
    assert (early, late, world.hub.starts) == (["starting"], ["starting"], ["a"])


def test_a_start_that_was_not_wanted_any_more_gives_the_singleton_back() -> None:
    world = World()
    sleeper = world.put("a")
    sleeper.send(None)
    run_schedule([world.post("a")], [])
    world.hub.finish("a")
    run_schedule([sleeper], [])
    outcomes, _ = run_schedule([world.post("b")], [])
    assert not isinstance(outcomes[0], Exception)
    assert world.hub.starts == ["a", "b"]
