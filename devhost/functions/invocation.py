"""One call of one function: arguments in, log lines around it, result or failure out.

Source: Azure/azure-functions-python-worker, azure_functions_worker/dispatcher.py and bindings/meta.py.
"""

import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from azure.functions.meta import Datum

from devhost.durable.errors import UnknownFunction
from devhost.errors import FunctionFailed
from devhost.functions.app_loading import LoadedFunction
from devhost.functions.bindings import OutValue, RunOutputs, decode_arguments, encode_outputs
from devhost.functions.context import InvocationContext
from devhost.functions.failures import failure_of
from devhost.functions.worker import Worker

ClientPayload = Callable[[Mapping[str, Any]], str]
"""The durableClient binding (as in function.json) to the JSON text that its parameter receives."""

FunctionLogger = logging.LoggerAdapter[logging.Logger]

_KINDS = {"orchestrationTrigger": "orchestrator", "activityTrigger": "activity", "entityTrigger": "entity"}
_DURABLE_REASON = "(null)"


class Invoker:
    """Calls the functions of one app in one worker. Disabled functions have no durable name."""

    def __init__(
        self,
        functions: Sequence[LoadedFunction],
        worker: Worker,
        *,
        client_payload: ClientPayload,
        script_root: Path,
    ) -> None:
        self._worker = worker
        self._client_payload = client_payload
        self._script_root = str(script_root)
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
    ) -> RunOutputs:
        """Run the function once; its outputs, encoded.

        `trigger_value` is what the host would send to a worker: `json` text for a timer, `http` for a
        request; `metadata` is what else is known of the trigger. Raises FunctionFailed, already logged, also
        when an output cannot be encoded.
        """
        invocation_id = str(uuid.uuid4())
        logger = function_logger(function.name)
        logger.info("Executing 'Functions.%s' (Reason='%s', Id=%s)", function.name, reason, invocation_id)
        started = time.monotonic()
        try:
            outputs = await self._run(function, trigger_value, invocation_id, metadata=metadata or {})
        except FunctionFailed as failed:
            _log_failure(logger, failed, invocation_id, started)
            raise
        _log_executed(logger, logging.INFO, function.name, "Succeeded", invocation_id, started)
        return outputs

    async def call_orchestrator(self, durable_name: str, envelope_json: str, *, instance_id: str) -> str:
        """The SDK's answer to one episode, as JSON text.

        Raises UnknownFunction, or FunctionFailed, whose message holds the SDK's labelled state if it got so
        far. The SDK reports failures of the app that way, so they are no error of this call and not logged.
        """
        function = self._find("orchestrationTrigger", durable_name)
        invocation_id = str(uuid.uuid4())
        logger = function_logger(function.name)
        logger.info("Executing 'Functions.%s' (Reason='%s', Id=%s)", function.name, instance_id, invocation_id)
        started = time.monotonic()
        try:
            outputs = await self._run(function, Datum(envelope_json, "string"), invocation_id, metadata={})
        except FunctionFailed:
            _log_executed(logger, logging.ERROR, function.name, "Failed", invocation_id, started)
            raise
        _log_executed(logger, logging.INFO, function.name, "Succeeded", invocation_id, started)
        return _as_json(outputs)

    async def call_activity(self, durable_name: str, input_json: str, *, instance_id: str) -> str:
        """The activity's result as JSON text, `null` for None. Raises UnknownFunction, FunctionFailed."""
        function = self._find("activityTrigger", durable_name)
        return _as_json(await self.call(function, Datum(input_json, "string"), reason=instance_id or _DURABLE_REASON))

    async def call_entity(self, durable_name: str, batch_json: str, *, instance_id: str) -> str:
        """The SDK's answer to one batch of operations, as JSON text. Raises UnknownFunction, FunctionFailed."""
        function = self._find("entityTrigger", durable_name)
        return _as_json(await self.call(function, Datum(batch_json, "string"), reason=instance_id))

    def durable_names(self, trigger_type: str) -> tuple[str, ...]:
        """The names by which durable calls reach functions, for example of `activityTrigger`; sorted."""
        functions = self._durable.get(trigger_type, {})
        return tuple(sorted(function.durable_name for function in functions.values()))

    def _find(self, trigger_type: str, durable_name: str) -> LoadedFunction:
        function = self._durable[trigger_type].get(durable_name.lower())
        if function is None:
            raise UnknownFunction(durable_name, _KINDS[trigger_type], self.durable_names(trigger_type))
        return function

    async def _run(
        self, function: LoadedFunction, trigger_value: Datum, invocation_id: str, *, metadata: Mapping[str, Datum]
    ) -> RunOutputs:
        context = InvocationContext(
            function_name=function.name,
            function_directory=self._script_root,
            invocation_id=invocation_id,
        )
        outs = {name: OutValue() for name in function.signature.out_parameters}
        try:
            arguments = decode_arguments(function, trigger_value, metadata, self._inputs(function))
        except BaseException as error:  # the SDK's converters call from_json and to_json of the app's classes
            raise failure_of(function.name, error) from error
        kwargs = {**arguments, **outs}
        if function.signature.wants_context:
            kwargs["context"] = context
        result = await self._worker.run(function.function, kwargs, context, is_async=function.is_async)
        try:
            return encode_outputs(function, result, outs)
        except BaseException as error:
            raise failure_of(function.name, error) from error

    def _inputs(self, function: LoadedFunction) -> dict[str, Datum | None]:
        return {
            str(binding["name"]): Datum(self._client_payload(binding), "string")
            for binding in function.bindings
            if binding["type"] == "durableClient"
        }


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
    logger.error(
        "Exception while executing function: Functions.%s. Result: Failure\nException: %s: %s\nStack: %s",
        failed.function_name,
        failed.error_type,
        failed.message,
        failed.stack.rstrip(),
    )
