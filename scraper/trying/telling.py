"""What is asked for while a page is tried, said aloud."""

import time
from collections.abc import Callable

from scraper.errors import FetchError
from scraper.fetch.answers import FetchedPage
from scraper.fetch.fetcher import BeforeHop
from scraper.fetch.limits import FetchLimits
from scraper.manners.polite_fetch import OneAttempt
from scraper.manners.robots import RobotsFile
from scraper.page_version import Validators

Say = Callable[[str], None]
"""Takes one line for people."""


class TellingFetcher:
    """Says what is asked for, where redirects lead, and what the answer is."""

    def __init__(self, fetcher: OneAttempt, say: Say) -> None:
        self._fetcher, self._say = fetcher, say

    async def fetch(
        self, url: str, limits: FetchLimits, *, validators: Validators | None = None, before_hop: BeforeHop
    ) -> FetchedPage:
        """As the fetcher."""
        started, asked = time.monotonic(), url

        async def hop(target: str) -> None:
            nonlocal asked
            self._say(f"GET {asked}: redirects to {target}")
            asked = target
            await before_hop(target)

        try:
            page = await self._fetcher.fetch(url, limits, validators=validators, before_hop=hop)
        except FetchError as error:
            self._say(f"GET {asked}: {error.reason}: {error.detail}")
            raise
        kind, charset = page.content_type or "no content type", page.charset or "no charset told"
        taken_ms = (time.monotonic() - started) * 1000
        self._say(f"GET {page.final_url}: {page.status}, {kind}, {charset}, {len(page.body)} bytes, {taken_ms:.0f} ms")
        return page


class ShelfInMemory:
    """The robots.txt files of one try."""

    def __init__(self) -> None:
        self._files: dict[str, RobotsFile] = {}

    async def find(self, origin: str) -> RobotsFile | None:
        """As any shelf."""
        return self._files.get(origin)

    async def keep(self, origin: str, file: RobotsFile) -> RobotsFile:
        """As any shelf."""
        return self._files.setdefault(origin, file)
