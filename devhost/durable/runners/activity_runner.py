"""Calls queued activities, oldest first, and writes their results down in batches."""

import asyncio
import json
import traceback
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

from devhost.background import (
    cancel_all,
    finish_or_cancel,
    is_cancelled_from_outside,
    repeat,
)
from devhost.durable.failure_texts import activity_failure
from devhost.durable.protocol import HTTP_ACTIVITY, Event, compact, task_completed, task_failed
from devhost.durable.runners.http_activity import HttpActivity
from devhost.durable.runners.runner_tools import RunnerTools
from devhost.durable.store.database import is_passing_fault
from devhost.durable.store.episode_store import WorkItem
from devhost.errors import FunctionFailed, text_of

_READ_AT_ONCE = 100


class ActivityRunner:
    """At most `limit` activities run at once. A call counts as made only once its result is stored.

    Only a window of the queue is in memory. After a kill the calls without a result are made again.
    """

    def __init__(
        self, tools: RunnerTools, *, http: HttpActivity, limit: int, wake: Callable[[Iterable[str]], None]
    ) -> None:
        self._store, self._store_thread = tools.store.episodes, tools.store_thread
        self._functions, self._http, self._clock = tools.functions, http, tools.clock
        self._limit, self._wake, self._logger = limit, wake, tools.logger
        self._fault_pause_s = tools.fault_pause_s
        self._window: deque[WorkItem] = deque()
        self._read_up_to = 0
        self._may_have_more = self._is_reading = False
        self._running: set[asyncio.Task[None]] = set()
        self._results: list[tuple[WorkItem, Event]] = []
        self._may_start, self._may_write = asyncio.Event(), asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []

    @property
    def is_at_rest(self) -> bool:
        """True if no call waits to be read or begun, and no result to be written; calls may be under way."""
        is_starting = (bool(self._window) or self._may_have_more) and len(self._running) < self._limit
        return not (is_starting or self._is_reading or self._results)

    @property
    def calls_under_way(self) -> int:
        """How many calls run now."""
        return len(self._running)

    def work_added(self) -> None:
        """New calls are in the store."""
        self._may_have_more = True
        self._may_start.set()

    def start(self) -> None:
        """Begin with whatever is in the store."""
        self.work_added()
        self._loops = [
            self._loop(self._start_calls, "Starting queued activities"),
            self._loop(self._write_results, "Writing results of activities"),
        ]

    async def stop(self, timeout_s: float) -> None:
        """Start no call any more; those under way may end within `timeout_s`, the rest will be repeated."""
        await cancel_all(self._loops[:1])
        await finish_or_cancel(self._running, timeout_s)
        await cancel_all(self._loops[1:])
        try:
            await self._record(self._results)
        except Exception:
            self._logger.exception("The last results could not be written; the next start makes these calls again")

    def _loop(self, step: Callable[[], Coroutine[Any, Any, None]], what: str) -> asyncio.Task[None]:
        return asyncio.create_task(repeat(step, what=what, pause_s=self._fault_pause_s, logger=self._logger))

    async def _start_calls(self) -> None:
        self._may_start.clear()
        while len(self._running) < self._limit and (self._window or await self._read_window()):
            task = asyncio.create_task(self._call(self._window.popleft()))
            self._running.add(task)
            task.add_done_callback(self._ended)
        await self._may_start.wait()

    async def _read_window(self) -> bool:
        """Read the next calls into the empty window; False if there are none now."""
        if not self._may_have_more:
            return False
        self._may_have_more = False  # before the read: work_added may set it again meanwhile
        self._is_reading = True
        try:
            items = await self._store_thread.run(self._store.next_work, after=self._read_up_to, limit=_READ_AT_ONCE)
        except Exception:
            self._may_have_more = True
            raise
        finally:
            self._is_reading = False
        if items:
            self._window.extend(items)
            self._read_up_to = items[-1].seq
            self._may_have_more = True
        return bool(items)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._may_start.set()

    async def _call(self, item: WorkItem) -> None:
        try:
            event = task_completed(self._clock.now(), item.task_id, _stored_result(await self._result(item)))
        except FunctionFailed as failed:
            event = self._failure(item, failed)
        except (Exception, asyncio.CancelledError) as fault:
            if is_cancelled_from_outside():
                raise
            self._logger.exception(
                "Calling activity '%s' of instance '%s' failed in the host", item.name, item.instance_id
            )
            event = self._failure(item, _as_failure(item, fault))
        self._results.append((item, event))
        self._may_write.set()

    async def _result(self, item: WorkItem) -> str:
        if item.name == HTTP_ACTIVITY:
            return await self._http.call(item.input_text)
        return await self._functions.call_activity(item.name, item.input_text, instance_id=item.instance_id)

    def _failure(self, item: WorkItem, failed: FunctionFailed) -> Event:
        reason, details = activity_failure(item.name, failed)
        return task_failed(self._clock.now(), item.task_id, reason, details)

    async def _write_results(self) -> None:
        """While one batch is being written, the next one grows."""
        await self._may_write.wait()
        batch = list(self._results)
        woken = await self._record(batch)
        del self._results[: len(batch)]
        if not self._results:
            self._may_write.clear()
        self._wake(woken)

    async def _record(self, results: Sequence[tuple[WorkItem, Event]]) -> set[str]:
        """IDs to wake. A result that the store cannot take becomes a failure, and does not hold up the others."""
        try:
            return await self._store_thread.run(self._store.record_results, list(results))
        except Exception as fault:
            if is_passing_fault(fault):
                raise
            if len(results) > 1:
                return {woken for one in results for woken in await self._record([one])}
            ((item, _),) = results
            self._logger.exception("The result of activity '%s' cannot be stored, so the call fails", item.name)
            failed = self._failure(item, _as_failure(item, fault))
            return await self._store_thread.run(self._store.record_results, [(item, failed)])


def _as_failure(item: WorkItem, fault: BaseException) -> FunctionFailed:
    stack = "".join(traceback.format_exception(fault))
    return FunctionFailed(item.name, type(fault).__name__, text_of(fault), stack)


def _stored_result(text: str) -> str | None:
    """The product stores a result once parsed and written again, and None as no text at all."""
    value = json.loads(text)
    return None if value is None else compact(value)
