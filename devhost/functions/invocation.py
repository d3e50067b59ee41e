"""The host's side of a call: log lines around it, durable calls by name, and a worker that dies meanwhile."""

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from azure.functions.meta import Datum

from devhost.durable.errors import UnknownFunction
from devhost.errors import DevhostError, FunctionFailed
from devhost.functions.bindings import RunOutputs
from devhost.functions.context import RetryContext
from devhost.functions.description import LoadedFunction
from devhost.functions.runner import FunctionRunner, Run, WorkerDied

ClientPayload = Callable[[Mapping[str, Any]], str]
"""The durableClient binding (as in function.json) to the JSON text that its parameter receives."""

FunctionLogger = logging.LoggerAdapter[logging.Logger]

_KINDS = {"orchestrationTrigger": "orchestrator", "activityTrigger": "activity", "entityTrigger": "entity"}
_DURABLE_REASON = "(null)"
_FIRST_REPEAT_S, _LONGEST_REPEAT_S = 0.05, 5.0


class DataBindings(Protocol):
    """Inputs and outputs of a run beside its trigger. Every fault is a DevhostError."""

    async def read_inputs(
        self, function: LoadedFunction, trigger_value: Datum, metadata: Mapping[str, Datum]
    ) -> dict[str, Datum | None]:
        """The values of in bindings by name, before the run."""

    async def write_outputs(
        self, function: LoadedFunction, outputs: RunOutputs, trigger_value: Datum, metadata: Mapping[str, Datum]
    ) -> None:
        """Write what the run has returned and set, after it has succeeded."""


class Invoker:
    """Calls the functions of one app, wherever they run. Disabled functions have no durable name."""

    def __init__(
        self,
        functions: Sequence[LoadedFunction],
        runner: FunctionRunner,
        *,
        client_payload: ClientPayload,
        data_bindings: DataBindings | None = None,
    ) -> None:
        """Without `data_bindings` nothing is read or written beside a run."""
        self._runner = runner
        self._data_bindings = data_bindings
        self._client_payload = client_payload
        self._durable: dict[str, dict[str, LoadedFunction]] = {kind: {} for kind in _KINDS}
        for function in functions:
            if function.trigger_type in self._durable and not function.disabled:
                self._durable[function.trigger_type][function.durable_name.lower()] = function

    async def call(
        self,
        function: LoadedFunction,
        trigger_value: Datum,
        *,
        reason: str,
        metadata: Mapping[str, Datum] | None = None,
        retry: RetryContext | None = None,
    ) -> RunOutputs:
        """Run the function once and write its outputs; they come back encoded.

        `trigger_value` is what the host would send to a worker: `json` text for a timer, `http` for a
        request; `metadata` is what else is known of the trigger, `retry` which attempt this is. Raises
        FunctionFailed, already logged, also when an input cannot be read or an output cannot be written.
        """
        invocation_id = str(uuid.uuid4())
        logger = function_logger(function.name)
        logger.info("Executing 'Functions.%s' (Reason='%s', Id=%s)", function.name, reason, invocation_id)
        started = time.monotonic()
        try:
            outputs = await self._run_bound(function, trigger_value, invocation_id, metadata or {}, retry)
        except FunctionFailed as failed:
            _log_failure(logger, failed, invocation_id, started)
            raise
        except asyncio.CancelledError:
            _log_failure(logger, _cut(function), invocation_id, started)
            raise
        _log_executed(logger, logging.INFO, function.name, "Succeeded", invocation_id, started)
        return outputs

    async def call_orchestrator(self, durable_name: str, envelope_json: str, *, instance_id: str) -> str:
        """The SDK's answer to one episode, as JSON text.

        Raises UnknownFunction, or FunctionFailed, whose message holds the SDK's labelled state if it got so
        far. The SDK reports failures of the app that way, so they are no error of this call and not logged.
        """
        function = self._find("orchestrationTrigger", durable_name)
        return _as_json(await _repeated(lambda: self._replay(function, envelope_json, instance_id)))

    async def call_activity(self, durable_name: str, input_json: str, *, instance_id: str) -> str:
        """The activity's result as JSON text, `null` for None. Raises UnknownFunction, FunctionFailed."""
        function = self._find("activityTrigger", durable_name)
        reason = instance_id or _DURABLE_REASON
        return _as_json(await _repeated(lambda: self.call(function, Datum(input_json, "string"), reason=reason)))

    async def call_entity(self, durable_name: str, batch_json: str, *, instance_id: str) -> str:
        """The SDK's answer to one batch of operations, as JSON text. Raises UnknownFunction, FunctionFailed."""
        function = self._find("entityTrigger", durable_name)
        return _as_json(await _repeated(lambda: self.call(function, Datum(batch_json, "string"), reason=instance_id)))

    def durable_names(self, trigger_type: str) -> tuple[str, ...]:
        """The names by which durable calls reach functions, for example of `activityTrigger`; sorted."""
        functions = self._durable.get(trigger_type, {})
        return tuple(sorted(function.durable_name for function in functions.values()))

    def _find(self, trigger_type: str, durable_name: str) -> LoadedFunction:
        function = self._durable[trigger_type].get(durable_name.lower())
        if function is None:
            raise UnknownFunction(durable_name, _KINDS[trigger_type], self.durable_names(trigger_type))
        return function

    async def _replay(self, function: LoadedFunction, envelope_json: str, instance_id: str) -> RunOutputs:
        invocation_id = str(uuid.uuid4())
        logger = function_logger(function.name)
        logger.info("Executing 'Functions.%s' (Reason='%s', Id=%s)", function.name, instance_id, invocation_id)
        started = time.monotonic()
        try:
            outputs = await self._run(function, Datum(envelope_json, "string"), invocation_id)
        except FunctionFailed:
            _log_executed(logger, logging.ERROR, function.name, "Failed", invocation_id, started)
            raise
        _log_executed(logger, logging.INFO, function.name, "Succeeded", invocation_id, started)
        return outputs

    async def _run_bound(
        self,
        function: LoadedFunction,
        trigger_value: Datum,
        invocation_id: str,
        metadata: Mapping[str, Datum],
        retry: RetryContext | None,
    ) -> RunOutputs:
        if self._data_bindings is None:
            return await self._run(function, trigger_value, invocation_id, metadata=metadata, retry=retry)
        try:
            inputs = await self._data_bindings.read_inputs(function, trigger_value, metadata)
        except DevhostError as error:
            raise _failed_binding(function, error) from error
        outputs = await self._run(function, trigger_value, invocation_id, metadata=metadata, inputs=inputs, retry=retry)
        try:
            await self._data_bindings.write_outputs(function, outputs, trigger_value, metadata)
        except DevhostError as error:
            raise _failed_binding(function, error) from error
        return outputs

    async def _run(
        self,
        function: LoadedFunction,
        trigger_value: Datum,
        invocation_id: str,
        *,
        metadata: Mapping[str, Datum] = MappingProxyType({}),
        inputs: Mapping[str, Datum | None] = MappingProxyType({}),
        retry: RetryContext | None = None,
    ) -> RunOutputs:
        inputs = {**self._clients(function), **inputs}
        run = Run(function.name, invocation_id, trigger_value, dict(metadata), inputs, retry)
        return await self._runner.run(run)

    def _clients(self, function: LoadedFunction) -> dict[str, Datum | None]:
        return {
            str(binding["name"]): Datum(self._client_payload(binding), "string")
            for binding in function.bindings
            if binding["type"] == "durableClient"
        }


def _cut(function: LoadedFunction) -> FunctionFailed:
    return FunctionFailed(function.name, "FunctionInvocationCanceledException", "The host stops; the run was cut.", "")


def _failed_binding(function: LoadedFunction, error: DevhostError) -> FunctionFailed:
    return FunctionFailed(function.name, type(error).__name__, str(error), "")


async def _repeated(call: Callable[[], Awaitable[RunOutputs]]) -> RunOutputs:
    """Durable work is done at least once: the death of a worker is not the app's failure, so the call is repeated."""
    pause_s = _FIRST_REPEAT_S
    while True:
        try:
            return await call()
        except WorkerDied:
            # An app that ends its own process would otherwise do so as fast as processes can be started.
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_REPEAT_S)


def _as_json(outputs: RunOutputs) -> str:
    return "null" if outputs.returned is None else str(outputs.returned.value)


def function_logger(name: str) -> FunctionLogger:
    """The logger for the runs of one function, in the category `Function.NAME` of host.json."""
    return logging.LoggerAdapter(logging.getLogger(f"Function.{name}"), {"category": f"Function.{name}"})


def _log_executed(
    logger: FunctionLogger, level: int, name: str, outcome: str, invocation_id: str, started: float
) -> None:
    if logger.isEnabledFor(level):
        duration_ms = round((time.monotonic() - started) * 1000)
        text = "Executed 'Functions.%s' (%s, Id=%s, Duration=%dms)"
        logger.log(level, text, name, outcome, invocation_id, duration_ms)


def _log_failure(logger: FunctionLogger, failed: FunctionFailed, invocation_id: str, started: float) -> None:
    _log_executed(logger, logging.ERROR, failed.function_name, "Failed", invocation_id, started)
    stack = failed.stack.rstrip()
    logger.error(
        "Exception while executing function: Functions.%s. Result: Failure\nException: %s: %s%s",
        failed.function_name,
        failed.error_type,
        failed.message,
        f"\nStack: {stack}" if stack else "",
    )
