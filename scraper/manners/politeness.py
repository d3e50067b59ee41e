"""How a source's limits are divided among batches, and how one batch keeps to its share."""

import asyncio
import math
import random as randomness
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from scraper.models import Share

GAP = (1.02, 1.08)
"""The least and the greatest time between two starts, as a multiple of what the rate says."""
MAX_SLOWDOWN = 16.0
RECOVERY = 0.9
"""What is left of a slowdown after one good answer."""
SLOWDOWN_UNIT_S = 0.1
"""A source without a limit, or with a high one, is slowed down by multiples of this."""


def plan_window(concurrency: int, requests_per_second: float | None, max_parallel_batches: int) -> tuple[int, Share]:
    """How many batches of a source may run at a time, and the share of its limits that each may use.

    In any second, all of them together start at most `requests_per_second` requests, rounded up. The workers that run
    the batches cannot see each other, so the division is all that keeps a source's limits; what does not divide evenly
    is left unused, and of several divisions the one that leaves least is taken.
    """
    most = max(1, min(concurrency, max_parallel_batches))
    if requests_per_second is None:
        return most, Share(concurrency=concurrency // most)
    rate = requests_per_second

    def use(window: int) -> tuple[float, int, int]:
        return window * _lane_rate(rate, window), concurrency // window * window, window

    window = max(range(1, most + 1), key=use)
    return window, Share(concurrency=concurrency // window, requests_per_second=_lane_rate(rate, window))


def _lane_rate(rate: float, window: int) -> float:
    """Requests per second of each of `window` batches, 0 if there are too many of them.

    A batch that starts 2.5 a second starts 3 in some seconds: so many at most that the threes together are allowed.
    """
    part = rate / window
    # Rounding may have gone up: the parts together must not exceed the whole.
    part = math.nextafter(part, 0.0) if part * window > rate else part
    return min(part, float(math.ceil(rate) // window))


def pages_in_time(share: Share, *, at_most: int, seconds: float) -> int:
    """How many pages a batch with this share can ask for in `seconds`; at least one, and `at_most` as many."""
    if share.requests_per_second is None:
        return at_most
    return max(1, min(at_most, int(share.requests_per_second * seconds)))


class Pace:
    """One batch's share of a source's limits. Requests start in the order in which they asked.

    Two starts are a little further apart than the rate says, by a different bit each time: a server counts when
    requests arrive, and the network brings some of them closer together.
    """

    def __init__(
        self,
        share: Share,
        *,
        slowdown: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = randomness.random,
    ) -> None:
        self.slowdown = slowdown
        """How much slower than its rate the source is asked, since it complained; 1 is not at all."""
        self._slots = asyncio.Semaphore(share.concurrency)
        self._order = asyncio.Lock()
        self._interval_s = 0.0 if share.requests_per_second is None else 1.0 / share.requests_per_second
        self._clock, self._sleep, self._random = clock, sleep, random
        # The batch before this one may have asked a moment ago, so the first request waits its turn too.
        self._next_start = clock() + self._gap_s()
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

    def slow_down(self) -> None:
        """The server is overloaded, or says that we are too fast: take twice the time between requests."""
        self.slowdown = min(MAX_SLOWDOWN, self.slowdown * 2)

    def speed_up(self) -> None:
        """The server answered well: come a little nearer to the configured rate again."""
        self.slowdown = 1 + (self.slowdown - 1) * RECOVERY if self.slowdown > 1.01 else 1.0

    async def wait_for_start(self) -> None:
        """Wait until one more request may start in a slot that is held already: a redirect is a request, too."""
        async with self._order:
            # While one waits, somebody may ask for a pause.
            while (delay_s := max(self._next_start, self._held_until) - self._clock()) > 0:
                await self._sleep(delay_s)
            self._next_start = self._clock() + self._gap_s()

    def _gap_s(self) -> float:
        low, high = GAP
        extra_s = (self.slowdown - 1) * max(self._interval_s, SLOWDOWN_UNIT_S)
        return self._interval_s * (low + (high - low) * self._random()) + extra_s
