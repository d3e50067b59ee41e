"""What still runs of a run that was stopped, and what carries its ID later: one step at a time."""

from dataclasses import replace
from typing import Any

import pytest

from activities import datasets
from activities.fence import standing_by_ticket
from activities.runs import finish_run
from storage.ledger.locks import give_back, mark_started
from storage.ticket import StopMode, Ticket, TicketState
from tests.helpers.interleaving import run_schedule
from tests.helpers.stoppable_runs import World, patch_surroundings, scraped_tables
from tests.helpers.ticket_stores import Status
from triggers.runs.live_runs import live_run
from triggers.runs.stop import RunHasEnded, RunNotFound, StopResult

LATER = "2026-11-21T07:00:00+00:00"  # the claim of a later execution


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    scraped = scraped_tables()
    patch_surroundings(monkeypatch)
    return World(scraped)


def stopped_after_its_claim(world: World) -> None:
    world.now(world.start("a"))
    world.now(world.claim("a", 1))
    assert isinstance(world.now(world.stop("a")), StopResult)


def stopped_before_its_claim(world: World) -> None:
    world.now(world.start("a"))
    assert isinstance(world.now(world.stop("a")), StopResult)


def code_of(world: World, run_id: str, epoch: int | None, execution: str) -> Any:
    return world.now(world.claim(run_id, epoch, execution=execution))["code"]


@pytest.mark.parametrize("stopped", [stopped_before_its_claim, stopped_after_its_claim])
def test_a_claim_that_comes_after_the_stop_gets_no_other_epoch(world: World, stopped: Any) -> None:
    stopped(world)
    assert code_of(world, "a", 1, "2026-11-21T06:00:00+00:00") == "stopped"
    assert (world.ticket().state, world.ticket().epoch) == (TicketState.FREE, 1)


@pytest.mark.parametrize("epoch", [1, None])
def test_a_later_execution_of_the_same_id_may_take_the_singleton_afresh(world: World, epoch: int | None) -> None:
    stopped_after_its_claim(world)
    world.now(world.hub.start_new("daily_scrape", "a"))
    assert code_of(world, "a", epoch, LATER) == "claimed"
    assert (world.ticket().epoch, world.ticket().stop) == (2, StopMode.NONE)


def test_a_new_execution_without_epoch_may_run_after_a_stop_that_came_before_the_first_step(world: World) -> None:
    stopped_before_its_claim(world)
    world.now(world.hub.start_new("daily_scrape", "a"))
    assert code_of(world, "a", None, LATER) == "claimed"


def test_a_run_that_was_stopped_and_then_overtaken_before_its_first_step_was_stopped(world: World) -> None:
    stopped_before_its_claim(world)
    world.now(world.start_and_run("b"))
    assert code_of(world, "a", 1, LATER) == "stopped"
    assert world.record(1).outcome == "stopped"


def test_a_last_step_that_comes_after_the_stop_gives_the_outcome_that_stands(world: World) -> None:
    stopped_after_its_claim(world)
    summary = {"source": "books", "outcome": "published", "reason": "", "pages": 1, "failed": 0}
    ended = world.now(finish_run({"run_id": "a", "epoch": 1, "reason": "", "sources": [summary]}))
    assert ended["outcome"] == world.record(1).outcome == "stopped"


def test_a_restart_under_the_same_id_follows_the_run_that_came_and_went_while_it_claimed(world: World) -> None:
    """It brings the epoch of the run that it repeats, which has used it."""
    world.now(world.start_and_run("a"))
    world.now(world.hub.start_new("daily_scrape", "a"))
    world.hub.instances["a"].end()
    actors = [world.start_and_run("b"), world.claim("a", 1, execution=LATER)]
    (_, claimed), _ = run_schedule(actors, [1, 1])  # it has read its own ticket when the other one begins
    assert (claimed["code"], claimed["epoch"]) == ("claimed", 3)
    assert (world.ticket().instance_id, world.ticket().epoch) == ("a", 3)


@pytest.mark.parametrize(("settle", "state"), [(mark_started, TicketState.STARTED), (give_back, TicketState.FREE)])
def test_a_starter_that_loses_its_write_to_a_drain_makes_it_again_and_keeps_the_drain(
    world: World, settle: Any, state: TicketState
) -> None:
    starter = world.start("a")
    for _ in range(3):
        starter.send(None)
    taken = world.ticket()
    assert taken.state is TicketState.STARTING
    assert isinstance(world.now(world.stop("a", StopMode.DRAIN)), StopResult)
    world.now(settle(world.store.tickets, taken))
    starter.close()
    assert (world.ticket().state, world.ticket().stop) == (state, StopMode.DRAIN)


def test_a_starter_that_loses_its_write_to_a_stop_now_leaves_the_ticket_free(world: World) -> None:
    starter = world.start("a")
    for _ in range(3):
        starter.send(None)
    taken = world.ticket()
    world.now(world.stop("a"))
    world.now(mark_started(world.store.tickets, taken))
    starter.close()
    assert (world.ticket().state, world.ticket().stop) == (TicketState.FREE, StopMode.NOW)


def test_a_new_run_knows_nothing_of_the_drain_of_the_one_before(world: World) -> None:
    world.now(world.start("a"))
    world.now(world.stop("a", StopMode.DRAIN))
    world.hub.instances["a"].end()
    assert isinstance(world.now(world.start("b")), Ticket)
    assert (world.ticket().stop, world.ticket().stopped_by) == (StopMode.NONE, "")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "goes_on"),
        ({"stop": StopMode.DRAIN}, "draining"),
        ({"stop": StopMode.NOW, "state": TicketState.FREE}, "stopped"),
        ({"state": TicketState.FREE}, "superseded"),
        ({"epoch": 2}, "superseded"),
        ({"instance_id": "b"}, "superseded"),
    ],
)
def test_the_ticket_says_what_a_run_may_still_do(changes: dict[str, Any], code: str) -> None:
    facts = {"instance_id": "a", "state": TicketState.STARTED, "epoch": 1, **changes}
    ticket = Ticket(key="daily_scrape", acquired_at=None, acquired_by="", claim="c", **facts)  # type: ignore[arg-type]
    assert standing_by_ticket(ticket, {"run_id": "a", "epoch": 1}).code == code


def test_a_drain_after_now_says_that_the_run_was_stopped(world: World) -> None:
    stopped_after_its_claim(world)
    refusal = world.now(world.stop("a", StopMode.DRAIN))
    assert isinstance(refusal, RunHasEnded)
    assert refusal.outcome == "stopped"


def test_a_drain_that_is_asked_for_twice_is_answered_twice(world: World) -> None:
    world.now(world.start("a"))
    answers = [world.now(world.stop("a", StopMode.DRAIN)) for _ in range(2)]
    assert answers == [StopResult("a", 1, StopMode.DRAIN)] * 2


def test_now_may_follow_a_drain(world: World) -> None:
    world.now(world.start("a"))
    world.now(world.stop("a", StopMode.DRAIN))
    assert world.now(world.stop("a")) == StopResult("a", 1, StopMode.NOW)
    assert world.record(1).outcome == "stopped"


def test_a_run_that_broke_and_was_followed_by_another_one_has_ended_for_whoever_stops_it(world: World) -> None:
    world.now(world.start("a"))
    world.now(world.claim("a", 1))
    world.hub.finish("a", Status.Failed)
    world.now(world.start_and_run("b"))
    world.now(world.hub.start_new("daily_scrape", "b"))  # another one: the hub's word is not needed any more
    refusal = world.now(world.stop("a"))
    assert isinstance(refusal, RunHasEnded)
    assert (refusal.outcome, world.record(1).outcome) == ("failed", "failed")


def suspended_in_its_last_step(world: World) -> None:
    """Its record is written, and its orchestration will never hear of it."""
    world.now(world.start_and_run("a"))
    world.hub.finish("a", Status.Suspended)


def suspended_when_its_stop_was_cut_off(world: World) -> None:
    """Another run has come since."""
    world.now(world.start("a"))
    world.now(world.claim("a", 1))
    world.hub.finish("a", Status.Suspended)
    freed = replace(world.ticket(), state=TicketState.FREE, stop=StopMode.NOW, stopped_by="test")
    world.now(world.store.tickets.replace(freed))
    world.now(world.start_and_run("b"))


@pytest.mark.parametrize(
    ("suspended", "outcome"),
    [(suspended_in_its_last_step, "completed"), (suspended_when_its_stop_was_cut_off, "superseded")],
)
def test_a_stop_now_ends_the_orchestration_of_a_run_that_has_ended(world: World, suspended: Any, outcome: str) -> None:
    suspended(world)
    refusal = world.now(world.stop("a"))
    assert isinstance(refusal, RunHasEnded)
    assert refusal.outcome == outcome
    assert world.hub.instances["a"].runtime_status is Status.Terminated
    assert isinstance(world.now(world.start("c")), Ticket)


def test_a_run_that_was_suspended_in_its_last_step_is_looked_after_by_the_watchdog(world: World) -> None:
    suspended_in_its_last_step(world)
    live = world.now(live_run(world.hub, world.store))
    assert (live.run.run_id, live.runtime_status) == ("a", Status.Suspended)


def test_a_drain_leaves_the_orchestration_of_a_run_that_has_ended_alone(world: World) -> None:
    suspended_in_its_last_step(world)
    assert isinstance(world.now(world.stop("a", StopMode.DRAIN)), RunHasEnded)
    assert world.hub.instances["a"].runtime_status is Status.Suspended


def test_a_stop_ends_no_instance_of_another_orchestrator_that_has_got_the_id(world: World) -> None:
    world.now(world.start_and_run("a"))
    world.now(world.hub.start_new("welcome", "a"))
    assert isinstance(world.now(world.stop("a")), RunHasEnded)
    assert world.hub.running() == ["a"]


def test_a_terminated_run_whose_id_another_orchestrator_has_got_cannot_publish(world: World) -> None:
    world.now(world.start("a"))
    world.now(world.claim("a", 1))
    world.hub.finish("a", Status.Terminated)
    world.now(world.hub.start_new("welcome", "a"))
    summary = world.now(datasets.publish_source({"run_id": "a", "epoch": 1, "source": "books"}, world.hub))
    assert summary["outcome"] == "superseded"
    assert world.published == []


def test_a_start_that_failed_and_was_given_back_is_no_run(world: World) -> None:
    starter = world.start("a")
    for _ in range(3):
        starter.send(None)
    taken = world.ticket()
    starter.close()
    world.now(give_back(world.store.tickets, taken))
    assert isinstance(world.now(world.stop("a")), RunNotFound)
