"""Random orchestrations whose result does not depend on the order of completions: programs as JSON.

A program is a list of steps. `perform` runs one; whatever order, batching or crash the host meets, its output and
the outputs of all its sub-orchestrations are the same, and so are the totals of the entities.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
from hypothesis import strategies as st

Step = list[Any]
Program = list[Step]

ACCOUNTS = ("a", "b")
_NAMES = st.sampled_from(ACCOUNTS)
_DELAYS = st.integers(0, 40)  # virtual seconds; equal ones end in one episode

_WORK: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("activity"), st.integers(0, 99), _DELAYS).map(list),
    st.tuples(st.just("failing"), _DELAYS).map(list),
    st.tuples(st.just("retry"), st.integers(0, 3), st.integers(1, 3), _DELAYS).map(list),
    st.tuples(st.just("timer"), st.integers(-5, 50)).map(list),
    st.tuples(st.just("deposit"), _NAMES, st.integers(1, 9)).map(list),
)
_EVENT: st.SearchStrategy[Step] = st.just(["event"])
_SIGNAL: st.SearchStrategy[Step] = st.tuples(st.just("signal"), _NAMES, st.integers(1, 9)).map(list)


def programs(depth: int = 2) -> st.SearchStrategy[Program]:
    """Programs with groups, losers of task_any, cancelled timers, children and generations.

    No task_all inside another group: the SDK raises when one of its members fails and another one ends later.
    """
    single = st.one_of(_WORK, _EVENT) if depth == 0 else st.one_of(_WORK, _EVENT, _children(depth))
    any_of = st.tuples(st.just("any"), st.lists(single, min_size=1, max_size=3)).map(list)
    nested = st.tuples(st.just("any"), st.lists(st.one_of(single, any_of), min_size=1, max_size=3)).map(list)
    all_of = st.tuples(st.just("all"), st.lists(single, min_size=1, max_size=4)).map(list)
    deadline = st.tuples(st.just("deadline"), single).map(list)
    steps = st.lists(st.one_of(single, _SIGNAL, any_of, nested, all_of, deadline), min_size=1, max_size=5)
    if depth == 0:
        return steps
    again = st.one_of(st.just([]), st.just([]), programs(0).map(lambda following: [["again", following]]))
    return st.tuples(steps, again).map(lambda parts: [*parts[0], *parts[1]])


def _children(depth: int) -> st.SearchStrategy[Step]:
    plain = st.tuples(st.just("child"), programs(depth - 1)).map(list)
    retried = st.tuples(st.just("child_retry"), st.integers(0, 99), st.integers(1, 2)).map(list)
    return st.one_of(plain, retried)


def events_of(program: Program) -> list[str]:
    """The names of the events that this generation of a program waits for; each is waited for once."""
    return [f"event {number}" for number in range(_count_events(program))]


def _count_events(steps: Program) -> int:
    nested = {"any", "all"}
    count = 0
    for kind, *arguments in steps:
        if kind == "event":
            count += 1
        elif kind in nested:
            count += _count_events(arguments[0])
        elif kind == "deadline":
            count += _count_events([arguments[0]])
    return count


def perform(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Run the program in the input; its result, a list with the value of each step that has a certain one."""
    state = context.get_input()
    run = _Run(context, state["generation"])
    context.set_custom_status(events_of(state["program"]))
    values = state["values"]
    for step in state["program"]:
        if step[0] == "again":
            following = {"program": step[1], "values": values, "generation": state["generation"] + 1}
            context.continue_as_new(following)
            return None
        values = [*values, (yield from run.step(step))]
    return values


class _Run:
    """One generation of a program."""

    def __init__(self, context: df.DurableOrchestrationContext, generation: int) -> None:
        self._context, self._generation = context, generation
        self._events, self._children = 0, 0

    def step(self, step: Step) -> Generator[Any, Any, Any]:
        kind, *arguments = step
        if kind == "signal":
            self._context.signal_entity(df.EntityId("account", arguments[0]), "add", arguments[1])
            return "signalled"
        try:
            if kind == "deadline":
                return (yield from self._with_deadline(arguments[0]))
            value = yield self.task(step)
        except Exception as error:
            if "on purpose" not in str(error):
                raise
            return "failed"
        return "any" if kind == "any" else value  # who wins a race depends on the order of things

    def _with_deadline(self, step: Step) -> Generator[Any, Any, Any]:
        timer = self._context.create_timer(self._context.current_utc_datetime + timedelta(seconds=20))
        yield self._context.task_any([self.task(step), timer])
        if not timer.is_completed:
            timer.cancel()
        return "deadline"

    def task(self, step: Step) -> Any:  # noqa: PLR0911  (one for each kind)
        context, (kind, *arguments) = self._context, step
        match kind:
            case "any" | "all":
                group = context.task_any if kind == "any" else context.task_all
                return group([self.task(one) for one in arguments[0]])
            case "activity":
                return context.call_activity("work", {"value": arguments[0], "delay": arguments[1]})
            case "failing":
                return context.call_activity("fail", {"delay": arguments[0]})
            case "retry":
                failures, attempts, delay = arguments
                payload = {"key": self._key(), "failures": failures, "delay": delay}
                return context.call_activity_with_retry("fail_at_first", df.RetryOptions(5000, attempts), payload)
            case "timer":
                return context.create_timer(context.current_utc_datetime + timedelta(seconds=arguments[0]))
            case "deposit":
                return context.call_entity(df.EntityId("account", arguments[0]), "add", arguments[1])
            case "event":
                self._events += 1
                return context.wait_for_external_event(f"event {self._events - 1}")
            case "child":
                state = {"program": arguments[0], "values": [], "generation": 0}
                return context.call_sub_orchestrator("perform", state, self._key())
            case _:
                value, attempts = arguments
                return context.call_sub_orchestrator_with_retry("sometimes", df.RetryOptions(5000, attempts), value)

    def _key(self) -> str:
        self._children += 1
        return f"{self._context.instance_id}.{self._generation}.{self._children}"


def sometimes(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Its input if that is even; fails if it is odd, at every attempt."""
    value = context.get_input()
    done = yield context.call_activity("work", {"value": value, "delay": value % 7})
    if done % 2:
        raise ValueError("odd on purpose")
    return done


def account(context: df.DurableEntityContext) -> None:
    """Adds its input to its total; answers with the input, since the total depends on who came first."""
    amount = context.get_input()
    context.set_state(context.get_state(lambda: 0) + amount)
    context.set_result(amount)
