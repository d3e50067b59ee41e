"""A publication by hand that meets runs and others of its kind between any two of their calls to storage and hub.

Whatever the order: it replaces only what it has looked at, a live run publishes, and nobody who is late undoes either.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from storage.data.dataset import Dataset
from tests.helpers.interleaving import explore_switches
from tests.helpers.memory_tables import MemoryTables
from tests.helpers.stoppable_runs import Actor, World, patch_surroundings, scraped_tables


@pytest.fixture(scope="module")
def scraped() -> MemoryTables:
    return scraped_tables()


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    patch_surroundings(monkeypatch)


def up_to(few: int, *, many: int) -> pytest.MarkDecorator:
    """How many interruptions are tried in the normal run, and how many in the long proof."""
    proof = pytest.param(many, marks=[pytest.mark.long, pytest.mark.timeout(3600)])
    return pytest.mark.parametrize("interruptions", [few, proof])


def two_published(world: World) -> None:
    """The runs `a` and `b`, of the epochs 1 and 2, have published and ended."""
    for run_id in ("a", "b"):
        world.now(world.start_and_run(run_id))


def third_claimed(world: World) -> None:
    """And run `c`, of epoch 3, has only to publish and to finish."""
    two_published(world)
    world.now(world.start("c"))
    world.now(world.claim("c", 3))


def epochs(dataset: Dataset) -> list[int]:
    """What was published, the newest first."""
    assert dataset.epoch == dataset.publications[0].epoch
    return [one.epoch for one in dataset.publications]


def check_hand(dataset: Dataset, answer: tuple[int, dict[str, Any]], wanted: int) -> str:
    """What came of a publication by hand of the epoch `wanted`; it is where its answer says, or nowhere."""
    status, document = answer
    by_hand = [place for place, one in enumerate(dataset.publications) if (one.by, one.epoch) == ("http", wanted)]
    if status == 200 and document["isChanged"]:
        (place,) = by_hand
        assert dataset.publications[place + 1].epoch == document["insteadOf"]["epoch"]
        return f"instead of {document['insteadOf']['epoch']}"
    assert by_hand == []
    return "unchanged" if status == 200 else f"{status}"


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
            if isinstance(one, Exception):
                raise one
        found[check(World.newest, outcomes)] += 1

    count = explore_switches(make_actors, look, at_most=interruptions)
    print(f"{count} orders: {dict(found)}")
    return found


@up_to(2, many=4)
def test_a_live_run_always_publishes_and_is_replaced_only_by_who_has_seen_that(
    scraped: MemoryTables, interruptions: int
) -> None:
    def actors(world: World) -> list[Actor]:
        return [world.publish_and_finish("c", 3), world.publish("a")]

    def check(world: World, outcomes: list[Any]) -> str:
        told = check_hand(world.dataset(), outcomes[1], 1)
        expected = {"instead of 3": [1, 3, 2, 1], "instead of 2": [3, 1, 2, 1], "409": [3, 2, 1]}
        assert epochs(world.dataset()) == expected[told]
        assert (world.record(3).outcome, world.record(3).results[0]["outcome"]) == ("completed", "published")
        return told

    found = explore(scraped, third_claimed, actors, check, interruptions)
    assert set(found) == {"instead of 3", "instead of 2", "409"}


@up_to(1, many=2)
def test_a_second_attempt_at_a_publication_never_undoes_a_return(scraped: MemoryTables, interruptions: int) -> None:
    def actors(world: World) -> list[Actor]:
        return [world.publish_and_finish("c", 3), world.publish_source("c", 3), world.publish("a")]

    def check(world: World, outcomes: list[Any]) -> str:
        told = check_hand(world.dataset(), outcomes[2], 1)
        expected = {"instead of 3": [1, 3, 2, 1], "instead of 2": [3, 1, 2, 1], "409": [3, 2, 1]}
        assert epochs(world.dataset()) == expected[told]
        return told

    found = explore(scraped, third_claimed, actors, check, interruptions)
    assert set(found) == {"instead of 3", "instead of 2", "409"}


@up_to(2, many=4)
def test_a_run_that_was_terminated_in_its_publication_never_undoes_a_return(
    scraped: MemoryTables, interruptions: int
) -> None:
    async def terminate_and_publish(world: World) -> tuple[int, dict[str, Any]]:
        await world.hub.terminate("c", "test")
        return await world.publish("a")

    def actors(world: World) -> list[Actor]:
        return [world.publish_source("c", 3), terminate_and_publish(world)]

    def check(world: World, outcomes: list[Any]) -> str:
        told = check_hand(world.dataset(), outcomes[1], 1)
        expected = {"instead of 3": [1, 3, 2, 1], "instead of 2": [1, 2, 1], "409": [3, 2, 1]}
        assert epochs(world.dataset()) == expected[told]
        return told

    found = explore(scraped, third_claimed, actors, check, interruptions)
    assert set(found) == {"instead of 3", "instead of 2", "409"}


@up_to(1, many=3)
def test_a_run_that_starts_meanwhile_is_not_kept_from_publishing(scraped: MemoryTables, interruptions: int) -> None:
    def actors(world: World) -> list[Actor]:
        return [world.start_and_run("c"), world.publish("a")]

    def check(world: World, outcomes: list[Any]) -> str:
        told = check_hand(world.dataset(), outcomes[1], 1)
        expected = {"instead of 3": [1, 3, 2, 1], "instead of 2": [3, 1, 2, 1], "409": [3, 2, 1]}
        assert epochs(world.dataset()) == expected[told]
        assert (world.record(3).outcome, world.record(3).results[0]["outcome"]) == ("completed", "published")
        return told

    found = explore(scraped, two_published, actors, check, interruptions)
    assert set(found) == {"instead of 3", "instead of 2", "409"}


@up_to(2, many=4)
def test_of_two_publications_by_hand_the_later_one_has_seen_the_other_or_is_refused(
    scraped: MemoryTables, interruptions: int
) -> None:
    def prepare(world: World) -> None:
        two_published(world)
        world.now(world.start_and_run("c"))

    def actors(world: World) -> list[Actor]:
        return [world.publish("a"), world.publish("b")]

    def check(world: World, outcomes: list[Any]) -> str:
        told = [check_hand(world.dataset(), answer, wanted) for answer, wanted in zip(outcomes, (1, 2), strict=True)]
        assert "instead of 3" in told
        return ", ".join(told)

    found = explore(scraped, prepare, actors, check, interruptions)
    assert set(found) == {
        "instead of 3, 409",
        "409, instead of 3",
        "instead of 3, instead of 1",
        "instead of 2, instead of 3",
    }


@up_to(2, many=4)
def test_the_same_publication_by_hand_twice_at_once_is_one(scraped: MemoryTables, interruptions: int) -> None:
    def actors(world: World) -> list[Actor]:
        return [world.publish("a"), world.publish("a")]

    def check(world: World, outcomes: list[Any]) -> tuple[int, ...]:
        assert epochs(world.dataset()) == [1, 2, 1]
        return tuple(status for status, _ in outcomes)

    assert set(explore(scraped, two_published, actors, check, interruptions)) == {(200, 200)}
