"""Messages of the queue `scrape-requests`: what they may say, and deliveries of one message that meet."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from storage.ledger.runs import RunRecord
from tests.helpers.interleaving import Pause, explore, run_schedule
from tests.helpers.ticket_stores import HubInstance, MemoryHub, MemoryTickets, Status
from triggers.runs.scrape_queue import BadMessage, RunNotComplete, read_scrape_request, serve

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
GRACE = timedelta(seconds=60)


@pytest.mark.parametrize("body", [b"{}", b"", b" \n", b'{"sources": null}', b'{"runId": null}'])
def test_a_message_that_asks_for_nothing_is_the_run_of_its_own_id(body: bytes) -> None:
    assert read_scrape_request(body, message_id="0f3c-17").run_id == "queue-0f3c-17"


def test_a_message_may_name_its_run_and_its_sources() -> None:
    request = read_scrape_request(b'{"runId": "nightly", "sources": ["books"]}', message_id="m")
    assert (request.run_id, request.body) == ("nightly", {"sources": ["books"]})


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"books", "it is not JSON in UTF-8"),
        (b"\xff\xfe{\x00}\x00", "it is not JSON in UTF-8"),
        (b'{"sources": [NaN]}', "it is not JSON in UTF-8"),
        (b"[" * 100_000, "it is not JSON in UTF-8: it is nested more than 50 levels deep"),
        (b'["books"]', "it must be a JSON object, not an array"),
        (b"null", "it must be a JSON object, not null"),
        (b'{"source": "books"}', "unknown field 'source'; known: sources, runId"),
        (b'{"Id": "7"}', "unknown field 'Id'; known: sources, runId"),
        (b'{"runId": 7}', "'runId' must be a text"),
        (b'{"runId": ""}', "'runId' cannot be '': it must begin with a letter or digit"),
        (b'{"runId": "a/b"}', "'runId' cannot be 'a/b': it must begin with a letter or digit"),
        (b'{"runId": "%s"}' % (b"a" * 101), "it has 101 characters; at most 100 are allowed"),
    ],
)
def test_a_message_of_which_no_run_can_be_made_is_bad_and_says_why(body: bytes, reason: str) -> None:
    with pytest.raises(BadMessage) as bad:
        read_scrape_request(body, message_id="m")
    assert reason in str(bad.value)


class MemoryRuns:
    """The records of runs, each of which is over in the moment of its start."""

    def __init__(self) -> None:
        self.records: dict[str, RunRecord] = {}

    async def find(self, run_id: str) -> RunRecord | None:
        await Pause()
        return self.records.get(run_id)

    async def of_epoch(self, epoch: int) -> RunRecord:
        await Pause()
        (found,) = [run for run in self.records.values() if run.epoch == epoch]
        return found


class World(MemoryHub):
    """A hub, its lock table and its records. A `hasty` run is over as soon as it is started."""

    def __init__(self, *, hasty: bool = True) -> None:
        super().__init__()
        self.hasty = hasty
        self.starts: list[str] = []
        self.runs = MemoryRuns()
        self.store: Any = SimpleNamespace(tickets=MemoryTickets(), runs=self.runs)

    async def start_new(
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: Any = None
    ) -> str:
        run_id = await super().start_new(orchestration_function_name, instance_id, client_input)
        self.starts.append(run_id)
        if self.hasty:
            self.end(run_id, "completed")
        return run_id

    def end(self, run_id: str, outcome: str) -> None:
        self.finish(run_id)
        epoch = self.instances[run_id].payload["epoch"]
        self.runs.records[run_id] = RunRecord(run_id, epoch, "", NOW, "queue", outcome=outcome, reason="why")

    async def deliver(self, run_id: str = "a") -> Any:
        """One delivery of the message: how its run ended, or `waits`."""
        try:
            return await serve(self, self.store, run_id, dict, grace=GRACE)
        except RunNotComplete:
            return "waits"

    def once(self, run_id: str = "a") -> Any:
        return run_schedule([self.deliver(run_id)], [])[0][0]


def explored(actors_of: Callable[[World], list[Coroutine[Any, Any, Any]]]) -> list[tuple[World, list[Any]]]:
    """Every interleaving: the world that it left, and what each actor returned."""
    worlds: list[World] = []
    found: list[tuple[World, list[Any]]] = []

    def actors() -> list[Coroutine[Any, Any, Any]]:
        worlds.append(World())
        return actors_of(worlds[-1])

    explore(actors, lambda outcomes: found.append((worlds[-1], outcomes)))
    return found


def test_two_deliveries_of_one_message_that_meet_make_one_run() -> None:
    found = explored(lambda world: [world.deliver("a"), world.deliver("a")])
    assert len(found) > 1000
    assert {tuple(world.starts) for world, _ in found} == {("a",)}
    assert {outcome for _, outcomes in found for outcome in outcomes} == {"waits", ("completed", "why")}


def test_two_messages_that_meet_make_at_most_one_run_each_and_both_are_served_in_the_end() -> None:
    found = explored(lambda world: [world.deliver("a"), world.deliver("b")])
    assert len(found) > 300
    assert {len(world.starts) for world, _ in found} == {1, 2}
    served = [[world.once("a"), world.once("b"), world.once("a"), world.once("b")][2:] for world, _ in found]
    assert {tuple(outcomes) for outcomes in served} == {(("completed", "why"), ("completed", "why"))}
    assert {tuple(sorted(world.starts)) for world, _ in found} == {("a", "b")}


def test_a_delivery_that_slept_while_its_run_and_another_came_and_went_starts_nothing() -> None:
    world = World()
    sleeper = world.deliver("a")
    for _ in range(3):
        sleeper.send(None)
    assert (world.once("a"), world.once("b")) == ("waits", "waits")
    outcomes, _ = run_schedule([sleeper], [])
    assert (outcomes, world.starts) == (["waits"], ["a", "b"])
    assert world.once("a") == ("completed", "why")


def test_a_run_whose_orchestration_was_purged_is_still_served_by_its_record() -> None:
    world = World()
    world.once()
    del world.instances["a"]
    assert (world.once(), world.starts) == (("completed", "why"), ["a"])


@pytest.mark.parametrize("outcome", ["failed", "refused", "stopped", "completed_with_failures"])
def test_whatever_became_of_the_run_is_the_outcome_of_its_message(outcome: str) -> None:
    world = World(hasty=False)
    world.once()
    world.end("a", outcome)
    assert (world.once(), world.starts) == ((outcome, "why"), ["a"])


def test_a_run_that_was_superseded_before_it_did_anything_is_started_again() -> None:
    world = World(hasty=False)
    world.once()
    world.end("a", "superseded")
    world.hasty = True
    assert [world.once("b"), world.once("a"), world.once("a")] == ["waits", "waits", ("completed", "why")]
    assert world.starts == ["a", "b", "a"]


@pytest.mark.parametrize("status", [Status.Failed, Status.Terminated])
def test_a_run_that_ended_before_its_first_step_is_told_with_what_the_hub_says(status: Status) -> None:
    world = World(hasty=False)
    world.once()
    world.instances["a"] = replace(world.instances["a"], runtime_status=status, output="not today")
    expected = (status.name.lower(), "its orchestration ended before its first step: not today")
    assert (world.once(), world.starts) == (expected, ["a"])


def test_a_live_run_is_waited_for() -> None:
    world = World(hasty=False)
    assert [world.once(), world.once(), world.starts] == ["waits", "waits", ["a"]]


def test_an_ended_instance_of_another_orchestrator_with_this_id_is_no_run() -> None:
    world = World()
    world.instances["a"] = HubInstance(Status.Completed, None, output="Welcome One", name="welcome")
    assert [world.once(), world.starts] == ["waits", ["a"]]
