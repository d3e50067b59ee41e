"""A clock that stands still until somebody moves it."""

import asyncio
import heapq
from datetime import UTC, datetime, timedelta

from devhost.testing.errors import KitError
from devhost.testing.rig.parked_work import Work

DEFAULT_START = datetime(2026, 1, 1, tzinfo=UTC)


class VirtualClock:
    """`devhost.clock.Clock` whose sleepers wake while it is moved, each at its own time and in order.

    A replaced activity may sleep, too: `await host.clock.sleep(30)` takes half a minute of virtual time.
    """

    def __init__(self, start: datetime = DEFAULT_START) -> None:
        """`start` is aware; raises KitError if not."""
        if start.tzinfo is None:
            raise KitError(f"The start {start} has no time zone: add tzinfo=UTC.")
        self._now = start.astimezone(UTC)
        self._sleepers: list[tuple[datetime, int, _Sleeper]] = []
        self._order = 0

    def now(self) -> datetime:
        """The time as last set, aware, in UTC."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Return once the clock has moved by `seconds`; at once if it is zero or less."""
        await self.sleep_until(self._now + timedelta(seconds=seconds))

    async def sleep_until(self, moment: datetime) -> None:
        """Return once the clock shows `moment` (aware) or later."""
        if moment <= self._now:
            await asyncio.sleep(0)
            return
        sleeper = _Sleeper(asyncio.get_running_loop().create_future(), Work.current())
        self._order += 1
        heapq.heappush(self._sleepers, (moment, self._order, sleeper))
        try:
            await sleeper.future
        finally:
            sleeper.stand_up()

    @property
    def sleeper_count(self) -> int:
        """How many tasks wait for a later time."""
        return sum(not sleeper.future.done() for _, _, sleeper in self._sleepers)

    @property
    def next_work_at(self) -> datetime | None:
        """When the next sleeper that is part of a call or a request wakes; None if there is none."""
        return min((at for at, _, one in self._sleepers if one.is_parked), default=None)

    def next_wake(self, until: datetime) -> datetime | None:
        """When the first sleeper wakes, if that is at `until` at the latest."""
        while self._sleepers and self._sleepers[0][2].future.done():
            heapq.heappop(self._sleepers)
        if not self._sleepers or self._sleepers[0][0] > until:
            return None
        return max(self._now, self._sleepers[0][0])

    def move_to(self, moment: datetime) -> None:
        """Set the time and wake everyone who is due by then; to an earlier time, wake nobody."""
        self._now = moment
        while self._sleepers and self._sleepers[0][0] <= moment:
            _, _, sleeper = heapq.heappop(self._sleepers)
            sleeper.wake()


class _Sleeper:
    def __init__(self, future: "asyncio.Future[None]", work: Work | None) -> None:
        self.future, self._work, self._is_parked = future, work, work is not None
        if work is not None:
            work.park()

    @property
    def is_parked(self) -> bool:
        return self._is_parked and not self.future.done()

    def wake(self) -> None:
        """The work counts as busy from now on, not from when its task gets its turn."""
        self.stand_up()
        if not self.future.done():
            self.future.set_result(None)

    def stand_up(self) -> None:
        if self._is_parked and self._work is not None:
            self._is_parked = False
            self._work.unpark()
