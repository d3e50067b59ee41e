"""A source's limits, divided and kept, in simulated time."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.manners.politeness import Pace, pages_in_time, plan_window
from scraper.models import Share

RATES = st.floats(min_value=0.001, max_value=1000)


@given(st.integers(1, 64), st.one_of(st.none(), RATES), st.integers(1, 100))
def test_window_times_share_never_exceeds_the_limits(concurrency: int, rate: float | None, parallel: int) -> None:
    window, share = plan_window(concurrency, rate, parallel)
    assert 1 <= window <= parallel
    assert window * share.concurrency <= concurrency
    assert rate is None or window * (share.requests_per_second or 0) <= rate


@given(st.integers(1, 64), RATES, st.integers(1, 100))
def test_the_rate_is_used_up_to_rounding(concurrency: int, rate: float, parallel: int) -> None:
    window, share = plan_window(concurrency, rate, parallel)
    assert window * (share.requests_per_second or 0) >= rate * 0.999999


def test_a_source_with_little_concurrency_gets_a_small_window() -> None:
    assert plan_window(2, 4.0, 8) == (2, Share(concurrency=1, requests_per_second=2.0))


class Time:
    """A clock that moves when something sleeps on it."""

    def __init__(self) -> None:
        self.now = 100.0

    async def sleep(self, seconds: float) -> None:
        wake_at = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, wake_at)


async def starts(pace: Pace, time: Time, count: int) -> list[tuple[int, float]]:
    started: list[tuple[int, float]] = []

    async def ask(number: int) -> None:
        async with pace.turn():
            started.append((number, round(time.now, 6)))

    await asyncio.gather(*(ask(number) for number in range(count)))
    return started


async def test_requests_start_in_order_and_never_faster_than_the_rate() -> None:
    time = Time()
    pace = Pace(Share(concurrency=1, requests_per_second=4), clock=lambda: time.now, sleep=time.sleep)
    assert await starts(pace, time, 4) == [(0, 100.25), (1, 100.5), (2, 100.75), (3, 101.0)]


async def test_an_idle_pace_saves_up_no_burst() -> None:
    time = Time()
    pace = Pace(Share(concurrency=1, requests_per_second=2), clock=lambda: time.now, sleep=time.sleep)
    time.now = 200.0
    assert await starts(pace, time, 3) == [(0, 200.0), (1, 200.5), (2, 201.0)]


async def test_a_hold_delays_even_a_request_that_waits_already() -> None:
    time = Time()
    pace = Pace(Share(concurrency=2, requests_per_second=10), clock=lambda: time.now, sleep=time.sleep)
    waiting = asyncio.create_task(starts(pace, time, 1))
    await asyncio.sleep(0)
    pace.hold(5)
    assert (await waiting)[0][1] >= 105.0


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_no_more_requests_are_in_flight_than_the_share_allows(concurrency: int) -> None:
    pace = Pace(Share(concurrency=concurrency))
    in_flight, most = 0, 0

    async def ask() -> None:
        nonlocal in_flight, most
        async with pace.turn():
            in_flight += 1
            most = max(most, in_flight)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            in_flight -= 1

    await asyncio.gather(*(ask() for _ in range(10)))
    assert most == concurrency


async def test_a_cancelled_waiter_gives_its_slot_back() -> None:
    pace = Pace(Share(concurrency=1))

    async def hold_for_ever() -> None:
        async with pace.turn():
            await asyncio.Event().wait()

    holder = asyncio.create_task(hold_for_ever())
    await asyncio.sleep(0)
    holder.cancel()
    async with asyncio.timeout(1), pace.turn():
        assert holder.cancelled()


@pytest.mark.parametrize(
    ("rate", "pages"), [(None, 100), (5.0, 100), (0.1, 60), (0.0001, 1)], ids=["no-limit", "fast", "slow", "glacial"]
)
def test_a_batch_of_a_slow_source_has_only_the_pages_that_fit_into_its_time(rate: float | None, pages: int) -> None:
    share = Share(concurrency=1, requests_per_second=rate)
    assert pages_in_time(share, at_most=100, seconds=600) == pages
