"""Runs user code away from the host: one event loop in its own thread, and a pool of threads.

Source: Azure/azure-functions-python-worker, azure_functions_worker/dispatcher.py.
"""

import asyncio
import concurrent.futures
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from devhost.errors import ConfigurationError, FunctionFailed
from devhost.functions.context import InvocationContext

_THREADS_SETTING = "PYTHON_THREADPOOL_THREAD_COUNT"
_DEVHOST_FOLDER = str(Path(__file__).parent.parent)


def thread_count(environ: Mapping[str, str]) -> int | None:
    """Threads for plain functions; None leaves it to Python. Raises ConfigurationError for a bad setting."""
    text = environ.get(_THREADS_SETTING)
    if not text:
        return None
    if not text.isdigit() or int(text) < 1:
        raise ConfigurationError(f"{_THREADS_SETTING} is '{text}'; set it to a whole number from 1, or remove it.")
    return int(text)


class Worker:
    """The app's own event loop and threads. `start` it once, `stop` it once."""

    def __init__(self, *, threads: int | None = None) -> None:
        self._executor = concurrent.futures.ThreadPoolExecutor(threads, thread_name_prefix="function")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name="function-loop", daemon=True)
        self._busy = 0
        self._busy_lock = threading.Lock()

    def start(self) -> None:
        """Begin to accept calls."""
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """End the loop and the idle threads; False if user code still runs after `timeout_s`.

        Python cannot interrupt a thread: after False only the end of the process ends that code.
        """
        self._executor.shutdown(wait=False, cancel_futures=True)
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout_s)
        with self._busy_lock:
            return not self._thread.is_alive() and self._busy == 0

    async def run(
        self, function: Callable[..., Any], kwargs: Mapping[str, Any], context: InvocationContext, *, is_async: bool
    ) -> Any:
        """What the function returns. Raises FunctionFailed for everything that it raises, SystemExit included."""
        if is_async:
            started = asyncio.run_coroutine_threadsafe(_awaited(function, kwargs, context), self._loop)
            return await asyncio.wrap_future(started)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._called, function, kwargs, context)

    def _called(self, function: Callable[..., Any], kwargs: Mapping[str, Any], context: InvocationContext) -> Any:
        context.thread_local_storage.invocation_id = context.invocation_id
        with self._busy_lock:
            self._busy += 1
        try:
            return function(**kwargs)
        except BaseException as error:  # noqa: BLE001 - whatever user code raises is data here
            raise failure_of(context.function_name, error) from None
        finally:
            with self._busy_lock:
                self._busy -= 1

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            _cancel_all(self._loop)
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()


async def _awaited(function: Callable[..., Any], kwargs: Mapping[str, Any], context: InvocationContext) -> Any:
    try:
        return await function(**kwargs)
    except BaseException as error:  # noqa: BLE001 - whatever user code raises is data here
        # SystemExit would end the loop of all functions; a cancellation ends this run, nothing else.
        raise failure_of(context.function_name, error) from None


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    tasks: Sequence[asyncio.Task[Any]] = list(asyncio.all_tasks(loop))
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


def failure_of(function_name: str, error: BaseException) -> FunctionFailed:
    """The exception of user code as text: causes in full, then the frames of the app."""
    return FunctionFailed(function_name, type(error).__name__, str(error), _stack(error))


def _stack(error: BaseException) -> str:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lines = [] if cause is None else [*traceback.format_exception(cause), "\nwhich led to:\n\n"]
    frames = traceback.extract_tb(error.__traceback__)
    # The first frames are this file's own; the app's author has no use for them.
    own = [frame for frame in frames if not frame.filename.startswith(_DEVHOST_FOLDER)]
    return "".join([*lines, *traceback.format_list(own)])
