"""`@app.retry` of a timer: what it says, and what it does on a clock that the test moves."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from devhost.errors import FunctionFailed
from devhost.functions.context import RetryContext
from devhost.timers.retries import run_with_retries
from devhost.timers.retry_policy import NO_LIMIT, RetryPolicy, RetryPolicyError, read_retry_policy
from tests.helpers.manual_clock import ManualClock

LOGGER = logging.getLogger("tests.retries")


class Flaky:
    """Fails `failures` times, then succeeds; notes when and with which context it was called."""

    def __init__(self, clock: ManualClock, failures: int) -> None:
        self.clock, self.failures = clock, failures
        self.started_at = clock.now()
        self.contexts: list[RetryContext | None] = []
        self.times: list[float] = []

    async def __call__(self, retry: RetryContext | None) -> None:
        self.contexts.append(retry)
        self.times.append((self.clock.now() - self.started_at).total_seconds())
        if len(self.contexts) <= self.failures:
            raise FunctionFailed("nightly", "ValueError", f"no {len(self.contexts)}", "stack")


async def run(flaky: Flaky, policy: RetryPolicy | None, *, for_s: float = 1000.0) -> BaseException | None:
    running = asyncio.ensure_future(
        run_with_retries(flaky, policy, clock=flaky.clock, logger=LOGGER, jitter=lambda: 0.5)
    )
    await flaky.clock.advance(for_s)
    if not running.done():
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return None
    return running.exception()


@pytest.mark.row("host/1.7/retry-timer")
async def test_a_fixed_delay_repeats_until_the_run_succeeds() -> None:
    flaky = Flaky(ManualClock(), failures=2)
    assert await run(flaky, RetryPolicy(3, 5.0, 5.0)) is None
    assert flaky.times == [0.0, 5.0, 10.0]


async def test_the_function_sees_which_attempt_it_is_and_why() -> None:
    flaky = Flaky(ManualClock(), failures=1)
    await run(flaky, RetryPolicy(3, 5.0, 5.0))
    first, second = flaky.contexts
    assert first == RetryContext(0, 3, None)
    assert second is not None
    assert (second.retry_count, second.max_retry_count) == (1, 3)
    assert second.exception is not None
    assert second.exception.message == "ValueError: no 1"
    assert second.rpc_exception is second.exception


async def test_after_the_last_retry_the_failure_stands() -> None:
    flaky = Flaky(ManualClock(), failures=99)
    failure = await run(flaky, RetryPolicy(3, 5.0, 5.0))
    assert isinstance(failure, FunctionFailed)
    assert (failure.message, len(flaky.contexts)) == ("no 4", 4)


async def test_no_limit_means_no_limit() -> None:
    flaky = Flaky(ManualClock(), failures=10_000)
    assert await run(flaky, RetryPolicy(NO_LIMIT, 1.0, 1.0), for_s=100) is None
    assert len(flaky.contexts) == 101


async def test_exponential_delays_double_up_to_the_longest() -> None:
    flaky = Flaky(ManualClock(), failures=6)
    await run(flaky, RetryPolicy(6, 10.0, 60.0))
    assert flaky.times == [0.0, 10.0, 30.0, 60.0, 110.0, 170.0, 230.0]


async def test_without_a_policy_nothing_is_repeated() -> None:
    flaky = Flaky(ManualClock(), failures=1)
    assert isinstance(await run(flaky, None), FunctionFailed)
    assert flaky.contexts == [None]


async def test_no_retries_at_all_is_a_policy_too() -> None:
    flaky = Flaky(ManualClock(), failures=1)
    assert isinstance(await run(flaky, RetryPolicy(0, 1.0, 1.0)), FunctionFailed)
    assert flaky.contexts == [RetryContext(0, 0, None)]


def setting(**changes: Any) -> dict[str, Any]:
    return {"strategy": "fixed_delay", "max_retry_count": "3", "delay_interval": "00:01:05", **changes}


def test_the_policy_is_read_as_the_library_keeps_it() -> None:
    assert read_retry_policy(setting()) == RetryPolicy(3, 65.0, 65.0)
    assert read_retry_policy(None) is None
    exponential = {"strategy": "exponential_backoff", "minimum_interval": "00:00:10", "maximum_interval": "00:15:00"}
    assert read_retry_policy({"max_retry_count": -1, **exponential}) == RetryPolicy(NO_LIMIT, 10.0, 900.0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"max_retry_count": "many"}, "max_retry_count is 'many'; write a whole number"),
        ({"max_retry_count": "-2"}, "max_retry_count is '-2'; write a whole number"),
        ({"delay_interval": None}, "delay_interval is 'None'; write hh:mm:ss"),
        ({"delay_interval": "5"}, "delay_interval is '5'; write hh:mm:ss"),
        ({"strategy": "sometimes"}, "the strategy 'sometimes' is unknown; write fixed_delay or exponential_backoff"),
        ({"strategy": "exponential_backoff"}, "minimum_interval is 'None'"),
        (
            {"strategy": "exponential_backoff", "minimum_interval": "00:01:00", "maximum_interval": "00:00:01"},
            "minimum_interval is longer than maximum_interval",
        ),
    ],
)
def test_a_bad_policy_is_refused_with_the_cure(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(RetryPolicyError, match=reason):
        read_retry_policy(setting(**changes))
