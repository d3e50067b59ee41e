"""Small tools for work beside the event loop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class SideWork(Protocol):
    """Runs blocking calls, in the order in which they were asked for."""

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the call returns or raises; it is never interrupted once it has begun."""

    def close(self) -> None:
        """Wait for the calls that were asked for; take no more."""


class SideThread:
    """One thread that runs calls in the order in which they were asked for."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the call returns or raises; it is never interrupted once it has begun."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, partial(call, *args, **kwargs))

    def close(self) -> None:
        """Wait for the calls that were asked for, then end the thread."""
        self._executor.shutdown(wait=True)


async def first_of(*waits: Coroutine[Any, Any, Any]) -> None:
    """Return when one of the waits is over; the others are cancelled."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await cancel_all(tasks)


async def cancel_all(tasks: Iterable["asyncio.Future[Any]"]) -> None:
    """Cancel the tasks and wait until they have ended, whatever they end with."""
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)


async def finish_or_cancel(tasks: Iterable["asyncio.Future[Any]"], timeout_s: float) -> None:
    """Give the tasks some time to end by themselves, then cancel the rest."""
    ending = set(tasks)
    if ending:
        _, late = await asyncio.wait(ending, timeout=timeout_s)
        await cancel_all(late)


async def repeat(step: Callable[[], Awaitable[None]], *, what: str, pause_s: float, logger: logging.Logger) -> None:
    """Run `step` again and again until cancelled; an error in it is logged, and followed by a pause."""
    while True:
        try:
            await step()
        except (Exception, asyncio.CancelledError):
            if is_cancelled_from_outside():
                raise
            logger.exception("%s failed; trying again in %g s", what, pause_s)
            await asyncio.sleep(pause_s)


def is_cancelled_from_outside() -> bool:
    """True if someone has cancelled the current task; a CancelledError may also come from what it awaits."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
