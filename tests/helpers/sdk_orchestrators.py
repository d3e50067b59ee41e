"""The orchestrators of MemoryHub as real ones: generators in the SDK's executor, called as a worker calls them."""

from __future__ import annotations

import traceback
from collections.abc import Generator
from typing import Any

from azure.durable_functions import DurableOrchestrationContext, Orchestrator

from devhost.errors import FunctionFailed
from tests.helpers.memory_hub import ORCHESTRATORS


def echo(context: DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    yield from ()
    return context.get_input()


def wait(context: DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    return (yield context.wait_for_external_event("go"))


def boom(context: DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    yield from ()
    raise ValueError("boom")


class SdkOrchestrators:
    """What a hub needs of the functions of an app; there are no activities."""

    def __init__(self) -> None:
        self._handles = {
            "echo": Orchestrator.create(echo),
            "wait": Orchestrator.create(wait),
            "boom": Orchestrator.create(boom),
        }

    async def call_orchestrator(self, durable_name: str, envelope_json: str, *, instance_id: str) -> str:
        try:
            return str(self._handles[durable_name.lower()](envelope_json))
        except Exception as error:
            raise FunctionFailed(durable_name, type(error).__name__, str(error), traceback.format_exc()) from error

    async def call_activity(self, durable_name: str, input_json: str, *, instance_id: str) -> str:
        raise AssertionError(f"no orchestrator here calls an activity, so not {durable_name} either")

    def durable_names(self, trigger_type: str) -> tuple[str, ...]:
        return ORCHESTRATORS if trigger_type == "orchestrationTrigger" else ()
