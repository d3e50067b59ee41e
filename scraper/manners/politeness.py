"""How a source's limits are divided among batches, and how one batch keeps to its share."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from scraper.models import Share


def plan_window(concurrency: int, requests_per_second: float | None, max_parallel_batches: int) -> tuple[int, Share]:
    """How many batches of a source may run at a time, and the share of its limits that each may use.

    Window times share never exceeds the limits. The workers that run the batches cannot see each other, so
    the division is all that keeps a source's limits; what does not divide evenly is left unused.
    """
    window = max(1, min(concurrency, max_parallel_batches))
    rate = None if requests_per_second is None else _part(requests_per_second, window)
    return window, Share(concurrency=max(1, concurrency // window), requests_per_second=rate)


def pages_in_time(share: Share, *, at_most: int, seconds: float) -> int:
    """How many pages a batch with this share can ask for in `seconds`; at least one, and `at_most` as many."""
    if share.requests_per_second is None:
        return at_most
    return max(1, min(at_most, int(share.requests_per_second * seconds)))


def _part(whole: float, count: int) -> float:
    part = whole / count
    # Rounding may have gone up: the parts together must not exceed the whole.
    return math.nextafter(part, 0.0) if part * count > whole else part


class Pace:
    """One batch's share of a source's limits. Requests start in the order in which they asked."""

    def __init__(
        self,
        share: Share,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._slots = asyncio.Semaphore(share.concurrency)
        self._interval_s = 0.0 if share.requests_per_second is None else 1.0 / share.requests_per_second
        self._clock, self._sleep = clock, sleep
        # The batch before this one may have asked a moment ago, so the first request waits its turn too.
        self._next_start = clock() + self._interval_s
        self._held_until = -math.inf

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until a request may start; the slot is held until the block ends."""
        async with self._slots:
            await self.wait_for_start()
            yield

    def hold(self, seconds: float) -> None:
        """Start nothing for `seconds`: the server asked for a pause, and it means the site, not one page."""
        self._held_until = max(self._held_until, self._clock() + seconds)

    async def wait_for_start(self) -> None:
        """Wait until one more request may start in a slot that is held already: a redirect is a request, too."""
        while True:
            start = max(self._clock(), self._next_start, self._held_until)
            self._next_start = start + self._interval_s
            delay_s = start - self._clock()
            if delay_s > 0:
                await self._sleep(delay_s)
            if start >= self._held_until:
                return  # else a pause was asked for meanwhile: take a new turn behind it
