"""Stops that meet a run, a start or another stop between any two of their calls to storage and hub.

Whatever the order: once a stop `now` has been answered, nothing of the run becomes visible, and a new one can start.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from starts.singleton import RunAlreadyLive
from storage.ticket import StopMode, Ticket, TicketState
from tests.helpers.interleaving import explore_switches
from tests.helpers.memory_tables import MemoryTables
from tests.helpers.stoppable_runs import Actor, World, patch_surroundings, scraped_tables
from tests.helpers.ticket_stores import HubRefusal
from triggers.runs.stop import RunHasEnded, RunNotFound, StopResult

REFUSALS = (RunHasEnded, RunNotFound, RunAlreadyLive, HubRefusal)


@pytest.fixture(scope="module")
def scraped() -> MemoryTables:
    return scraped_tables()


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    patch_surroundings(monkeypatch)


def explore(
    scraped: MemoryTables,
    prepare: Callable[[World], Any],
    actors: Callable[[World], list[Actor]],
    check: Callable[[World, list[Any]], Any],
    interruptions: int,
) -> Counter[Any]:
    """How often `check` returned what, over all orders of the actors in a world that was prepared."""

    def make_actors() -> list[Actor]:
        world = World(scraped)
        prepare(world)
        return actors(world)

    found: Counter[Any] = Counter()

    def look(outcomes: list[Any]) -> None:
        for one in outcomes:
            if isinstance(one, Exception) and not isinstance(one, REFUSALS):
                raise one
        world = World.newest
        assert world.published_after_the_answer == []
        assert world.published == sorted(world.published)
        found[check(world, outcomes)] += 1

    count = explore_switches(make_actors, look, at_most=interruptions)
    print(f"{count} orders: {dict(found)}")
    return found


def started(world: World) -> None:
    """Run `a` has been started, and has not taken its first step."""
    world.now(world.start("a"))


def claimed(world: World) -> None:
    """Run `a` has only to publish and to finish."""
    world.now(world.start("a"))
    world.now(world.claim("a", 1))


def nothing(_world: World) -> None:
    """Nobody has started anything."""


def told(result: Any) -> str:
    """How a stop was answered, in a word."""
    return result.mode.value if isinstance(result, StopResult) else getattr(result, "outcome", "unknown")


def check_that_b_took_over(world: World, outcomes: list[Any]) -> str:
    """Run `a` is stopped, unless it had ended before; run `b` has published and nobody after it."""
    stopped, new = outcomes[-1]
    assert world.record(1).outcome == ("stopped" if isinstance(stopped, StopResult) else stopped.outcome)
    assert isinstance(new, Ticket)
    assert world.record(2).outcome == "completed"
    assert (world.dataset().run_id, world.dataset().epoch, world.published[-1]) == ("b", 2, 2)
    return told(stopped)


def up_to(few: int, *, many: int) -> pytest.MarkDecorator:
    """How many interruptions are tried in the normal run, and how many in the long proof."""
    proof = pytest.param(many, marks=[pytest.mark.long, pytest.mark.timeout(3600)])
    return pytest.mark.parametrize("interruptions", [few, proof])


from_here_on = pytest.mark.parametrize("prepare", [started, claimed])


def rest_of_a(world: World, prepare: Callable[[World], Any]) -> Actor:
    """What is left for run `a` to do."""
    return world.run("a") if prepare is started else world.publish_and_finish("a", 1)


@up_to(2, many=3)
def test_no_order_of_a_run_and_its_stop_lets_it_publish_afterwards_or_keeps_the_next_one_out(
    scraped: MemoryTables, interruptions: int
) -> None:
    def actors(world: World) -> list[Actor]:
        return [world.run("a"), world.stop_and_start("a", "b")]

    found = explore(scraped, started, actors, check_that_b_took_over, interruptions)
    assert found["now"] > 100
    assert found["completed"] > 0


@up_to(1, many=3)
def test_no_order_of_a_publication_and_a_stop_shows_it_after_the_answer(
    scraped: MemoryTables, interruptions: int
) -> None:
    def actors(world: World) -> list[Actor]:
        return [world.publish_and_finish("a", 1), world.stop_and_start("a", "b")]

    found = explore(scraped, claimed, actors, check_that_b_took_over, interruptions)
    assert found["now"] > 10
    assert found["completed"] > 0


@up_to(2, many=3)
def test_a_stop_that_meets_a_start_before_its_instance_exists_is_not_forgotten(
    scraped: MemoryTables, interruptions: int
) -> None:
    def actors(world: World) -> list[Actor]:
        return [world.start_and_run("a"), world.stop_and_start("a", "b")]

    def check(world: World, outcomes: list[Any]) -> str:
        if isinstance(outcomes[1][0], StopResult):
            return check_that_b_took_over(world, outcomes)
        return told(outcomes[1][0])

    assert explore(scraped, nothing, actors, check, interruptions)["now"] > 100


@from_here_on
@up_to(2, many=4)
def test_a_drain_is_never_forgotten_whatever_it_meets(
    scraped: MemoryTables, prepare: Callable[[World], Any], interruptions: int
) -> None:
    def actors(world: World) -> list[Actor]:
        return [rest_of_a(world, prepare), world.stop("a", StopMode.DRAIN)]

    def check(world: World, outcomes: list[Any]) -> str:
        assert world.record(1).outcome == "completed"  # all its batches are there
        if isinstance(outcomes[1], StopResult):
            assert (world.ticket().state, world.ticket().stop) == (TicketState.STARTED, StopMode.DRAIN)
        return told(outcomes[1])

    assert explore(scraped, prepare, actors, check, interruptions).keys() == {"drain", "completed"}


@up_to(2, many=4)
def test_a_drain_that_meets_a_start_outlives_its_last_write(scraped: MemoryTables, interruptions: int) -> None:
    def actors(world: World) -> list[Actor]:
        return [world.start_and_run("a"), world.stop("a", StopMode.DRAIN)]

    def check(world: World, outcomes: list[Any]) -> str:
        if isinstance(outcomes[1], StopResult):
            assert (world.ticket().state, world.ticket().stop) == (TicketState.STARTED, StopMode.DRAIN)
        return told(outcomes[1])

    assert explore(scraped, nothing, actors, check, interruptions)["drain"] > 10


@pytest.mark.parametrize("other", [StopMode.NOW, StopMode.DRAIN])
@up_to(1, many=2)
def test_of_two_stops_at_once_now_is_the_one_that_counts(
    scraped: MemoryTables, other: StopMode, interruptions: int
) -> None:
    def actors(world: World) -> list[Actor]:
        return [world.publish_and_finish("a", 1), world.stop("a"), world.stop("a", other)]

    def check(world: World, outcomes: list[Any]) -> tuple[str, ...]:
        _, first, second = outcomes
        if isinstance(first, StopResult):
            assert world.record(1).outcome == "stopped"
            assert (world.ticket().state, world.ticket().stop) == (TicketState.FREE, StopMode.NOW)
            assert isinstance(world.now(world.start("b")), Ticket)
        return told(first), told(second)

    found = explore(scraped, claimed, actors, check, interruptions)
    assert found["now", "now"] > 0  # the other helped, or came first and was outdone
    assert found["now", "stopped"] > 0


@up_to(1, many=3)
def test_a_run_can_be_started_again_with_its_own_id(scraped: MemoryTables, interruptions: int) -> None:
    def actors(world: World) -> list[Actor]:
        return [world.run("a"), world.stop_and_start("a", "a")]

    def check(world: World, outcomes: list[Any]) -> str:
        stopped, new = outcomes[1]
        if isinstance(stopped, StopResult):
            assert isinstance(new, Ticket)
            assert (world.record(1).outcome, world.record(2).outcome) == ("stopped", "completed")
            assert (world.dataset().run_id, world.dataset().epoch) == ("a", 2)
        return told(stopped)

    assert explore(scraped, started, actors, check, interruptions)["now"] > 10


@up_to(1, many=2)
def test_a_start_with_the_same_id_that_came_too_early_keeps_nobody_out_later(
    scraped: MemoryTables, interruptions: int
) -> None:
    def actors(world: World) -> list[Actor]:
        return [world.publish_and_finish("a", 1), world.stop("a"), world.start_and_run("a")]

    def check(world: World, outcomes: list[Any]) -> tuple[str, str]:
        stopped = outcomes[1]  # the first run with this ID, or the second
        if isinstance(stopped, StopResult):
            assert world.record(stopped.epoch).outcome == "stopped"
        assert not world.hub.running()
        assert isinstance(world.now(world.start("c")), Ticket)
        return told(stopped), type(outcomes[2]).__name__

    assert explore(scraped, claimed, actors, check, interruptions)["now", "RunAlreadyLive"] > 10


@up_to(1, many=3)
def test_a_run_that_came_without_a_ticket_never_takes_one_after_its_stop(
    scraped: MemoryTables, interruptions: int
) -> None:
    def past_our_routes(world: World) -> None:
        world.now(world.hub.start_new("daily_scrape", "a"))

    def actors(world: World) -> list[Actor]:
        return [world.run("a"), world.stop_and_start("a", "b")]

    def check(world: World, outcomes: list[Any]) -> str:
        if isinstance(outcomes[1][0], StopResult):
            return check_that_b_took_over(world, outcomes)
        return told(outcomes[1][0])

    assert explore(scraped, past_our_routes, actors, check, interruptions)["now"] > 10


@from_here_on
def test_a_stop_that_was_cut_off_anywhere_can_be_asked_for_again(
    scraped: MemoryTables, prepare: Callable[[World], Any]
) -> None:
    answers = Counter[str]()
    for steps in range(1, 40):
        world = World(scraped)
        prepare(world)
        cut_off = world.stop("a")
        try:
            for _ in range(steps):
                cut_off.send(None)
        except StopIteration:
            break
        cut_off.close()
        answers[told(world.now(world.stop("a")))] += 1
        assert (world.record(1).outcome, world.ticket().state) == ("stopped", TicketState.FREE)
        assert world.hub.running() == []
        assert isinstance(world.now(world.start_and_run("b")), Ticket)
        assert world.dataset().run_id == "b"
    assert answers.keys() == {"now", "stopped"}
