"""What a site's robots.txt lets us ask for, and how often. Source: RFC 9309; crawl-delay is a custom of many sites.

The file is fetched once per site and run: what it said first holds for the whole run, on every worker.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Literal, Protocol

from protego import Protego

from scraper.errors import FetchError, PageError
from scraper.fetch.answers import FetchedPage
from scraper.fetch.fetcher import BeforeHop
from scraper.manners.refusing_rule import RefusingRules
from scraper.manners.robots_text import text_for
from scraper.models import Reason
from scraper.web_urls import origin_of, requested_url

MAX_ROBOTS_BYTES = 512_000
"""What comes after is not read; RFC 9309 asks for at least 500 KiB."""
MAX_CRAWL_DELAY_S = 300.0
"""A longer crawl-delay is cut to this: a batch could not load a page in its time."""

MIN_CRAWL_DELAY_S = 0.001
"""A shorter one is none."""

FetchRobots = Callable[[str, BeforeHop], Awaitable[FetchedPage]]
"""The page at a URL, with retries, at the source's pace; every request waits for the hook, too. Raises FetchError."""


async def _at_once(_url: str) -> None:
    """Ask without delay: nothing else is asked for at the time."""


@dataclass(frozen=True, slots=True)
class RobotsFile:
    """What came of asking a site for its robots.txt.

    `absent` allows everything, and so the site wanted it; `unreachable` allows nothing, since nobody knows what the
    site wants. `private` is a site off the public internet, which the source may not connect to. `detail` says why
    there is no `text`.
    """

    state: Literal["found", "absent", "unreachable", "private"]
    text: str = ""
    detail: str = ""


class RobotsDisallowed(PageError):
    """robots.txt keeps us from asking for the page, or could not be had; no request was made for the page."""

    def __init__(self, url: str, reason: Reason, detail: str) -> None:
        super().__init__(url, reason, detail)
        self.attempts = 0


class Shelf(Protocol):
    """Where the files of a run are kept, for all its workers."""

    async def find(self, origin: str) -> RobotsFile | None:
        """The file of a site, or None if nobody has asked for it yet."""

    async def keep(self, origin: str, file: RobotsFile) -> RobotsFile:
        """Keep the file unless there is one already; returns the one that is kept."""


class Robots:
    """Asks robots.txt, fetched at most once per site, for one source."""

    def __init__(self, user_agent: str, *, fetch: FetchRobots, shelf: Shelf) -> None:
        self._user_agent = user_agent
        self._fetch, self._shelf = fetch, shelf
        self._rules: dict[str, asyncio.Task[_Rules]] = {}
        self._waiting: Counter[asyncio.Task[_Rules]] = Counter()

    async def learn(self, urls: Iterable[str]) -> None:
        """Read what the sites of `urls` say, so that pages need not wait for it."""
        for url in {origin_of(url): url for url in urls}.values():
            await self._rules_of(origin_of(url))

    def knows(self, url: str) -> bool:
        """True if `check` need not wait for anything."""
        return self._known_rules(origin_of(url)) is not None

    async def check(self, url: str, take_turn: BeforeHop = _at_once) -> None:
        """Return if `url` may be asked for; `take_turn` is awaited before each request that it takes to know.

        Raises RobotsDisallowed if it may not.
        """
        origin = origin_of(url)
        rules = self._known_rules(origin) or await self._rules_of(origin, take_turn)
        problem = rules.problem(requested_url(url))
        if problem is not None:
            raise RobotsDisallowed(url, *problem)

    async def crawl_delay_s(self, url: str) -> float | None:
        """Seconds that the site of `url` wants between two requests, or None if it does not say."""
        return (await self._rules_of(origin_of(url))).crawl_delay_s()

    def _known_rules(self, origin: str) -> "_Rules | None":
        rules = self._rules.get(origin)
        return rules.result() if rules is not None and rules.done() and not _has_broken(rules) else None

    async def _rules_of(self, origin: str, take_turn: BeforeHop = _at_once) -> "_Rules":
        # Pages that ask at the same time share one answer; one that is cancelled does not take it from the others.
        if origin not in self._rules or _has_broken(self._rules[origin]):
            self._rules[origin] = asyncio.create_task(self._read(origin, take_turn))
        reading = self._rules[origin]
        self._waiting[reading] += 1
        try:
            return await asyncio.shield(reading)
        finally:
            self._waiting[reading] -= 1
            if not self._waiting[reading]:
                del self._waiting[reading]
                # Its retries would go on beside the requests of whatever comes after a stop.
                if reading.cancel():
                    del self._rules[origin]  # at once: who asks before it has ended must not share its end

    async def _read(self, origin: str, take_turn: BeforeHop) -> "_Rules":
        file = await self._shelf.find(origin)
        if file is None:
            file = await _fetched(origin, self._fetch, take_turn)
            if file.state != "private":  # another source of the run may be allowed to connect
                file = await self._shelf.keep(origin, file)
        return _Rules(origin, file, self._user_agent)


def _has_broken(task: "asyncio.Task[_Rules]") -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


class _Rules:
    """What one site says to one crawler."""

    def __init__(self, origin: str, file: RobotsFile, user_agent: str) -> None:
        self._origin, self._file, self._user_agent = origin, file, user_agent

    def problem(self, url: str) -> tuple[Reason, str] | None:
        if self._file.state == "private":
            return Reason.PRIVATE_ADDRESS, self._file.detail
        if self._file.state == "unreachable":
            detail = f"robots.txt of {self._origin} cannot be had, and so nothing is asked for: {self._file.detail}"
            return Reason.ROBOTS_UNREACHABLE, detail
        if self._file.state == "absent" or self._parsed.can_fetch(url, self._user_agent):
            return None
        rule = self._refusing.rule_against(url)
        detail = f"robots.txt of {self._origin} disallows it for {self._user_agent}" + (f": {rule}" if rule else "")
        return Reason.ROBOTS_DISALLOWED, detail

    def crawl_delay_s(self) -> float | None:
        if self._file.state != "found":
            return None
        delay_s = self._parsed.crawl_delay(self._user_agent)
        rate = self._parsed.request_rate(self._user_agent)
        if rate is not None and rate.requests > 0:
            # Either may have thousands of digits.
            delay_s = max(delay_s or 0.0, min(rate.seconds, int(MAX_CRAWL_DELAY_S) * rate.requests) / rate.requests)
        return min(delay_s, MAX_CRAWL_DELAY_S) if delay_s and delay_s >= MIN_CRAWL_DELAY_S else None

    @cached_property
    def _refusing(self) -> RefusingRules:
        return RefusingRules(self._user_agent, self._file.text)

    @cached_property
    def _parsed(self) -> Protego:
        return Protego.parse(text_for(self._user_agent, self._file.text))


async def _fetched(origin: str, fetch: FetchRobots, take_turn: BeforeHop) -> RobotsFile:
    try:
        page = await fetch(f"{origin}/robots.txt", take_turn)
    except FetchError as error:
        if error.reason is Reason.PRIVATE_ADDRESS:
            return RobotsFile("private", detail=error.detail)
        # 429 says that the site is overloaded, not that it has no robots.txt.
        is_absent = error.reason == Reason.TOO_MANY_REDIRECTS or (
            error.status is not None
            and HTTPStatus.BAD_REQUEST <= error.status < HTTPStatus.INTERNAL_SERVER_ERROR
            and error.status != HTTPStatus.TOO_MANY_REQUESTS
        )
        return RobotsFile("absent" if is_absent else "unreachable", detail=f"{error.reason}: {error.detail}"[:300])
    body = page.body
    if len(body) > MAX_ROBOTS_BYTES:  # half a rule could be one against all pages
        body = body[: max(body.rfind(end, 0, MAX_ROBOTS_BYTES) for end in (b"\n", b"\r")) + 1]
    return RobotsFile("found", body.decode("utf-8-sig", errors="replace"))
