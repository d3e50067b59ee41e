"""What a call does when the worker that runs it dies."""

from __future__ import annotations

import pytest
from azure.functions.meta import Datum

from devhost.errors import FunctionFailed
from devhost.functions.bindings import RunOutputs
from devhost.functions.description import LoadedFunction
from devhost.functions.invocation import Invoker
from devhost.functions.runner import Run, WorkerDied
from devhost.functions.signatures import Signature
from tests.helpers.made_up_functions import http_function


class DyingRunner:
    """Dies under the first runs, then answers, or fails as the app would."""

    def __init__(self, deaths: int, *, then: FunctionFailed | None = None) -> None:
        self.deaths, self.then = deaths, then
        self.runs: list[str] = []

    async def start(self) -> tuple[LoadedFunction, ...]:
        return ()

    async def run(self, run: Run) -> RunOutputs:
        self.runs.append(run.function_name)
        if len(self.runs) <= self.deaths:
            raise WorkerDied(run.function_name, "it was killed")
        if self.then is not None:
            raise self.then
        return RunOutputs(Datum('"done"', "json"))

    async def stop(self, timeout_s: float) -> bool:
        return True


def durable_function(trigger_type: str) -> LoadedFunction:
    trigger = {"direction": "IN", "type": trigger_type, "name": "context"}
    return LoadedFunction("f", trigger, (trigger,), Signature(False, frozenset(), frozenset(), False), "f")


def invoker(runner: DyingRunner, function: LoadedFunction) -> Invoker:
    return Invoker([function], runner, client_payload=lambda _: "{}")


@pytest.mark.parametrize(
    ("trigger_type", "call"),
    [
        ("activityTrigger", "call_activity"),
        ("orchestrationTrigger", "call_orchestrator"),
        ("entityTrigger", "call_entity"),
    ],
)
async def test_durable_call_is_repeated_until_a_worker_lives(trigger_type: str, call: str):
    runner = DyingRunner(2)
    answer = await getattr(invoker(runner, durable_function(trigger_type)), call)("f", "{}", instance_id="i")
    assert (answer, runner.runs) == ('"done"', ["f", "f", "f"])


async def test_failure_of_the_app_is_not_repeated():
    runner = DyingRunner(1, then=FunctionFailed("f", "ValueError", "no", ""))
    with pytest.raises(FunctionFailed, match="ValueError"):
        await invoker(runner, durable_function("activityTrigger")).call_activity("f", "{}", instance_id="i")
    assert runner.runs == ["f", "f"]


async def test_other_calls_fail_at_once():
    runner, function = DyingRunner(1), http_function("f")
    with pytest.raises(FunctionFailed, match="it was killed"):
        await invoker(runner, function).call(function, Datum({}, "http"), reason="test")
    assert runner.runs == ["f"]
