"""A clock that moves only when a test says so."""

import asyncio
import heapq
from datetime import UTC, datetime, timedelta

# Turns of the event loop given to woken tasks before time moves on: more than any chain of awaits needs.
SETTLE_TURNS = 50


class ManualClock:
    """`devhost.clock.Clock` for tests: sleepers wake in order of time while the test advances it.

    Deterministic as long as the code under test waits only for this clock and for its own tasks; for work
    in threads or sockets, poll for the result after `advance`.
    """

    def __init__(self, start: datetime = datetime(2026, 11, 3, 10, tzinfo=UTC)) -> None:
        self._now = start
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._order = 0

    def now(self) -> datetime:
        """The time as last set."""
        return self._now

    @property
    def sleeper_count(self) -> int:
        """How many tasks are waiting for a later time."""
        return sum(not future.done() for _, _, future in self._sleepers)

    async def sleep(self, seconds: float) -> None:
        """Return once the test has advanced the clock by `seconds`; at once if it is zero or less."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._order += 1
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), self._order, future))
        await future

    async def advance(self, seconds: float) -> None:
        """Move forward, waking each sleeper at its own time and letting it work before going on."""
        await self.advance_to(self._now + timedelta(seconds=seconds))

    async def advance_to(self, moment: datetime) -> None:
        """Move forward to `moment` (aware); a sleeper for exactly that time wakes too."""
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= moment:
            wake_at, _, future = heapq.heappop(self._sleepers)
            if future.done():  # its task was cancelled
                continue
            self._now = max(self._now, wake_at)
            future.set_result(None)
            await self.settle()
        self._now = max(self._now, moment)
        await self.settle()

    def jump_to(self, moment: datetime) -> None:
        """Set the time, also backwards, without waking anyone: like a clock that was changed."""
        self._now = moment

    async def settle(self) -> None:
        """Let every task run until it waits for something."""
        for _ in range(SETTLE_TURNS):
            await asyncio.sleep(0)
