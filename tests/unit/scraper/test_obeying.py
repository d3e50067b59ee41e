"""Asking robots.txt costs turns like anything else: no request of a batch comes out of turn because of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from itertools import pairwise

from scraper.fetch.answers import FetchedPage
from scraper.fetch.fetcher import BeforeHop
from scraper.fetch.limits import FetchLimits, limits_of
from scraper.manners.obeying import ObeyingFetcher, robots_fetch
from scraper.manners.polite_fetch import polite_fetch
from scraper.manners.politeness import Pace
from scraper.manners.robots import Robots, RobotsFile
from scraper.models import Share
from scraper.page_version import Validators
from scraper.sources import Source
from tests.unit.scraper.test_politeness import Time, shortest

SITE, MIRROR = "http://books.example:80", "http://books.example:81"
SOURCE = Source(name="books", urls=(SITE,), fields={"n": "b"}, requests_per_second=None)  # type: ignore[dict-item]
GAP_S = 0.25


class Web:
    """Pages that redirect to the mirror if they are in `moved`; `sent` has all requests with their times."""

    def __init__(self, time: Time, *moved: str) -> None:
        self.sent: list[tuple[str, float]] = []
        self._time, self._moved = time, moved

    async def fetch(
        self, url: str, limits: FetchLimits, *, validators: Validators | None = None, before_hop: BeforeHop
    ) -> FetchedPage:
        self.sent.append((url, self._time.now))
        await self._time.sleep(0.1)
        if url in self._moved:
            target = url.replace(SITE, MIRROR)
            await before_hop(target)
            self.sent.append((target, self._time.now))
        return FetchedPage(url, url, 200, b"", "text/plain", None, datetime(2024, 3, 1, tzinfo=UTC))

    @property
    def gaps_s(self) -> list[float]:
        return [round(later - earlier, 6) for (_, earlier), (_, later) in pairwise(self.sent)]


class SlowShelf:
    """Storage that takes longer than the time between two requests."""

    def __init__(self, time: Time) -> None:
        self.files: dict[str, RobotsFile] = {}
        self._time = time

    async def find(self, origin: str) -> RobotsFile | None:
        await self._time.sleep(3 * GAP_S)
        return self.files.get(origin)

    async def keep(self, origin: str, file: RobotsFile) -> RobotsFile:
        await self._time.sleep(3 * GAP_S)
        return self.files.setdefault(origin, file)


async def fetch_all(time: Time, web: Web, shelf: SlowShelf, *urls: str) -> None:
    pace = Pace(
        Share(concurrency=3, requests_per_second=1 / GAP_S), clock=lambda: time.now, sleep=time.sleep, random=shortest
    )
    robots = Robots("me", fetch=robots_fetch(SOURCE, web), shelf=shelf)
    fetch = polite_fetch(ObeyingFetcher(web, robots), limits_of(SOURCE), pace=pace, max_attempts=1)
    await asyncio.gather(*map(fetch, urls))


async def test_pages_that_waited_for_what_robots_txt_said_do_not_start_all_at_once() -> None:
    time = Time()
    web, shelf = Web(time), SlowShelf(time)
    shelf.files[SITE] = RobotsFile("absent")
    await fetch_all(time, web, shelf, *(f"{SITE}/{number}" for number in range(6)))
    assert len(web.sent) == 6
    assert min(web.gaps_s) >= GAP_S


async def test_what_a_batch_has_learned_before_it_begins_costs_its_pages_no_turn() -> None:
    time = Time()
    robots = Robots("me", fetch=robots_fetch(SOURCE, Web(time)), shelf=SlowShelf(time))
    assert not robots.knows(f"{SITE}/1")
    await robots.learn([f"{SITE}/1", f"{SITE}/2"])
    assert robots.knows(f"{SITE}/3")
    assert not robots.knows(f"{MIRROR}/1")


async def test_a_request_for_robots_txt_takes_a_turn_and_so_does_the_page_behind_it() -> None:
    time = Time()
    web = Web(time)
    await fetch_all(time, web, SlowShelf(time), *(f"{SITE}/{number}" for number in range(6)))
    assert web.sent[0][0] == f"{SITE}/robots.txt"
    assert len(web.sent) == 7
    assert min(web.gaps_s) >= GAP_S


async def test_robots_txt_of_another_site_takes_a_turn_among_the_pages_whose_redirect_led_there() -> None:
    time = Time()
    pages = [f"{SITE}/{number}" for number in range(6)]
    web, shelf = Web(time, pages[1], pages[2]), SlowShelf(time)
    shelf.files[SITE] = RobotsFile("absent")
    await fetch_all(time, web, shelf, *pages)
    assert sorted(url for url, _ in web.sent if url.startswith(MIRROR)) == [
        f"{MIRROR}/{name}" for name in ("1", "2", "robots.txt")
    ]
    assert min(web.gaps_s) >= GAP_S
