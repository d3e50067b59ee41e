"""Runs the app's functions on behalf of a test: in the test's own loop, or one after the other in one thread."""

import asyncio
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from devhost.background import is_cancelled_from_outside
from devhost.functions.context import InvocationContext
from devhost.functions.failures import failure_of
from devhost.running_function import run_of
from devhost.testing.rig.power import Power


class KitWorker:
    """Stands for devhost.functions.worker.Worker. Orchestrators and entities run inline, as do async functions.

    Other plain functions get a thread, since they may block or run a loop of their own; one thread, so that their
    order is the same at every run.
    """

    def __init__(self, power: Power, *, inline: frozenset[str]) -> None:
        """`inline` are the names of plain functions that need no thread."""
        self._power, self._inline = power, inline
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="function-under-test")

    async def run(
        self, function: Callable[..., Any], kwargs: Mapping[str, Any], context: InvocationContext, *, is_async: bool
    ) -> Any:
        """What the function returns. Raises FunctionFailed for everything that it raises."""
        await self._power.must_be_up()
        try:
            if is_async:
                with run_of(context.function_name, context.invocation_id):
                    return await function(**kwargs)
            if context.function_name in self._inline:
                return run_orchestrator(function, kwargs)
            return await asyncio.get_running_loop().run_in_executor(self._thread, _called, function, kwargs, context)
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and is_cancelled_from_outside():
                raise
            raise failure_of(context.function_name, error) from error
        except BaseException as error:
            self._power.thrown = error
            raise

    def close(self) -> None:
        """Start nothing any more; a function that is still running in the thread is not waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def run_orchestrator(function: Callable[..., Any], kwargs: Mapping[str, Any]) -> Any:
    """One replay, or one batch of an entity.

    What the SDK has to warn about is no affair of a test whose warnings are errors.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"azure\..*")
        return function(**kwargs)


def _called(function: Callable[..., Any], kwargs: Mapping[str, Any], context: InvocationContext) -> Any:
    context.thread_local_storage.invocation_id = context.invocation_id
    try:
        with run_of(context.function_name, context.invocation_id):
            return function(**kwargs)
    except StopIteration as error:  # a future cannot carry it
        raise RuntimeError(f"{context.function_name} raised StopIteration") from error
