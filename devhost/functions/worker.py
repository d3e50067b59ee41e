"""Runs user code away from the host: one event loop in its own thread, and a pool of threads.

Source: Azure/azure-functions-python-worker, azure_functions_worker/dispatcher.py.
"""

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from devhost.errors import ConfigurationError, FunctionFailed
from devhost.functions.context import InvocationContext
from devhost.functions.failures import describe, failure_of
from devhost.running_function import run_of

_THREADS_SETTING = "PYTHON_THREADPOOL_THREAD_COUNT"
_RESTART_PAUSE_S = 1.0
_logger = logging.getLogger("devhost.functions")


def thread_count(environ: Mapping[str, str]) -> int | None:
    """Threads for plain functions; None leaves it to Python. Raises ConfigurationError for a bad setting."""
    text = environ.get(_THREADS_SETTING)
    if not text:
        return None
    if not text.isdigit() or int(text) < 1:
        raise ConfigurationError(f"{_THREADS_SETTING} is '{text}'; set it to a whole number from 1, or remove it.")
    return int(text)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How a run ended. A result, never an exception: nobody may be left to retrieve it."""

    result: Any = None
    failure: FunctionFailed | None = None


class Worker:
    """The app's own event loop and threads. `start` it once, `stop` it once."""

    def __init__(self, *, threads: int | None = None, timeout_s: float | None = None) -> None:
        """`timeout_s` is host.json's functionTimeout; None means no limit."""
        self._threads, self._timeout_s = threads, timeout_s
        self._executor = self._new_executor()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name="function-loop", daemon=True)
        self._is_stopping = threading.Event()
        self._busy = 0
        self._busy_lock = threading.Lock()

    def start(self) -> None:
        """Begin to accept calls."""
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """End the loop and the idle threads; False if user code still runs after `timeout_s`.

        Python cannot interrupt a thread: after False only the end of the process ends that code.
        """
        self._is_stopping.set()
        self._executor.shutdown(wait=False, cancel_futures=True)
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout_s)
        with self._busy_lock:
            return not self._thread.is_alive() and self._busy == 0

    async def run(
        self, function: Callable[..., Any], kwargs: Mapping[str, Any], context: InvocationContext, *, is_async: bool
    ) -> Any:
        """What the function returns.

        Raises FunctionFailed for everything that it raises, SystemExit included, and when its time is over: then
        an async function is cancelled, while the thread of a plain one goes on, since nothing can interrupt it.
        """
        running: asyncio.Future[_Outcome]
        if is_async:
            running = asyncio.wrap_future(
                asyncio.run_coroutine_threadsafe(self._awaited(function, kwargs, context), self._loop)
            )
        else:
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._executor, self._called, function, kwargs, context)
        try:
            outcome = await asyncio.wait_for(running, self._timeout_s)
        except TimeoutError:
            raise self._cut(context.function_name, is_async=is_async) from None
        if outcome.failure is not None:
            raise outcome.failure
        return outcome.result

    def _new_executor(self) -> concurrent.futures.ThreadPoolExecutor:
        return concurrent.futures.ThreadPoolExecutor(self._threads, thread_name_prefix="function")

    def _cut(self, function_name: str, *, is_async: bool) -> FunctionFailed:
        if not is_async:
            # The stuck thread must not take a place from the runs to come.
            self._executor.shutdown(wait=False)
            self._executor = self._new_executor()
        limit = time_span_text(self._timeout_s or 0.0)
        _logger.error(
            "Function '%s' ran longer than functionTimeout of host.json (%s); %s. On Azure the worker process is "
            "restarted then, which ends all its other runs, too.",
            function_name,
            limit,
            "it is cancelled" if is_async else "its thread cannot be interrupted and goes on, but nobody waits for it",
        )
        return timed_out(function_name, self._timeout_s or 0.0)

    def _called(self, function: Callable[..., Any], kwargs: Mapping[str, Any], context: InvocationContext) -> _Outcome:
        context.thread_local_storage.invocation_id = context.invocation_id
        with self._busy_lock:
            self._busy += 1
        try:
            with run_of(context.function_name, context.invocation_id):
                return _Outcome(result=function(**kwargs))
        except BaseException as error:  # noqa: BLE001 - whatever user code raises is data here
            return _Outcome(failure=failure_of(context.function_name, error))
        finally:
            with self._busy_lock:
                self._busy -= 1

    async def _awaited(
        self, function: Callable[..., Any], kwargs: Mapping[str, Any], context: InvocationContext
    ) -> _Outcome:
        try:
            with run_of(context.function_name, context.invocation_id):
                return _Outcome(result=await function(**kwargs))
        except BaseException as error:
            # SystemExit would end the loop of all functions; a cancellation ends this run, nothing else.
            if isinstance(error, asyncio.CancelledError) and self._is_stopping.is_set():
                raise
            return _Outcome(failure=failure_of(context.function_name, error))

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        while not self._is_stopping.is_set():
            try:
                self._loop.run_forever()
            except (SystemExit, KeyboardInterrupt) as error:
                _log_ended_by(error)
            except BaseException as error:  # noqa: BLE001 - nothing may leave the functions without a loop
                _log_ended_by(error)
                # Unlike the two above this may come back at once, for example if its selector is gone.
                self._is_stopping.wait(_RESTART_PAUSE_S)
            else:
                if not self._is_stopping.is_set():
                    _logger.error(
                        "Code of the app stopped the event loop of the async functions; it goes on. "
                        "Do not call stop() on the running loop."
                    )
        _close(self._loop)


def _log_ended_by(error: BaseException) -> None:
    _logger.error(
        "A task of the app ended the event loop of the async functions with %s; it goes on. "
        "Let background tasks return, and leave the process alone.",
        describe(error),
        exc_info=error,
    )


def _close(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_until_complete(_cancel_all_others())
        loop.run_until_complete(loop.shutdown_asyncgens())
    except BaseException as error:  # noqa: BLE001 - cancelled tasks are user code, too
        _logger.warning("A task of the app ended with %s while the host stopped.", describe(error))
    finally:
        loop.close()


async def _cancel_all_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def timed_out(function_name: str, timeout_s: float) -> FunctionFailed:
    """The failure of a run that took longer than functionTimeout."""
    message = f"Timeout value of {time_span_text(timeout_s)} was exceeded by function: Functions.{function_name}"
    return FunctionFailed(function_name, "FunctionTimeoutException", message, "")


def time_span_text(seconds: float) -> str:
    """`hh:mm:ss`, with a fraction only if there is one."""
    minutes, rest_s = divmod(seconds, 60)
    fraction = f"{rest_s:05.2f}" if rest_s % 1 else f"{rest_s:02.0f}"
    return f"{int(minutes) // 60:02}:{int(minutes) % 60:02}:{fraction}"
