"""Calls queued activities, oldest first, and writes their results down in batches."""

import asyncio
import json
import logging
import sqlite3
import traceback
from collections import deque
from collections.abc import Callable, Iterable

from devhost.clock import Clock
from devhost.durable.background import SideThread, cancel_all, finish_or_cancel
from devhost.durable.durable_functions import DurableFunctions
from devhost.durable.episode_store import EpisodeStore, WorkItem
from devhost.durable.failure_texts import activity_failure
from devhost.durable.protocol import Event, compact, task_completed, task_failed
from devhost.errors import FunctionFailed

_READ_AT_ONCE = 100
_RETRY_S = 1.0


class ActivityRunner:
    """At most `limit` activities run at once. A call counts as made only once its result is stored.

    Only a window of the queue is in memory. After a kill the calls without a result are made again.
    """

    def __init__(
        self,
        *,
        store: EpisodeStore,
        store_thread: SideThread,
        functions: DurableFunctions,
        clock: Clock,
        limit: int,
        wake: Callable[[Iterable[str]], None],
        logger: logging.Logger,
    ) -> None:
        self._store, self._store_thread = store, store_thread
        self._functions, self._clock = functions, clock
        self._limit, self._wake, self._logger = limit, wake, logger
        self._window: deque[WorkItem] = deque()
        self._read_up_to = 0
        self._may_have_more = False
        self._running: set[asyncio.Task[None]] = set()
        self._results: list[tuple[WorkItem, Event]] = []
        self._may_start, self._may_write = asyncio.Event(), asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []

    def work_added(self) -> None:
        """New calls are in the store."""
        self._may_have_more = True
        self._may_start.set()

    def start(self) -> None:
        """Begin with whatever is in the store."""
        self.work_added()
        self._loops = [asyncio.create_task(self._start_calls()), asyncio.create_task(self._write_results())]

    async def stop(self, timeout_s: float) -> None:
        """Start no call any more; those under way may end within `timeout_s`, the rest will be repeated."""
        await cancel_all(self._loops[:1])
        await finish_or_cancel(self._running, timeout_s)
        await cancel_all(self._loops[1:])
        if self._results:
            await self._store_thread.run(self._store.record_results, self._results)

    async def _start_calls(self) -> None:
        while True:
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
        try:
            items = await self._store_thread.run(self._store.next_work, after=self._read_up_to, limit=_READ_AT_ONCE)
        except sqlite3.Error:
            self._logger.exception("Queued activities could not be read; trying again")
            asyncio.get_running_loop().call_later(_RETRY_S, self.work_added)
            return False
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
            text = await self._functions.call_activity(item.name, item.input_text, instance_id=item.instance_id)
            event = task_completed(self._clock.now(), item.task_id, _stored_result(text))
        except FunctionFailed as failed:
            event = self._failure(item, failed)
        except Exception as fault:
            self._logger.exception(
                "Calling activity '%s' of instance '%s' failed in the host", item.name, item.instance_id
            )
            stack = "".join(traceback.format_exception(fault))
            event = self._failure(item, FunctionFailed(item.name, type(fault).__name__, str(fault), stack))
        self._results.append((item, event))
        self._may_write.set()

    def _failure(self, item: WorkItem, failed: FunctionFailed) -> Event:
        reason, details = activity_failure(item.name, failed)
        return task_failed(self._clock.now(), item.task_id, reason, details)

    async def _write_results(self) -> None:
        """While one batch is being written, the next one grows."""
        while True:
            await self._may_write.wait()
            self._may_write.clear()
            batch = list(self._results)
            try:
                woken = await self._store_thread.run(self._store.record_results, batch)
            except sqlite3.Error:
                self._logger.exception("Results of activities could not be written; trying again")
                await asyncio.sleep(_RETRY_S)
                self._may_write.set()
            else:
                del self._results[: len(batch)]
                self._wake(woken)


def _stored_result(text: str) -> str | None:
    """The product stores a result once parsed and written again, and None as no text at all."""
    value = json.loads(text)
    return None if value is None else compact(value)
