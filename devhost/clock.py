"""The only place in the host that asks what time it is."""

import asyncio
from datetime import UTC, datetime
from typing import Protocol

# The longest single sleep: a machine that was suspended, or whose clock was set, is late by no more.
LONGEST_SLEEP_S = 60.0


class Clock(Protocol):
    """What the host needs of time; a test may pass one that moves only when told."""

    def now(self) -> datetime:
        """The current time, aware, in UTC."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of this clock; at once if it is zero or less."""

    async def sleep_until(self, moment: datetime) -> None:
        """Return when `now()` is `moment` (aware) or later."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The current time, aware, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`; at once if it is zero or less."""
        await asyncio.sleep(max(0.0, seconds))

    async def sleep_until(self, moment: datetime) -> None:
        """Return when `now()` is `moment` (aware) or later, also if the machine's clock is set meanwhile."""
        while (remaining_s := (moment - self.now()).total_seconds()) > 0:
            await self.sleep(min(remaining_s, LONGEST_SLEEP_S))
