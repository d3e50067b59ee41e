"""A virtual clock for parts of the host that a test drives by themselves."""

import asyncio
from datetime import UTC, datetime, timedelta

from devhost.testing.rig.virtual_clock import VirtualClock

# Turns of the event loop given to woken tasks before time moves on: more than any chain of awaits needs.
SETTLE_TURNS = 50


class ManualClock(VirtualClock):
    """The kit's clock, moved by hand: a part alone cannot say when it is at rest, so tasks get turns instead."""

    def __init__(self, start: datetime = datetime(2026, 11, 3, 10, tzinfo=UTC)) -> None:
        super().__init__(start)

    async def advance(self, seconds: float) -> None:
        """Move forward, waking each sleeper at its own time and letting it work before going on."""
        await self.advance_to(self.now() + timedelta(seconds=seconds))

    async def advance_to(self, moment: datetime) -> None:
        """Move forward to `moment` (aware); a sleeper for exactly that time wakes too."""
        await self.settle()
        while (wake_at := self.next_wake(moment)) is not None:
            self.move_to(wake_at)
            await self.settle()
        self.move_to(max(self.now(), moment))
        await self.settle()

    def jump_to(self, moment: datetime) -> None:
        """Set the time, also backwards, without waking anyone: like a clock that was changed."""
        self._now = moment

    async def settle(self) -> None:
        """Let every task run until it waits for something."""
        for _ in range(SETTLE_TURNS):
            await asyncio.sleep(0)
