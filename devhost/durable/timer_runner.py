"""Fires the timers of orchestrations when they are due."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from devhost.clock import Clock
from devhost.durable.background import SideThread, cancel_all, first_of, repeat
from devhost.durable.episode_store import EpisodeStore

_MIN_SLEEP_S = 0.001
_MAX_SLEEP_S = 60.0  # the machine's clock may be set, or the machine may sleep, while we wait


class TimerRunner:
    """Sleeps until the next timer is due, or until the timers change."""

    def __init__(
        self,
        *,
        store: EpisodeStore,
        store_thread: SideThread,
        clock: Clock,
        wake: Callable[[Iterable[str]], None],
        fault_pause_s: float,
        logger: logging.Logger,
    ) -> None:
        self._store, self._store_thread, self._clock = store, store_thread, clock
        self._wake, self._fault_pause_s, self._logger = wake, fault_pause_s, logger
        self._changed = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    def timers_changed(self) -> None:
        """An earlier timer than the one waited for may be in the store."""
        self._changed.set()

    def start(self) -> None:
        """Fire what is due already, then wait."""
        self._loop = asyncio.create_task(
            repeat(self._fire_and_wait, what="Firing timers", pause_s=self._fault_pause_s, logger=self._logger)
        )

    async def stop(self) -> None:
        """Fire nothing any more."""
        if self._loop is not None:
            await cancel_all([self._loop])

    async def _fire_and_wait(self) -> None:
        self._changed.clear()
        sleep_s = await self._fire()
        await first_of(self._changed.wait(), self._clock.sleep(sleep_s))

    async def _fire(self) -> float:
        """Fire what is due; seconds until the next look."""
        woken, next_at = await self._store_thread.run(self._store.fire_timers, self._clock.now())
        self._wake(woken)
        if next_at is None:
            return _MAX_SLEEP_S
        return min(_MAX_SLEEP_S, max(_MIN_SLEEP_S, (next_at - self._clock.now()).total_seconds()))
