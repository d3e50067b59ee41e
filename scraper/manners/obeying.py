"""What robots.txt means for a source: which of its pages are asked for, and at which pace."""

import asyncio
import math
from collections.abc import Iterable
from dataclasses import replace

from scraper.fetch.answers import FetchedPage
from scraper.fetch.fetcher import BeforeHop
from scraper.fetch.limits import FetchLimits, limits_of
from scraper.manners.polite_fetch import OneAttempt, polite_fetch
from scraper.manners.politeness import Pace
from scraper.manners.robots import MAX_ROBOTS_BYTES, FetchRobots, Robots, RobotsDisallowed
from scraper.models import PageFailure, Share
from scraper.page_version import Validators
from scraper.sources import Source
from scraper.web_urls import origin_of

_LARGEST_BODY = 10 * MAX_ROBOTS_BYTES
_LEAST_REDIRECTS = 5
"""So many of robots.txt are followed at least. Source: RFC 9309, 2.3.1.2."""
_AT_A_TIME = 200


def robots_fetch(source: Source, fetcher: OneAttempt) -> FetchRobots:
    """How robots.txt is fetched for `source`: one request at a time, at its rate, with its retries."""
    pace = Pace(Share(concurrency=1, requests_per_second=source.requests_per_second))
    # Where the file itself is moved to is the site's affair, whatever the source says of its pages.
    own = limits_of(source)
    most = max(own.max_redirects, _LEAST_REDIRECTS)
    limits = replace(own, max_body_bytes=_LARGEST_BODY, cuts_body=True, max_redirects=most, hosts=None)

    async def fetch(url: str, take_turn: BeforeHop) -> FetchedPage:
        politely = polite_fetch(_InTurn(fetcher, take_turn), limits, pace=pace, max_attempts=source.max_attempts)
        page, _ = await politely(url)
        return page

    return fetch


class _InTurn:
    """A fetcher whose requests wait for `take_turn`, too."""

    def __init__(self, fetcher: OneAttempt, take_turn: BeforeHop) -> None:
        self._fetcher, self._take_turn = fetcher, take_turn

    async def fetch(
        self, url: str, limits: FetchLimits, *, validators: Validators | None = None, before_hop: BeforeHop
    ) -> FetchedPage:
        async def hop(target: str) -> None:
            await before_hop(target)
            await self._take_turn(target)

        await self._take_turn(url)
        return await self._fetcher.fetch(url, limits, validators=validators, before_hop=hop)


class ObeyingFetcher:
    """A fetcher that asks for nothing that `robots` refuses, also where a redirect leads.

    What it asks to learn that takes turns as redirects do: by `before_hop`.
    """

    def __init__(self, fetcher: OneAttempt, robots: Robots) -> None:
        self._fetcher, self._robots = fetcher, robots

    async def fetch(
        self, url: str, limits: FetchLimits, *, validators: Validators | None = None, before_hop: BeforeHop
    ) -> FetchedPage:
        """As the fetcher. Raises RobotsDisallowed, too."""

        async def hop(target: str) -> None:
            await self._robots.check(target, before_hop)
            await before_hop(target)

        if self._robots.knows(url):
            await self._robots.check(url)
        else:
            await self._robots.check(url, before_hop)
            # The page's own turn is over: it would come too close to those whose turns came meanwhile.
            await before_hop(url)
        return await self._fetcher.fetch(url, limits, validators=validators, before_hop=hop)


async def obeying_limits(
    source: Source, robots: Robots | None, *, urls: Iterable[str] | None = None
) -> tuple[int, float | None]:
    """The concurrency and the requests per second of `source`, less if a site of it wants pauses between requests.

    Its sites are those of the URLs that it names itself, or of `urls`.
    """
    if robots is None:
        return source.concurrency, source.requests_per_second
    sites = {origin_of(url): url for url in (source.own_urls if urls is None else urls)}
    delays_s = [await robots.crawl_delay_s(url) for url in sites.values()]
    delay_s = max((delay for delay in delays_s if delay), default=None)
    if delay_s is None:
        return source.concurrency, source.requests_per_second
    return 1, min(source.requests_per_second or math.inf, 1 / delay_s)


async def without_disallowed(urls: Iterable[str], robots: Robots | None) -> tuple[list[str], list[PageFailure]]:
    """Those of `urls` that may be asked for, in order, and a failure for each of the others."""
    allowed: list[str] = []
    refused: list[PageFailure] = []
    for number, url in enumerate(urls):
        if number % _AT_A_TIME == 0:
            await asyncio.sleep(0)  # tens of thousands of URLs must not keep others waiting
        try:
            if robots is not None:
                await robots.check(url)
            allowed.append(url)
        except RobotsDisallowed as refusal:
            refused.append(refusal.as_failure())
    return allowed, refused
