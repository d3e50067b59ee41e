"""Fires the timers of orchestrations when they are due."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime

from devhost.background import cancel_all, first_of, repeat
from devhost.durable.runners.runner_tools import RunnerTools


class TimerRunner:
    """Sleeps until the next timer is due, or until the timers change."""

    def __init__(self, tools: RunnerTools, *, wake: Callable[[Iterable[str]], None]) -> None:
        self._store, self._store_thread, self._clock = tools.store.episodes, tools.store_thread, tools.clock
        self._wake, self._fault_pause_s, self._logger = wake, tools.fault_pause_s, tools.logger
        self._changed = asyncio.Event()
        self._is_firing = False
        self._next_at: datetime | None = None
        self._loop: asyncio.Task[None] | None = None

    @property
    def next_at(self) -> datetime | None:
        """When the next timer is due, as far as it is known; None if there is none."""
        return self._next_at

    @property
    def is_at_rest(self) -> bool:
        """True if no timer is due, and none was added that has not been looked at."""
        is_due = self._next_at is not None and self._next_at <= self._clock.now()
        return not (is_due or self._is_firing or self._changed.is_set())

    def timers_changed(self) -> None:
        """An earlier timer than the one waited for may be in the store."""
        self._changed.set()

    def start(self) -> None:
        """Fire what is due already, then wait."""
        self._changed.set()
        self._loop = asyncio.create_task(
            repeat(self._fire_and_wait, what="Firing timers", pause_s=self._fault_pause_s, logger=self._logger)
        )

    async def stop(self) -> None:
        """Fire nothing any more."""
        if self._loop is not None:
            await cancel_all([self._loop])

    async def _fire_and_wait(self) -> None:
        self._is_firing = True
        self._changed.clear()
        try:
            woken, self._next_at = await self._store_thread.run(self._store.fire_timers, self._clock.now())
            self._wake(woken)
        finally:
            self._is_firing = False
        await self._changed_or_due()

    async def _changed_or_due(self) -> None:
        if self._next_at is None:
            await self._changed.wait()
        else:
            await first_of(self._changed.wait(), self._clock.sleep_until(self._next_at))
