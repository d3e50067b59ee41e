"""Real SDK orchestrators and entities and plain activities behind the interface that the durable engine calls."""

from __future__ import annotations

import asyncio
import inspect
import json
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import azure.durable_functions as df

from devhost.durable.errors import UnknownFunction
from devhost.errors import FunctionFailed


class LocalFunctions:
    """Runs orchestrators and entities in threads, by the SDK's wrappers, and activities on the loop or in threads."""

    def __init__(
        self,
        orchestrators: Mapping[str, Callable[..., Any]],
        activities: Mapping[str, Callable[..., Any]],
        entities: Mapping[str, Callable[..., Any]] | None = None,
    ) -> None:
        self._orchestrators = {name.lower(): df.Orchestrator.create(fn) for name, fn in orchestrators.items()}
        self._activities = {name.lower(): fn for name, fn in activities.items()}
        self._entities = {name.lower(): df.Entity.create(fn) for name, fn in (entities or {}).items()}
        self._names = {
            "orchestrationTrigger": tuple(sorted(orchestrators)),
            "activityTrigger": tuple(sorted(activities)),
            "entityTrigger": tuple(sorted(entities or {})),
        }
        self._threads = ThreadPoolExecutor(max_workers=8)

    async def call_orchestrator(self, durable_name: str, envelope_json: str, *, instance_id: str) -> str:
        handle = self._orchestrators[durable_name.lower()]
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._replay, durable_name, handle, envelope_json)

    async def call_entity(self, durable_name: str, batch_json: str, *, instance_id: str) -> str:
        if durable_name.lower() not in self._entities:
            raise UnknownFunction(durable_name, "entity", self.durable_names("entityTrigger"))
        handle = self._entities[durable_name.lower()]
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._replay, durable_name, handle, batch_json)

    async def call_activity(self, durable_name: str, input_json: str, *, instance_id: str) -> str:
        function, value = self._activities[durable_name.lower()], json.loads(input_json)
        try:
            if inspect.iscoroutinefunction(function):
                result = await function(value)
            else:
                loop = asyncio.get_running_loop()
                result = await loop.run_in_executor(self._threads, function, value)
        except Exception as error:
            raise failed(durable_name, error) from error
        return json.dumps(result)

    def durable_names(self, trigger_type: str) -> tuple[str, ...]:
        return self._names.get(trigger_type, ())

    def close(self) -> None:
        self._threads.shutdown(wait=True)

    @staticmethod
    def _replay(name: str, handle: Callable[[str], str], envelope_json: str) -> str:
        return replay(name, handle, envelope_json)


def replay(name: str, handle: Callable[[str], str], envelope_json: str) -> str:
    """The wrapper's answer; raises FunctionFailed as a worker would."""
    try:
        return handle(envelope_json)
    except Exception as error:
        raise failed(name, error) from error


def failed(name: str, error: Exception) -> FunctionFailed:
    """The error as a worker reports it."""
    stack = "".join(traceback.format_exception(error))
    return FunctionFailed(name, type(error).__name__, str(error), stack)
