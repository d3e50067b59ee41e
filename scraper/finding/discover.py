"""Which pages a source has: listed, counted up by a template, or named by its sitemap or feed."""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import islice

from scraper.errors import PageError, one_line
from scraper.fetch.limits import FetchLimits, limits_of
from scraper.finding.feeds import Feed, parse_feed
from scraper.finding.locations import Location
from scraper.finding.sitemaps import MAX_SITEMAP_BYTES, Sitemap, parse_sitemap
from scraper.manners.polite_fetch import Fetch, OneAttempt, polite_fetch
from scraper.manners.politeness import Pace
from scraper.models import PageFailure, Reason, Share
from scraper.sources import Source
from scraper.web_urls import page_url

MAX_DEPTH = 3
"""Levels of sitemap indexes below the source's sitemap; the protocol knows one."""
MAX_SITEMAPS = 1000
MAX_FEED_BYTES = 20_000_000
"""Unpacked; the parser needs several times as much memory, and feeds of news have a thousandth of it."""
MAX_BAD_URLS = 5000
"""Unusable locations are listed one by one up to this many; one more line counts the rest."""
MAX_TOLD_APART = 100_000
"""Pages beyond `max_pages` are counted once each up to this many; after that, each location counts."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """The pages to scrape, each once, in the source's order.

    `failures` are sitemaps and feeds that could not be read and locations that are no pages; `unlisted` more are only
    counted, by the last of `failures`. `left_out` counts further pages beyond `max_pages`; sitemaps that come after the
    limit was reached are not opened, nor counted. `last_modified` has the pages of which that is told, as aware UTC.
    `unread_listings` counts the sitemaps and feeds that were not read to their ends, but for what robots.txt refuses.
    """

    urls: tuple[str, ...]
    failures: tuple[PageFailure, ...]
    left_out: int
    unlisted: int = 0
    last_modified: Mapping[str, datetime] = field(default_factory=dict)
    unread_listings: int = 0

    @property
    def failure_count(self) -> int:
        """Every failure once, listed or not."""
        return len(self.failures) + max(0, self.unlisted - 1)


async def discover(source: Source, *, fetcher: OneAttempt, share: Share | None = None) -> Discovery:
    """The pages of `source`. Sitemaps and feeds are fetched at the source's own pace, or at `share`, with its retries.

    Never raises for what a site sends: if nothing could be found, `failures` says why.
    """
    share = share or Share(concurrency=source.concurrency, requests_per_second=source.requests_per_second)
    fetch = polite_fetch(fetcher, finding_limits(source), pace=Pace(share), max_attempts=source.max_attempts)
    return await discover_pages(source, fetch=fetch)


def finding_limits(source: Source) -> FetchLimits:
    """The limits of a sitemap or feed, which may be larger than a page."""
    largest = MAX_FEED_BYTES if source.feed else MAX_SITEMAP_BYTES
    return replace(limits_of(source), max_body_bytes=max(source.max_body_bytes, largest))


async def discover_pages(source: Source, *, fetch: Fetch) -> Discovery:
    """As `discover`, with the way to fetch a sitemap or feed passed in."""
    pages = _Pages(source.max_pages)
    if source.sitemap is not None:
        await _read_sitemaps(source.sitemap, pages, fetch=fetch)
    elif source.feed is not None:
        await _read_feed(source.feed, pages, fetch=fetch)
    else:
        location = source.urls[0] if source.urls else source.url_template or ""
        # A range may be far longer than max_pages: its URLs all differ, so that the rest need only be counted.
        listed = source.urls or islice(source.template_urls(), source.max_pages)
        pages.add_all(location, map(Location, listed))
        pages.leave_out(max(0, source.template_pages - source.max_pages))
    return pages.as_discovery(source)


class _Pages:
    """Pages in the order in which they were found, each once, up to a limit."""

    def __init__(self, max_pages: int) -> None:
        self.failures: list[PageFailure] = []
        self._max_pages = max_pages
        self._taken: dict[str, datetime | None] = {}
        self._left_out: set[str] = set()
        self._bad = 0
        self._uncounted = 0
        self._unread = 0

    @property
    def is_full(self) -> bool:
        return len(self._taken) >= self._max_pages

    def add_all(self, base: str, locations: Iterable[Location]) -> None:
        for reference, last_modified in locations:
            if len(self._left_out) >= MAX_TOLD_APART:
                self._uncounted += 1
                continue
            try:
                url = page_url(base, reference)
            except ValueError as error:
                self.add_bad(reference, Reason.BAD_URL, str(error))
                continue
            if url in self._taken:
                continue
            if self.is_full:
                self._left_out.add(url)
            else:
                self._taken[url] = last_modified

    def add_bad(self, location: str, reason: Reason, problem: str) -> None:
        self._bad += 1
        if self._bad <= MAX_BAD_URLS:
            failure = PageFailure(url=location[:500], reason=reason, detail=one_line(problem), attempts=0)
            self.failures.append(failure)

    def add_unread(self, listing: PageFailure) -> None:
        """A sitemap or feed of which not all could be read."""
        self.failures.append(listing)
        self._unread += listing.reason is not Reason.ROBOTS_DISALLOWED

    def add_bad_listing(self, location: str, problem: str) -> None:
        """A sitemap that cannot be asked for."""
        self.add_bad(location, Reason.BAD_URL, problem)
        self._unread += 1

    def count_bad(self, count: int) -> None:
        """Count unusable locations that nobody has looked at."""
        self._bad += count

    def as_discovery(self, source: Source) -> Discovery:
        url = source.sitemap or source.feed or source.name
        if not self._taken and not self.failures:
            detail = f"the {'feed' if source.feed else 'sitemap'} was read, and it names no page"
            self.failures.append(PageFailure(url=url, reason=Reason.NO_PAGES, detail=detail))
        unlisted = max(0, self._bad - MAX_BAD_URLS)
        if unlisted:
            detail = f"{unlisted} more locations are no pages; only the first {MAX_BAD_URLS} are listed"
            self.failures.append(PageFailure(url=url, reason=Reason.BAD_URL, detail=detail, attempts=0))
        left_out = len(self._left_out) + self._uncounted
        told = {page: moment for page, moment in self._taken.items() if moment is not None}
        return Discovery(tuple(self._taken), tuple(self.failures), left_out, unlisted, told, self._unread)

    def leave_out(self, count: int) -> None:
        """Count pages that were never looked at."""
        self._uncounted += count


async def _read_feed(url: str, pages: _Pages, *, fetch: Fetch) -> None:
    """Read a feed; entries read before a defect are kept, and those without a link are failures."""
    feed = Feed()
    base = url
    try:
        fetched, _ = await fetch(url)
        base = fetched.final_url
        body, charset = fetched.body, fetched.charset
        read = partial(parse_feed, url=url, base=base, max_bytes=MAX_FEED_BYTES, into=feed)
        await asyncio.to_thread(read, body, charset=charset)
    except PageError as error:
        pages.add_unread(error.as_failure())
    await asyncio.to_thread(pages.add_all, base, feed.pages)
    for entry in feed.without_link:
        pages.add_bad(url, Reason.NO_LINK, f"{entry} has no link to a page")
    pages.count_bad(feed.more_without_link)


async def _read_sitemaps(root: str, pages: _Pages, *, fetch: Fetch) -> None:
    """Read `root` and the sitemaps below it, in order, until there is none left or `pages` is full.

    A sitemap that cannot be read is a failure, and the others go on; pages read before a defect are kept.
    """
    waiting = deque([(root, 0)])
    known = {root}
    while waiting and not pages.is_full:
        url, depth = waiting.popleft()
        sitemap = Sitemap()
        base = url
        try:
            fetched, _ = await fetch(url)
            base = fetched.final_url
            # Tens of megabytes take seconds to read: other pages' connections must not starve meanwhile.
            await asyncio.to_thread(parse_sitemap, fetched.body, url=url, into=sitemap, charset=fetched.charset)
        except PageError as error:
            pages.add_unread(error.as_failure())
        await asyncio.to_thread(pages.add_all, base, sitemap.pages)
        for child in _children(base, sitemap, known, pages, depth=depth):
            waiting.append((child, depth + 1))


def _children(base: str, sitemap: Sitemap, known: set[str], pages: _Pages, *, depth: int) -> list[str]:
    """The child sitemaps to open that are not `known` yet; what is too deep or too much is a failure."""
    children: list[str] = []
    for number, location in enumerate(sitemap.sitemaps):
        try:
            child = page_url(base, location)
        except ValueError as error:
            pages.add_bad_listing(location, str(error))
            continue
        if child in known:
            continue
        if depth >= MAX_DEPTH or len(known) >= MAX_SITEMAPS:
            limit = f"{MAX_DEPTH} levels" if depth >= MAX_DEPTH else f"{MAX_SITEMAPS} files"
            others = len(sitemap.sitemaps) - number - 1
            pages.add_unread(
                PageFailure(
                    url=child,
                    reason=Reason.BAD_SITEMAP,
                    detail=f"not opened, nor {others} after it: sitemap indexes are followed for {limit}",
                    attempts=0,
                )
            )
            break
        known.add(child)
        children.append(child)
    return children
