"""A source's limits, divided and kept, in simulated time."""

import asyncio
import itertools
import math
from bisect import bisect_left
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.manners.politeness import GAP, MAX_SLOWDOWN, Pace, pages_in_time, plan_window
from scraper.models import Share

RATES = st.floats(min_value=0.001, max_value=1000)


@given(st.integers(1, 64), st.one_of(st.none(), RATES), st.integers(1, 100))
def test_window_times_share_never_exceeds_the_limits(concurrency: int, rate: float | None, parallel: int) -> None:
    window, share = plan_window(concurrency, rate, parallel)
    assert 1 <= window <= parallel
    assert window * share.concurrency <= concurrency
    assert rate is None or window * (share.requests_per_second or 0) <= rate


@given(st.integers(1, 64), RATES, st.integers(1, 8), st.randoms(use_true_random=False))
def test_in_any_second_all_batches_together_start_at_most_the_rate(
    concurrency: int, rate: float, parallel: int, random: Random
) -> None:
    """Each batch starts at its own moment, with gaps that are as short as they may be."""
    window, share = plan_window(concurrency, rate, parallel)
    gap_s = 1 / (share.requests_per_second or 1)
    starts = sorted(
        offset + number * gap_s
        for offset in [random.random() * gap_s for _ in range(window)]
        for number in range(math.ceil(3 / gap_s) + 1)
    )
    for number, first in enumerate(starts):
        assert bisect_left(starts, first + 1 - 1e-9) - number <= math.ceil(rate)


@given(st.integers(1, 64), st.integers(1, 1000), st.integers(1, 100))
def test_a_whole_rate_is_used_whole(concurrency: int, rate: int, parallel: int) -> None:
    window, share = plan_window(concurrency, rate, parallel)
    assert window * (share.requests_per_second or 0) >= rate * 0.999999


@given(st.integers(1, 64), RATES, st.integers(1, 100))
def test_no_rate_is_given_away_for_more_batches(concurrency: int, rate: float, parallel: int) -> None:
    window, share = plan_window(concurrency, rate, parallel)
    assert window * (share.requests_per_second or 0) >= rate * 0.999999


@given(st.integers(1, 64), st.one_of(st.none(), RATES), st.integers(1, 100), st.integers(1, 100))
def test_the_fewer_batches_there_are_the_more_each_may_use(
    concurrency: int, rate: float | None, parallel: int, batches: int
) -> None:
    """So a batch that is cut for the share of many is done in time with that of a few."""
    few_window, of_few = plan_window(concurrency, rate, min(parallel, batches))
    window, of_many = plan_window(concurrency, rate, parallel)
    assert few_window <= window
    assert of_few.concurrency >= of_many.concurrency
    assert (of_few.requests_per_second or 0) >= (of_many.requests_per_second or 0)


def test_a_source_with_little_concurrency_gets_a_small_window() -> None:
    assert plan_window(2, 4.0, 8) == (2, Share(concurrency=1, requests_per_second=2.0))


@pytest.mark.parametrize(
    ("rate", "window", "each"), [(2.0, 2, 1.0), (0.5, 1, 0.5), (7.0, 1, 7.0), (10.0, 2, 5.0), (500.0, 4, 125.0)]
)
def test_a_rate_is_divided_into_whole_numbers(rate: float, window: int, each: float) -> None:
    concurrency = 16 if rate > 2 else 2
    assert plan_window(concurrency, rate, 4) == (
        window,
        Share(concurrency=concurrency // window, requests_per_second=each),
    )


class Time:
    """A clock that moves when something sleeps on it."""

    def __init__(self) -> None:
        self.now = 100.0

    async def sleep(self, seconds: float) -> None:
        wake_at = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, wake_at)


def shortest() -> float:
    """A random number with which gaps are as short as they get, but for the least one."""
    return (1 - GAP[0]) / (GAP[1] - GAP[0])


async def starts(pace: Pace, time: Time, count: int) -> list[tuple[int, float]]:
    started: list[tuple[int, float]] = []

    async def ask(number: int) -> None:
        async with pace.turn():
            started.append((number, round(time.now, 6)))

    await asyncio.gather(*(ask(number) for number in range(count)))
    return started


async def test_requests_start_in_order_and_never_faster_than_the_rate() -> None:
    time = Time()
    pace = Pace(Share(concurrency=1, requests_per_second=4), clock=lambda: time.now, sleep=time.sleep, random=shortest)
    assert await starts(pace, time, 4) == [(0, 100.25), (1, 100.5), (2, 100.75), (3, 101.0)]


async def test_an_idle_pace_saves_up_no_burst() -> None:
    time = Time()
    pace = Pace(Share(concurrency=1, requests_per_second=2), clock=lambda: time.now, sleep=time.sleep, random=shortest)
    time.now = 200.0
    assert await starts(pace, time, 3) == [(0, 200.0), (1, 200.5), (2, 201.0)]


async def test_gaps_are_never_shorter_than_the_rate_says_and_differ() -> None:
    time = Time()
    pace = Pace(Share(concurrency=1, requests_per_second=4), clock=lambda: time.now, sleep=time.sleep)
    moments = [moment for _, moment in await starts(pace, time, 20)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert min(gaps) >= 0.25 * GAP[0]
    assert max(gaps) <= 0.25 * GAP[1] + 1e-6
    assert len({round(gap, 5) for gap in gaps}) > 10


async def test_a_start_that_came_late_does_not_bring_the_next_one_closer() -> None:
    time = Time()

    async def oversleep(seconds: float) -> None:
        await time.sleep(seconds + 0.2)

    pace = Pace(Share(concurrency=3, requests_per_second=4), clock=lambda: time.now, sleep=oversleep, random=shortest)
    assert await starts(pace, time, 3) == [(0, 100.45), (1, 100.9), (2, 101.35)]


async def test_a_server_that_complains_is_asked_half_as_often_and_by_and_by_as_before() -> None:
    time = Time()
    pace = Pace(Share(concurrency=1, requests_per_second=1), clock=lambda: time.now, sleep=time.sleep, random=shortest)
    pace.slow_down()
    assert await starts(pace, time, 2) == [(0, 101.0), (1, 103.0)]
    for _ in range(10):
        pace.slow_down()
    assert pace.slowdown == MAX_SLOWDOWN
    seen = [pace.slowdown]
    while pace.slowdown > 1:
        pace.speed_up()
        seen.append(pace.slowdown)
    assert seen == sorted(seen, reverse=True)
    assert 20 < len(seen) < 100


async def test_a_source_without_a_limit_is_slowed_down_too() -> None:
    time = Time()
    pace = Pace(Share(concurrency=1), slowdown=3.0, clock=lambda: time.now, sleep=time.sleep)
    assert await starts(pace, time, 2) == [(0, 100.2), (1, 100.4)]


async def test_a_hold_delays_even_a_request_that_waits_already() -> None:
    time = Time()
    pace = Pace(Share(concurrency=2, requests_per_second=10), clock=lambda: time.now, sleep=time.sleep, random=shortest)
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
