"""Where the code of the app runs: the one interface behind which it may be this process or others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from azure.functions.meta import Datum

from devhost.errors import FunctionFailed
from devhost.functions.app_loading import AppFunction
from devhost.functions.bindings import OutValue, RunOutputs, decode_arguments, encode_outputs
from devhost.functions.context import InvocationContext, RetryContext
from devhost.functions.description import LoadedFunction
from devhost.functions.failures import failure_of
from devhost.functions.worker import Worker


@dataclass(frozen=True, slots=True)
class Run:
    """One run that is to be made; it can be pickled."""

    function_name: str
    invocation_id: str
    trigger_value: Datum
    metadata: Mapping[str, Datum] = field(default_factory=dict)
    """What else is known of the trigger."""
    inputs: Mapping[str, Datum | None] = field(default_factory=dict)
    """The values of the other in bindings, by name."""
    retry: RetryContext | None = None
    """Which attempt this is, where a retry policy is enforced."""


class WorkerDied(FunctionFailed):
    """The process that ran the function has ended: how far the function got, nobody knows."""

    def __init__(self, function_name: str, reason: str) -> None:
        super().__init__(function_name, "WorkerProcessExitException", reason, "")


class FunctionRunner(Protocol):
    """Runs the functions of one app; `start` and `stop` it once in an event loop."""

    async def start(self) -> tuple[LoadedFunction, ...]:
        """The functions as the app's script has them; from now on they run. Raises AppLoadError."""

    async def run(self, run: Run) -> RunOutputs:
        """What the function has returned and set. Raises FunctionFailed, of which WorkerDied is one kind."""

    async def stop(self, timeout_s: float) -> bool:
        """End what is still running; False if that is impossible while this process lives."""


class AppRunner:
    """Runs the functions of the app that this process has imported."""

    def __init__(self, functions: Iterable[AppFunction], worker: Worker, *, script_root: Path) -> None:
        """`worker` is to be started by this object alone."""
        self._functions = {function.description.name: function for function in functions}
        self._worker = worker
        self._script_root = str(script_root)

    async def start(self) -> tuple[LoadedFunction, ...]:
        """See FunctionRunner."""
        self._worker.start()
        return tuple(function.description for function in self._functions.values())

    async def run(self, run: Run) -> RunOutputs:
        """See FunctionRunner; the function's name must be one of the app."""
        function = self._functions[run.function_name]
        description = function.description
        context = InvocationContext(
            function_name=run.function_name,
            function_directory=self._script_root,
            invocation_id=run.invocation_id,
            retry=run.retry,
        )
        outs = {name: OutValue() for name in description.signature.out_parameters}
        try:
            arguments = decode_arguments(description, run.trigger_value, run.metadata, run.inputs)
        except BaseException as error:  # the SDK's converters call from_json and to_json of the app's classes
            raise failure_of(run.function_name, error) from error
        kwargs = {**arguments, **outs}
        if description.signature.wants_context:
            kwargs["context"] = context
        result = await self._worker.run(function.code, kwargs, context, is_async=description.is_async)
        try:
            return encode_outputs(description, result, outs)
        except BaseException as error:
            raise failure_of(run.function_name, error) from error

    async def stop(self, timeout_s: float) -> bool:
        """See FunctionRunner: a thread that runs a function cannot be ended."""
        return self._worker.stop(timeout_s)
