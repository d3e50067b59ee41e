"""Random orchestrations: the host's ids must be the SDK's, in every episode, whatever the order of results."""

from __future__ import annotations

import random
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devhost.durable.entities.operations import Caller
from devhost.durable.instance import RuntimeStatus
from devhost.durable.protocol import child_completed, child_failed
from tests.helpers.durable_driver import Driver

# The SDK says this once about itself in every process.
pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

Step = tuple[str, Any]

WORK = st.one_of(
    st.tuples(st.sampled_from(["activity", "child", "entity"]), st.none()),
    st.tuples(st.sampled_from(["retry", "child_retry"]), st.integers(1, 3)),
    st.tuples(st.just("timer"), st.integers(-5, 50)),
)
EVENT = st.tuples(st.just("event"), st.sampled_from(["x", "y"]))


def steps(single: st.SearchStrategy[Step]) -> st.SearchStrategy[list[Step]]:
    """Programs: single steps, signals to an entity, groups, task_any in task_any, and waits with a cancelled timer.

    No task_all inside another group: the SDK raises when one of its members fails and another one ends later.
    """
    group = st.tuples(st.sampled_from(["all", "any"]), st.lists(single, min_size=1, max_size=4))
    some = st.tuples(st.just("any"), st.lists(single, min_size=1, max_size=3))
    nested = st.tuples(st.just("any"), st.lists(st.one_of(single, some), min_size=1, max_size=3))
    deadline = st.tuples(st.just("deadline"), single)
    signal = st.tuples(st.just("signal"), st.none())
    return st.lists(st.one_of(single, group, nested, deadline, signal), min_size=1, max_size=6)


def orchestrator(program: list[Step]) -> Any:
    """A generator function that performs the program and goes on after failures."""

    def run(context: df.DurableOrchestrationContext) -> Generator[Any, Any, str]:
        for kind, argument in program:
            try:
                if kind == "deadline":
                    timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=20))
                    yield context.task_any([task(context, argument), timer])
                    if not timer.is_completed:
                        timer.cancel()
                elif kind == "signal":
                    context.signal_entity(df.EntityId("counter", "k"), "add", 1)
                else:
                    yield task(context, (kind, argument))
            except Exception as error:
                if "boom" not in str(error):
                    raise
        return "done"

    return run


def task(context: df.DurableOrchestrationContext, step: Step) -> Any:
    kind, argument = step
    if kind in ("all", "any"):
        group = context.task_all if kind == "all" else context.task_any
        return group([task(context, child) for child in argument])
    if kind == "timer":
        return context.create_timer(context.current_utc_datetime + timedelta(seconds=argument))
    if kind == "event":
        return context.wait_for_external_event(argument)
    if kind == "entity":
        return context.call_entity(df.EntityId("counter", "k"), "get")
    return work(context, kind, argument)


def work(context: df.DurableOrchestrationContext, kind: str, attempts: int | None) -> Any:
    name, is_child = ("child", True) if kind.startswith("child") else ("A", False)
    if attempts is None:
        return context.call_sub_orchestrator(name) if is_child else context.call_activity(name)
    options = df.RetryOptions(5000, attempts)
    call = context.call_sub_orchestrator_with_retry if is_child else context.call_activity_with_retry
    return call(name, options)


class World:
    """Answers what the orchestration asks for, in random order and random portions."""

    def __init__(self, driver: Driver, seed: int) -> None:
        self.driver, self.random = driver, random.Random(seed)
        self.pending: list[tuple[str, int]] = []
        self.started: list[int] = []
        self.callers: dict[int, Caller] = {}

    def collect(self) -> None:
        effects = self.driver.last.effects
        self.pending += [("activity", one.task_id) for one in effects.activities]
        self.pending += [("child", child.parent["TaskScheduleId"]) for child in effects.children if child.parent]
        self.pending += [("timer", task_id) for task_id, _ in effects.timers]
        self.callers |= {one.caller.task_id: one.caller for one in effects.operations if one.caller}
        self.pending += [("entity", one.caller.task_id) for one in effects.operations if one.caller]
        self.pending = [one for one in self.pending if one not in [("timer", t) for t in effects.dropped_timers]]

    def answer_some(self) -> None:
        self.random.shuffle(self.pending)
        count = self.random.randint(1, len(self.pending))
        for kind, task_id in self.pending[:count]:
            self.started.append(task_id)
            self.answer(kind, task_id, is_failure=self.random.random() < 0.4)
        del self.pending[:count]

    def answer(self, kind: str, task_id: int, *, is_failure: bool) -> None:
        now = self.driver.now
        if kind == "timer":
            self.driver.fire(task_id, 60)
        elif kind == "entity":
            self.driver.respond(self.callers[task_id], 1, is_failure=is_failure)
        elif kind == "activity" and is_failure:
            self.driver.fail_task(task_id)
        elif kind == "activity":
            self.driver.complete(task_id, task_id)
        elif is_failure:
            self.driver.deliver(child_failed(now, task_id, "boom", "boom"))
        else:
            self.driver.deliver(child_completed(now, task_id, '"ok"'))

    def run(self, *, with_events: bool) -> None:
        for _ in range(400):
            if self.driver.inbox:
                self.driver.run_episode()
                self.collect()
                if self.driver.status.is_terminal:
                    return
            if self.pending and (not self.driver.inbox or self.random.random() < 0.5):
                self.answer_some()
            if with_events and (self.random.random() < 0.3 or not (self.pending or self.driver.inbox)):
                self.driver.raise_event(self.random.choice(["x", "y"]), 1)
        raise AssertionError(f"still {self.driver.status}; pending {self.pending}")


ANY_PROGRAM = {"program": steps(WORK), "seed": st.integers(0, 2**32)}
ANY_PROGRAM_WITH_EVENTS = {"program": steps(st.one_of(WORK, EVENT)), "seed": st.integers(0, 2**32)}
SHORT = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LONG = settings(SHORT, max_examples=3000)
EARLY_EVENTS = pytest.mark.filterwarnings("ignore:Potential duplicate Task completion for TaskId. [xy]$")


def check_program(program: list[Step], seed: int, *, with_events: bool) -> None:
    """Driver compares the ids in every episode; here the end counts, and that nothing was started twice."""
    world = World(Driver(orchestrator(program)), seed)
    world.run(with_events=with_events)
    assert world.driver.status is RuntimeStatus.COMPLETED, world.driver.last.output_text
    assert len(world.started) == len(set(world.started))


@pytest.mark.row("durable/4.3/batch-rule")
@SHORT
@given(**ANY_PROGRAM)
def test_ids_agree_in_every_episode_and_the_orchestration_completes(program: list[Step], seed: int) -> None:
    check_program(program, seed, with_events=False)


@EARLY_EVENTS
@SHORT
@given(**ANY_PROGRAM_WITH_EVENTS)
def test_ids_agree_too_when_events_come_early_late_or_never(program: list[Step], seed: int) -> None:
    check_program(program, seed, with_events=True)


@pytest.mark.long
@LONG
@given(**ANY_PROGRAM)
def test_ids_agree_in_thousands_of_orchestrations(program: list[Step], seed: int) -> None:
    check_program(program, seed, with_events=False)


@pytest.mark.long
@EARLY_EVENTS
@LONG
@given(**ANY_PROGRAM_WITH_EVENTS)
def test_ids_agree_in_thousands_of_orchestrations_with_events(program: list[Step], seed: int) -> None:
    check_program(program, seed, with_events=True)
