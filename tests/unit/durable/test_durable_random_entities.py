"""Random interleavings of orchestrators and clients over a few entities: nothing lost, doubled or overtaken."""

from __future__ import annotations

import json
import random
from collections.abc import Generator, Sequence
from typing import Any

import azure.durable_functions as df
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devhost.durable.entities.batch import LoadedBatch, QueuedOperation, batch_request, conclude_batch
from devhost.durable.entities.entity import EntityId
from devhost.durable.entities.operations import Operation
from devhost.durable.instance import RuntimeStatus
from tests.helpers.durable_driver import START, Driver
from tests.helpers.sdk_entities import as_client_sends, log

# The SDK says this once about itself in every process.
pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

Step = tuple[str, Any]
KEYS = ["x", "y", "z"]

KEY = st.sampled_from(KEYS)
STEP = st.one_of(
    st.tuples(st.sampled_from(["call", "signal", "fire_and_forget"]), KEY),
    st.tuples(st.sampled_from(["all", "any"]), st.lists(KEY, min_size=1, max_size=3)),
    st.tuples(st.sampled_from(["activity", "any_with_activity"]), KEY),
)
PROGRAM = st.lists(STEP, min_size=1, max_size=5)


def orchestrator(name: str, program: list[Step]) -> Any:
    """Performs the program; every operation appends [name, number] to the log of a key, numbers ascending by key.

    Its output is how many operations it has sent to each key.
    """

    def run(context: df.DurableOrchestrationContext) -> Generator[Any, Any, dict[str, int]]:
        sent = dict.fromkeys(KEYS, 0)

        def entry(key: str) -> tuple[df.EntityId, str, list[Any]]:
            sent[key] += 1
            return df.EntityId("Log", key), "append", [name, sent[key] - 1]

        for kind, argument in program:
            if kind == "call":
                yield context.call_entity(*entry(argument))
            elif kind == "signal":
                context.signal_entity(*entry(argument))
                yield context.call_activity("A")
            elif kind == "fire_and_forget":
                context.signal_entity(*entry(argument))
            elif kind == "activity":
                yield context.call_activity("A")
            elif kind == "any_with_activity":
                yield context.task_any([context.call_activity("A"), context.call_entity(*entry(argument))])
            else:
                group = context.task_all if kind == "all" else context.task_any
                yield group([context.call_entity(*entry(key)) for key in argument])
        return sent

    return run


class World:
    """Lets orchestrators and entities take turns at random, and batches and deliveries be of random size."""

    def __init__(self, programs: Sequence[list[Step]], client_keys: list[str], seed: int) -> None:
        self.random = random.Random(seed)
        self.drivers = {
            f"o{number}": Driver(orchestrator(f"o{number}", program), instance_id=f"o{number}")
            for number, program in enumerate(programs)
        }
        self.pending: list[tuple[str, int]] = []
        self.queues: dict[str, list[Operation]] = {key: [] for key in KEYS}
        self.states: dict[str, str | None] = dict.fromkeys(KEYS)
        self.client_keys = client_keys
        self.client_sent = dict.fromkeys(KEYS, 0)
        self.entity = df.Entity.create(log)

    def run(self) -> None:
        while turns := self.possible_turns():
            turn, argument = self.random.choice(turns)
            turn(argument)

    def possible_turns(self) -> list[tuple[Any, Any]]:
        episodes = [(self.episode, name) for name, driver in self.drivers.items() if driver.inbox]
        batches = [(self.batch, key) for key in KEYS if self.queues[key]]
        activities = [(self.complete, one) for one in self.pending]
        client = [(self.signal, None)] if self.client_keys else []
        return [*episodes, *batches, *activities, *client]

    def episode(self, name: str) -> None:
        driver = self.drivers[name]
        if driver.results and driver.status.is_terminal:
            driver.inbox.clear()  # as the store does: what comes for an ended instance finds nobody
            return
        effects = driver.run_episode().effects
        self.pending += [(name, one.task_id) for one in effects.activities]
        for operation in effects.operations:
            self.queues[operation.entity_id.key].append(operation)

    def batch(self, key: str) -> None:
        count = self.random.randint(1, len(self.queues[key]))
        taken, self.queues[key] = self.queues[key][:count], self.queues[key][count:]
        queued = tuple(QueuedOperation(seq, one) for seq, one in enumerate(taken))
        loaded = LoadedBatch(EntityId("log", key), self.states[key], queued)
        result = conclude_batch(loaded, self.entity(batch_request(loaded)), START)
        self.states[key] = result.state_text
        for response in result.responses:
            self.drivers[response.caller.instance_id].deliver(response.event, response.caller.execution_id)

    def complete(self, activity: tuple[str, int]) -> None:
        self.pending.remove(activity)
        name, task_id = activity
        self.drivers[name].complete(task_id)

    def signal(self, _: None) -> None:
        key = self.client_keys.pop()
        entry = ["client", self.client_sent[key]]
        self.client_sent[key] += 1
        self.queues[key].append(Operation(EntityId("log", key), "append", as_client_sends(entry)))

    def entries(self, key: str) -> list[list[Any]]:
        state = self.states[key]
        return [] if state is None else json.loads(state)

    def sent(self) -> dict[str, dict[str, int]]:
        """How many operations each sender says to have sent to each key."""
        outputs = {name: json.loads(driver.last.output_text or "") for name, driver in self.drivers.items()}
        return {**outputs, "client": self.client_sent}


def check_programs(programs: list[list[Step]], client_keys: list[str], seed: int) -> None:
    world = World(programs, client_keys, seed)
    world.run()
    for driver in world.drivers.values():
        assert driver.status is RuntimeStatus.COMPLETED, driver.last.output_text
    for sender, counts in world.sent().items():
        arrived = {key: [number for one, number in world.entries(key) if one == sender] for key in KEYS}
        assert arrived == {key: list(range(count)) for key, count in counts.items()}
    assert sum(len(world.entries(key)) for key in KEYS) == sum(sum(counts.values()) for counts in world.sent().values())


ANY_WORLD = {
    "programs": st.lists(PROGRAM, min_size=1, max_size=4),
    "client_keys": st.lists(KEY, max_size=8),
    "seed": st.integers(0, 2**32),
}
SHORT = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@SHORT
@given(**ANY_WORLD)
def test_every_operation_arrives_once_and_in_the_order_of_its_sender(
    programs: list[list[Step]], client_keys: list[str], seed: int
) -> None:
    check_programs(programs, client_keys, seed)


@pytest.mark.long
@settings(SHORT, max_examples=3000)
@given(**ANY_WORLD)
def test_operations_arrive_once_and_in_order_in_thousands_of_interleavings(
    programs: list[list[Step]], client_keys: list[str], seed: int
) -> None:
    check_programs(programs, client_keys, seed)
