"""Sleeping until a moment on a clock that others may set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from devhost.clock import SystemClock

START = datetime(2026, 11, 3, 10, tzinfo=UTC)


class SetClock(SystemClock):
    """Moves while it sleeps; the machine sleeps through `lid_closed` at the first one."""

    def __init__(self, lid_closed: timedelta) -> None:
        self.slept: list[float] = []
        self._now, self._lid_closed = START, lid_closed

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._now += timedelta(seconds=seconds) + self._lid_closed
        self._lid_closed = timedelta()


async def test_a_long_sleep_looks_at_the_clock_once_a_minute() -> None:
    clock = SetClock(lid_closed=timedelta())
    await clock.sleep_until(START + timedelta(seconds=130))
    assert clock.slept == [60.0, 60.0, 10.0]


async def test_a_machine_that_slept_too_long_is_late_by_no_more_than_a_minute() -> None:
    clock = SetClock(lid_closed=timedelta(hours=3))
    await clock.sleep_until(START + timedelta(hours=1))
    assert clock.slept == [60.0]


async def test_a_moment_in_the_past_takes_no_sleep() -> None:
    clock = SetClock(lid_closed=timedelta())
    await clock.sleep_until(START - timedelta(seconds=1))
    assert clock.slept == []
