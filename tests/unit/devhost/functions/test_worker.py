from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from devhost.errors import FunctionFailed
from devhost.functions.context import InvocationContext
from devhost.functions.worker import Worker


@pytest.fixture
def worker() -> Iterator[Worker]:
    yield from started(Worker(threads=1))


@pytest.fixture
def hurried_worker() -> Iterator[Worker]:
    """Cuts every run after a hundredth of a second."""
    yield from started(Worker(threads=1, timeout_s=0.01))


def started(worker: Worker) -> Iterator[Worker]:
    worker.start()
    yield worker
    worker.stop(timeout_s=5)


async def run(worker: Worker, function: Any, **kwargs: Any) -> Any:
    context = InvocationContext(function_name="f", function_directory="/app", invocation_id="1")
    return await worker.run(function, kwargs, context, is_async=asyncio.iscoroutinefunction(function))


async def failure(worker: Worker, function: Any) -> FunctionFailed:
    with pytest.raises(FunctionFailed) as caught:
        await run(worker, function)
    return caught.value


async def ended(task: asyncio.Task[None]) -> None:
    """Wait for the end of a task and read its exception.

    Otherwise the task says so when it is collected, perhaps within a parse of source, and formats a traceback that
    parses source as well: Python 3.11 takes that for an error of its own (CPython issue 106905).
    """
    await asyncio.wait([task])
    task.exception()


async def leave_in_a_task() -> None:
    async def leave() -> None:
        sys.exit(3)

    await ended(asyncio.create_task(leave()))


async def interrupt_in_a_task() -> None:
    async def interrupt() -> None:
        raise KeyboardInterrupt

    await ended(asyncio.create_task(interrupt()))


async def stop_the_loop() -> None:
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0)


async def answer() -> str:
    return "answer"


@pytest.mark.parametrize("spoil", [leave_in_a_task, interrupt_in_a_task, stop_the_loop])
async def test_async_functions_go_on_after_a_task_ended_their_loop(worker: Worker, spoil: Any):
    await run(worker, spoil)
    assert await run(worker, answer) == "answer"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (leave_in_a_task, "A task of the app ended the event loop of the async functions with SystemExit: 3"),
        (interrupt_in_a_task, "A task of the app ended the event loop of the async functions with KeyboardInterrupt"),
        (stop_the_loop, "Code of the app stopped the event loop of the async functions"),
    ],
)
async def test_what_ended_the_loop_is_logged_as_an_error(
    worker: Worker, spoil: Any, message: str, caplog: pytest.LogCaptureFixture
):
    await run(worker, spoil)
    await run(worker, answer)
    found = [record.levelno for record in caplog.records if message in record.getMessage()]
    assert found == [logging.ERROR]


class Mute(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


class Endless(Exception):
    def __str__(self) -> str:
        raise Endless


class Leaving(Exception):
    def __str__(self) -> str:
        raise SystemExit


class Own(BaseException):
    pass


@pytest.mark.parametrize(
    ("error", "raised"), [(Mute(), "ValueError"), (Endless(), "Endless"), (Leaving(), "SystemExit")]
)
async def test_exception_without_a_text_is_a_failure_that_says_so(worker: Worker, error: Exception, raised: str):
    def fail() -> None:
        raise error

    failed = await failure(worker, fail)
    assert failed.error_type == type(error).__name__
    assert failed.message == f"<its text cannot be shown: __str__ raised {raised}>"


@pytest.mark.parametrize(
    "error",
    [SystemExit(2), KeyboardInterrupt(), GeneratorExit(), StopIteration(5), Own("x"), asyncio.CancelledError()],
    ids=repr,
)
async def test_whatever_a_plain_function_raises_is_a_failure(worker: Worker, error: BaseException):
    def fail() -> None:
        raise error

    assert (await failure(worker, fail)).error_type == type(error).__name__


@pytest.mark.parametrize(
    "error", [SystemExit(2), KeyboardInterrupt(), GeneratorExit(), Own("x"), asyncio.CancelledError(), Mute()], ids=type
)
async def test_whatever_an_async_function_raises_is_a_failure(worker: Worker, error: BaseException):
    async def fail() -> None:
        raise error

    assert (await failure(worker, fail)).error_type == type(error).__name__


async def test_async_function_that_cancels_its_own_task_is_a_failure(worker: Worker):
    async def cancel_itself() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    assert (await failure(worker, cancel_itself)).error_type == "CancelledError"


async def test_run_cut_by_the_stop_is_cancelled_and_no_failure():
    worker = Worker()
    worker.start()
    is_running = threading.Event()

    async def wait_for_ever() -> None:
        is_running.set()
        await asyncio.Event().wait()

    waiting = asyncio.create_task(run(worker, wait_for_ever))
    await asyncio.to_thread(is_running.wait, 5)
    await asyncio.to_thread(worker.stop, 5)
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_stop_ends_the_loop_although_a_task_leaves_while_it_is_cancelled():
    worker = Worker()
    worker.start()

    async def leave_when_cancelled() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            sys.exit(4)

    kept = []

    async def begin() -> None:
        kept.append(asyncio.create_task(leave_when_cancelled()))

    await run(worker, begin)
    assert await asyncio.to_thread(worker.stop, 5)


async def test_async_function_over_its_time_is_cancelled_and_a_failure(hurried_worker: Worker):
    is_cancelled = threading.Event()

    async def wait_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            is_cancelled.set()

    failed = await failure(hurried_worker, wait_for_ever)
    assert (failed.error_type, failed.message, await asyncio.to_thread(is_cancelled.wait, 5)) == (
        "FunctionTimeoutException",
        "Timeout value of 00:00:00.01 was exceeded by function: Functions.f",
        True,
    )


async def test_plain_function_over_its_time_is_a_failure_and_takes_no_thread_from_the_others(hurried_worker: Worker):
    may_end = threading.Event()
    failed = await failure(hurried_worker, may_end.wait)
    answered = await run(hurried_worker, lambda: "answer")
    may_end.set()
    assert (failed.error_type, answered) == ("FunctionTimeoutException", "answer")


async def test_run_over_its_time_is_logged_with_what_azure_does(
    hurried_worker: Worker, caplog: pytest.LogCaptureFixture
):
    await failure(hurried_worker, asyncio.Event().wait)
    assert "On Azure the worker process is restarted" in caplog.text


async def test_what_a_function_does_after_its_time_is_over_is_no_error(
    hurried_worker: Worker, caplog: pytest.LogCaptureFixture
):
    async def fail_when_cancelled() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("too late")

    await failure(hurried_worker, fail_when_cancelled)
    await asyncio.to_thread(hurried_worker.stop, 5)
    assert "too late" not in caplog.text


async def test_without_a_limit_a_run_may_last(worker: Worker):
    may_end = threading.Event()
    running = asyncio.create_task(run(worker, may_end.wait))
    may_end.set()
    assert await running is True
