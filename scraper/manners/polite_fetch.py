"""One URL, with retries, at a source's pace."""

import asyncio
import random as randomness
from collections.abc import Awaitable, Callable
from typing import Protocol

from scraper.errors import RateLimited
from scraper.fetch.fetcher import FetchedPage, FetchLimits
from scraper.manners.politeness import Pace
from scraper.manners.retries import RETRY_AFTER_CAP_S, Random, Sleep, fetch_with_retries

Fetch = Callable[[str], Awaitable[tuple[FetchedPage, int]]]
"""The page at a URL, and the attempts that it took. Raises FetchError."""


class OneAttempt(Protocol):
    """What is needed of a Fetcher; tests pass saved pages."""

    async def fetch(self, url: str, limits: FetchLimits) -> FetchedPage:
        """One attempt. Raises FetchError."""


def polite_fetch(
    fetcher: OneAttempt,
    limits: FetchLimits,
    *,
    pace: Pace,
    max_attempts: int,
    sleep: Sleep = asyncio.sleep,
    random: Random = randomness.random,
) -> Fetch:
    """A function that fetches a URL within `limits`; every attempt waits for its turn at `pace`.

    A page that waits for its next attempt holds no slot. A server's Retry-After pauses all pages of the pace.
    """

    async def fetch(url: str) -> tuple[FetchedPage, int]:
        async def attempt() -> FetchedPage:
            async with pace.turn():
                try:
                    return await fetcher.fetch(url, limits)
                except RateLimited as refusal:
                    if refusal.retry_after_s is not None:
                        pace.hold(min(refusal.retry_after_s, RETRY_AFTER_CAP_S))
                    raise

        return await fetch_with_retries(attempt, max_attempts=max_attempts, sleep=sleep, random=random)

    return fetch
