"""A clock for hubs that work in threads: it runs as the machine's does, and leaps when a test says so."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta


class LeapingClock:
    """`devhost.clock.Clock`: the machine's time plus all leaps so far; whoever slept long enough by it wakes."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)
        self._leapt = asyncio.Event()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    async def sleep(self, seconds: float) -> None:
        await self.sleep_until(self.now() + timedelta(seconds=seconds))

    async def sleep_until(self, moment: datetime) -> None:
        while (left_s := (moment - self.now()).total_seconds()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._leapt.wait(), left_s)

    def leap(self, time: timedelta) -> None:
        """Be so much later at once."""
        self._ahead += time
        self._leapt.set()
        self._leapt = asyncio.Event()
