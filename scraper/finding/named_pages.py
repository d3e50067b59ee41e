"""What one file of a sitemap, or a feed, names: without a look at the files that it leads to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from scraper.errors import FeedError, SitemapError
from scraper.fetch.answers import FetchedPage
from scraper.finding.discover import MAX_FEED_BYTES
from scraper.finding.feeds import Feed, parse_feed
from scraper.finding.locations import Location
from scraper.finding.sitemaps import Sitemap, parse_sitemap
from scraper.sources import Source
from scraper.web_urls import page_url


@dataclass(slots=True)
class NamedPages:
    """The pages that a sitemap or feed names, with what it says of their last change, and further sitemaps.

    `unusable` references stand there as they are written, each with the problem. After a `defect`, the rest of the file
    was not read.
    """

    kind: str
    """`sitemap` or `feed`."""
    pages: list[tuple[str, datetime | None]] = field(default_factory=list)
    sitemaps: list[str] = field(default_factory=list)
    unusable: list[tuple[str, str]] = field(default_factory=list)
    defect: SitemapError | FeedError | None = None

    def add(self, base: str, locations: Iterable[Location], sitemaps: Iterable[str] = ()) -> None:
        """Take references of a file at `base`, each once."""
        for reference, changed in dict.fromkeys(locations):
            url = self._usable(base, reference)
            if url is not None:
                self.pages.append((url, changed))
        found = (self._usable(base, reference) for reference in dict.fromkeys(sitemaps))
        self.sitemaps.extend(url for url in found if url is not None)

    def add_without_link(self, entries: Sequence[str]) -> None:
        """Take the entries of a feed that name no page."""
        self.unusable.extend((entry, "no link to a page") for entry in entries)

    def _usable(self, base: str, reference: str) -> str | None:
        try:
            return page_url(base, reference)
        except ValueError as error:
            self.unusable.append((reference, str(error)))
            return None


def named_pages(source: Source, page: FetchedPage) -> NamedPages | None:
    """What the sitemap or feed of `source` names, or one of the sitemaps below it; None for what is neither."""
    if source.feed is not None and page.url == source.feed:
        return _of_feed(page)
    if source.sitemap is None:
        return None
    named, sitemap = NamedPages("sitemap"), Sitemap()
    try:
        parse_sitemap(page.body, url=page.url, into=sitemap, charset=page.charset)
    except SitemapError as error:
        if page.url != source.sitemap and not sitemap.pages and not sitemap.sitemaps:
            return None
        named.defect = error
    named.add(page.final_url, sitemap.pages, sitemap.sitemaps)
    return named


def _of_feed(page: FetchedPage) -> NamedPages:
    named, feed = NamedPages("feed"), Feed()
    try:
        told = {"url": page.url, "base": page.final_url}
        parse_feed(page.body, **told, max_bytes=MAX_FEED_BYTES, into=feed, charset=page.charset)
    except FeedError as error:
        named.defect = error
    named.add(page.final_url, feed.pages)
    named.add_without_link(feed.without_link)
    return named
