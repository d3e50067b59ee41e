import asyncio
from datetime import UTC, datetime

from tests.helpers.manual_clock import ManualClock


async def test_sleepers_wake_in_order_of_time_and_see_their_own_time() -> None:
    clock = ManualClock(datetime(2026, 11, 3, 10, tzinfo=UTC))
    woken: list[tuple[str, str]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, f"{clock.now():%H:%M:%S}"))

    tasks = [asyncio.create_task(sleeper("late", 20)), asyncio.create_task(sleeper("soon", 10))]
    await clock.advance(20)
    await asyncio.gather(*tasks)
    assert woken == [("soon", "10:00:10"), ("late", "10:00:20")]


async def test_a_sleeper_does_not_wake_early() -> None:
    clock = ManualClock()
    task = asyncio.create_task(clock.sleep(10))
    await clock.advance(9.999)
    assert (task.done(), clock.sleeper_count) == (False, 1)
    task.cancel()
    await clock.settle()
    assert clock.sleeper_count == 0


async def test_a_sleep_of_zero_returns_without_an_advance() -> None:
    clock = ManualClock()
    await clock.sleep(0)
    assert clock.now() == datetime(2026, 11, 3, 10, tzinfo=UTC)
