"""A start that is due, and somebody who cancels it or repeats it, in every order of their calls."""

from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

from starts.singleton import RunAlreadyLive, Start, start_singleton
from storage.ticket import Ticket, TicketState
from tests.helpers.interleaving import Pause, explore
from tests.helpers.ticket_stores import MemoryHub, MemoryTickets

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
GRACE = timedelta(seconds=60)
KEY = "daily_scrape"


class World:
    """A hub, a lock table, and the words that cancel starts."""

    def __init__(self) -> None:
        self.hub = MemoryHub()
        self.tickets = MemoryTickets()
        self.cancelled: set[str] = set()

    async def is_cancelled(self) -> bool:
        await Pause()
        return "c" in self.cancelled

    async def is_over(self) -> bool:
        """Cancelled, or begun by an earlier attempt."""
        return await self.is_cancelled() or await self.hub.get_status("later") is not None

    def due_start(self) -> Coroutine[Any, Any, Ticket]:
        """As activities.starting does it."""
        start = Start(KEY, "later", {}, "startAt", unless=self.is_over, claim="c")
        return start_singleton(self.hub, self.tickets, start, grace=GRACE, now=NOW)

    async def cancel(self) -> bool:
        """As a stop does it: first the word, then the look; True if there is a run to be stopped."""
        await Pause()
        self.cancelled.add("c")
        ticket = await self.tickets.read(KEY)
        return ticket is not None and ticket.state is not TicketState.FREE


def explored(*actors: str) -> tuple[int, list[tuple[World, list[Any]]]]:
    """Every order of these actors' calls, and what each of them came to."""
    worlds: list[World] = []
    ends: list[tuple[World, list[Any]]] = []

    def begin() -> list[Coroutine[Any, Any, Any]]:
        worlds.append(World())
        return [getattr(worlds[-1], actor)() for actor in actors]

    count = explore(begin, lambda outcomes: ends.append((worlds[-1], outcomes)))
    return count, ends


def test_a_start_that_is_cancelled_does_not_happen_or_is_seen_by_who_cancels_it() -> None:
    count, ends = explored("due_start", "cancel")
    assert count > 20
    unseen = [world.hub.running() for world, (_, is_seen) in ends if not is_seen]
    assert unseen
    assert not any(unseen)


def test_a_cancelled_start_leaves_the_singleton_free_or_lives() -> None:
    _, ends = explored("due_start", "cancel")
    states = {(bool(world.hub.running()), world.tickets.tickets[KEY].state) for world, _ in ends}
    assert states == {(False, TicketState.FREE), (True, TicketState.STARTED)}


def test_attempts_of_one_start_that_overlap_make_one_run_under_one_ticket() -> None:
    count, ends = explored("due_start", "due_start")
    assert count > 20
    assert {(tuple(world.hub.running()), world.tickets.tickets[KEY].epoch) for world, _ in ends} == {(("later",), 1)}


def test_an_attempt_that_meets_the_instance_of_another_one_of_the_same_start_leaves_it_the_singleton() -> None:
    _, ends = explored("due_start", "due_start")
    assert {world.tickets.tickets[KEY].state for world, _ in ends} == {TicketState.STARTED}


def test_an_attempt_that_meets_another_one_of_the_same_start_sees_its_own_claim() -> None:
    _, ends = explored("due_start", "due_start")
    refusals = [one for _, outcomes in ends for one in outcomes if isinstance(one, RunAlreadyLive)]
    assert refusals
    assert {refusal.ticket.claim for refusal in refusals if refusal.ticket is not None} == {"c"}
