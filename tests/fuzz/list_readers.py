"""Readers of what says which pages there are, and how a site wants to be asked: sitemap, feed, robots.txt, headers, and
the sources file.
"""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from random import Random

from scraper.errors import PageGone, RateLimited, SourcesFileError
from scraper.fetch.answers import FetchedPage, parse_retry_after
from scraper.fetch.validators import usable_etag, usable_last_modified
from scraper.finding.discover import discover_pages
from scraper.finding.locations import mail_datetime, w3c_datetime
from scraper.manners.obeying import obeying_limits
from scraper.manners.politeness import plan_window
from scraper.manners.retries import BACKOFF_CAP_S, LONGEST_WAIT_S, delay_before_retry_s
from scraper.manners.robots import MAX_ROBOTS_BYTES, Robots, RobotsDisallowed, RobotsFile
from scraper.models import Reason
from scraper.page_version import Validators
from scraper.rows.fingerprint import extraction_fingerprint
from scraper.sources import Source, load_sources
from storage.work.batches import PAGE_LIST_BYTES, cut_batches
from tests.fuzz.documents import FEED, HEADER, ROBOTS, SITEMAP, SOURCES_FILE
from tests.fuzz.page_readers import URL, source
from tests.fuzz.readers import Reader, text_of
from tests.fuzz.storable import check_error, check_failure, check_text, check_url

_AGENT = "daily-scrape/1.0 (+http://site.example/bot; mail@site.example)"
_NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
_MOST_TO_READ = 4000
_MOST_HEADER = 8190
_SITEMAP = source(sitemap="http://site.example/sitemap.xml", fields={"a": "h1"})
_FEED = source(feed="http://site.example/feed", fields={"a": "h1"})
_ROBOTS = source(
    urls=[URL, "http://site.example/private/x?*$"], requests_per_second=None, fields={"a": "h1"}
)  # a rate of its own would hide a delay
_runner = asyncio.Runner()


def _list(body: bytes, finder: Source) -> str:
    """Read a list of pages; other files that it leads to are not there."""
    asked: list[str] = []

    async def fetch(url: str) -> tuple[FetchedPage, int]:
        asked.append(url)
        if len(asked) > 1:
            check_url(url)
            raise PageGone(url, 404)
        return FetchedPage(url, url, 200, body, "application/xml", None, _NOW), 1

    found = _runner.run(discover_pages(finder, fetch=fetch))
    assert len(found.urls) <= finder.max_pages
    for url in found.urls:
        check_url(url)
    for failure in found.failures:
        check_failure(failure)
    assert all(len("".join(urls)) <= PAGE_LIST_BYTES for urls in cut_batches(found.urls, pages_per_batch=50))
    assert all(moment.tzinfo is UTC for moment in found.last_modified.values())
    refused = [failure.reason for failure in found.failures if failure.reason is not Reason.HTTP_404]
    return "" if found.urls or not refused else str(refused[0])


class _Shelf:
    def __init__(self, file: RobotsFile) -> None:
        self._file = file

    async def find(self, _origin: str) -> RobotsFile:
        return self._file

    async def keep(self, _origin: str, file: RobotsFile) -> RobotsFile:
        raise AssertionError("there is a file already")


async def _not_asked(_url: str) -> FetchedPage:
    raise AssertionError("there is a file already")


def _robots(body: bytes, _way: object) -> str:
    text = body[:MAX_ROBOTS_BYTES].decode("utf-8-sig", errors="replace")
    robots = Robots(_AGENT, fetch=_not_asked, shelf=_Shelf(RobotsFile("found", text)))

    async def ask() -> str:
        concurrency, rate = await obeying_limits(_ROBOTS, robots)
        _, share = plan_window(concurrency, rate, 4)
        assert share.requests_per_second is None or isfinite(share.requests_per_second)
        for url in _ROBOTS.own_urls:
            try:
                await robots.check(url)
            except RobotsDisallowed as refusal:
                return check_error(refusal)
        return ""

    return _runner.run(ask())


_folder = tempfile.TemporaryDirectory(prefix="fuzz-")
_file = Path(_folder.name) / "sources.toml"


def _sources(body: bytes, _way: object) -> str:
    _file.write_bytes(body)
    try:
        sources = load_sources(_file, {"TOKEN": "t\udcff", "EMPTY": ""})
    except SourcesFileError as error:
        told = str(error)
    else:
        for one in sources:
            assert len(extraction_fingerprint(one)) == 16
            assert one.own_urls
            assert one.hosts
            assert one.origins
        return ""
    assert len(told) <= _MOST_TO_READ, f"{len(told)} characters to read"
    assert told.isprintable(), f"not one line: {told[:300]!r}"
    return "refused"


def _retry_after(body: bytes, _way: object) -> str:
    seconds = parse_retry_after(text_of(body), now=_NOW)
    error = RateLimited(URL, seconds)
    check_error(error)
    assert 0 <= delay_before_retry_s(error, 3, random=Random(1).random) <= max(BACKOFF_CAP_S, LONGEST_WAIT_S)
    assert seconds is None or (isfinite(seconds) and seconds >= 0)
    return "" if seconds is not None else "ignored"


def _version(body: bytes, _way: object) -> str:
    text = text_of(body)
    headers = {"ETag": text, "Last-Modified": text, "Date": "Fri, 01 Mar 2024 06:00:00 GMT"}
    sent = {"Last-Modified": "Fri, 01 Mar 2024 06:00:00 GMT", "Date": text}
    validators = Validators(usable_etag(headers), usable_last_modified(headers), URL)
    usable_last_modified(sent)
    for value in validators.headers_for(URL).values():
        check_text(value)
        assert value.isprintable()
    return "" if validators.etag or validators.last_modified else "ignored"


def _date(body: bytes, _way: object) -> str:
    text = body.decode("utf-8", "replace")
    moments = [moment for moment in (w3c_datetime(text), mail_datetime(text)) if moment is not None]
    assert all(moment.tzinfo is UTC for moment in moments)
    return "" if moments else "ignored"


LIST_READERS = (
    Reader("sitemap", SITEMAP, _list, (_SITEMAP,), largest=50_000_000),
    Reader("feed", FEED, _list, (_FEED,), largest=20_000_000),
    Reader("robots.txt", ROBOTS, _robots, largest=MAX_ROBOTS_BYTES),
    Reader("sources file", SOURCES_FILE, _sources, largest=1_000_000),
    Reader("Retry-After", HEADER, _retry_after, largest=_MOST_HEADER),
    Reader("ETag, Last-Modified", HEADER, _version, largest=_MOST_HEADER),
    Reader("dates of lists", HEADER, _date, largest=1_000_000),
)
