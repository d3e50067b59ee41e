"""Whether, and when, a failed attempt is made again. Decisions only; waiting is passed in."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from scraper.errors import FetchError, RateLimited
from scraper.models import Reason

BACKOFF_BASE_S = 0.5
BACKOFF_CAP_S = 30.0
LONGEST_WAIT_S = 60.0
"""A longer Retry-After is not waited for in place: the worker is needed elsewhere, and a batch has a time limit."""
LONGEST_PAUSE_S = 6 * 3600.0
"""A longer Retry-After is not waited for at all: the page fails."""
_CURABLE = frozenset({Reason.HTTP_429, Reason.HTTP_5XX, Reason.TIMEOUT, Reason.CONNECTION})

Sleep = Callable[[float], Awaitable[None]]
Random = Callable[[], float]
"""A number in [0, 1), as `random.random` gives."""
_Answer = TypeVar("_Answer")


def is_curable(error: FetchError) -> bool:
    """Whether the same request may succeed, before long."""
    too_late = isinstance(error, RateLimited) and (error.retry_after_s or 0.0) > LONGEST_PAUSE_S
    return error.reason in _CURABLE and not too_late


def delay_before_retry_s(error: FetchError, attempt: int, *, random: Random) -> float:
    """Seconds to wait after failed attempt number `attempt` (from 1).

    Exponential, capped, with full jitter; never less than what the server asked for, up to its own cap.
    """
    ceiling = min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2.0 ** min(attempt - 1, 16))
    backoff = ceiling * random()
    if isinstance(error, RateLimited) and error.retry_after_s is not None:
        return max(backoff, min(error.retry_after_s, LONGEST_WAIT_S))
    return backoff


async def fetch_with_retries(
    attempt: Callable[[], Awaitable[_Answer]], *, max_attempts: int, sleep: Sleep, random: Random
) -> tuple[_Answer, int]:
    """The answer of the first attempt that succeeds, and the number of attempts it took.

    Raises the last FetchError, with its `attempts` set, once none is left or another would not help.
    """
    number = 1
    while True:
        try:
            return await attempt(), number
        except FetchError as error:
            error.attempts = number
            if number >= max_attempts or not is_curable(error):
                raise
            delay_s = delay_before_retry_s(error, number, random=random)
        await sleep(delay_s)
        number += 1
