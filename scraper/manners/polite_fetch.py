"""One URL, with retries, at a source's pace."""

import asyncio
import random as randomness
from http import HTTPStatus
from typing import Protocol

from scraper.errors import FetchError, LongPauseAsked, RateLimited
from scraper.fetch.answers import FetchedPage
from scraper.fetch.fetcher import BeforeHop
from scraper.fetch.limits import FetchLimits
from scraper.manners.politeness import Pace
from scraper.manners.retries import LONGEST_PAUSE_S, LONGEST_WAIT_S, Random, Sleep, fetch_with_retries
from scraper.page_version import Validators


class Fetch(Protocol):
    """Fetches a URL, in as many attempts as it takes."""

    async def __call__(self, url: str, /) -> tuple[FetchedPage, int]:
        """The page, and the attempts that it took. Raises FetchError."""


class ConditionalFetch(Fetch, Protocol):
    """The same, and may ask for a page only if it is another version than that of `validators`."""

    async def __call__(self, url: str, validators: Validators | None = None, /) -> tuple[FetchedPage, int]:
        """The page, or that it has not been modified; and the attempts that it took. Raises FetchError."""


_TOO_FAST = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


class OneAttempt(Protocol):
    """What is needed of a Fetcher; tests pass saved pages."""

    async def fetch(
        self, url: str, limits: FetchLimits, *, validators: Validators | None = None, before_hop: BeforeHop
    ) -> FetchedPage:
        """One attempt. Raises FetchError."""


def polite_fetch(
    fetcher: OneAttempt,
    limits: FetchLimits,
    *,
    pace: Pace,
    max_attempts: int,
    sleep: Sleep = asyncio.sleep,
    random: Random = randomness.random,
) -> ConditionalFetch:
    """A function that fetches a URL within `limits`; every attempt, and every redirect, waits for its turn at `pace`.

    A page that waits for its next attempt holds no slot. A server's Retry-After pauses all pages of the pace; 429 and
    503 slow it down, and good answers bring it back. A pause that is too long to be waited for raises LongPauseAsked.
    """

    async def fetch(url: str, validators: Validators | None = None, /) -> tuple[FetchedPage, int]:
        async def hop(target: str) -> None:
            await pace.wait_for_start()

        async def attempt() -> FetchedPage:
            async with pace.turn():
                try:
                    page = await fetcher.fetch(url, limits, validators=validators, before_hop=hop)
                except FetchError as error:
                    _heed(error, pace)
                    raise
            pace.speed_up()
            return page

        return await fetch_with_retries(attempt, max_attempts=max_attempts, sleep=sleep, random=random)

    return fetch


def _heed(error: FetchError, pace: Pace) -> None:
    """A server that is overloaded, or asks us to be slower, means the site, not one page."""
    if error.status in _TOO_FAST:
        pace.slow_down()
    if not isinstance(error, RateLimited) or error.retry_after_s is None:
        return
    if LONGEST_WAIT_S < error.retry_after_s <= LONGEST_PAUSE_S:
        raise LongPauseAsked(error.url, error.retry_after_s) from error
    pace.hold(min(error.retry_after_s, LONGEST_WAIT_S))
