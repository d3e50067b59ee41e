"""URL path → what is served there, rendered once and kept. Knows nothing of requests, but for the Host."""

import gzip
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from samples.site import new_layout, pages
from samples.site.books import Book
from samples.site.catalogue import Catalogue
from samples.site.faults import Fault
from samples.sitemap_xml import sitemap_index, url_set

URLS_PER_SITEMAP = 500
MAX_CACHED_PAGES = 10_000
LAST_CHANGE = "2024-03-01"
MOVED = "/moved"
"""Below this, every detail page is as it should be."""
PRIVATE = "/private"
"""The same, and robots.txt disallows it."""

_DETAIL = re.compile(r"/books/([1-9]\d{0,8})\.html")
_LISTING = re.compile(r"/catalogue/page-([1-9]\d{0,8})\.html")
_SITEMAP = re.compile(r"/sitemaps/books-([1-9]\d{0,5})\.xml(\.gz)?")

HTML = "text/html; charset=utf-8"
XML = "application/xml"
GZIP = "application/gzip"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Content:
    """One page: its path kind (as in /stats), media type and body."""

    kind: str
    content_type: str
    body: bytes
    etag: str  # quoted, strong

    @property
    def is_html(self) -> bool:
        """True if markup faults make sense."""
        return self.content_type == HTML


class ShopContent:
    """Every page of the shop by its path."""

    def __init__(self, catalogue: Catalogue) -> None:
        """`catalogue` is what the shop sells."""
        self.catalogue = catalogue
        # Cached per instance, not per class: two sites in one process must not share pages.
        self.find: Callable[[str, str], Content | None] = lru_cache(MAX_CACHED_PAGES)(self._find)

    def book_id(self, path: str) -> int | None:
        """The book whose detail page is at `path`, if there is one."""
        match = _DETAIL.fullmatch(path)
        book_id = int(match[1]) if match else 0
        return book_id if book_id in self.catalogue else None

    def fault(self, path: str) -> Fault | None:
        """What is wrong with the page at `path` without being asked for; only detail pages have faults."""
        book_id = self.book_id(path) if path.startswith("/books/") else None
        return self.catalogue.fault_of(book_id) if book_id else None

    @property
    def sitemap_paths(self) -> list[str]:
        """Paths of the child sitemaps; the last one is compressed."""
        count = -(-self.catalogue.books // URLS_PER_SITEMAP)
        plain = [f"/sitemaps/books-{number}.xml" for number in range(1, count)]
        return [*plain, f"/sitemaps/books-{count}.xml.gz"]

    def _find(self, path: str, origin: str) -> Content | None:
        """The page at `path`, or None; `origin` (like http://host:port) is what absolute URLs start with."""
        if book_id := self.book_id(path.removeprefix(MOVED).removeprefix(PRIVATE)):
            layout = new_layout if self.catalogue.has_new_layout(book_id) else pages
            return _html("detail", layout.detail_page(self.catalogue, self.catalogue.book(book_id)))
        if page := self._listing_page(path):
            return _html("listing", pages.listing_page(self.catalogue, page))
        if path == "/":
            return _html("home", pages.home_page(self.catalogue))
        if path == "/basket":
            return _html("basket", pages.basket_page())
        if path == "/robots.txt":
            return _content("robots", TEXT, _robots(self.catalogue, origin).encode())
        return self._sitemap(path, origin)

    def _listing_page(self, path: str) -> int | None:
        match = _LISTING.fullmatch(path)
        page = int(match[1]) if match else 0
        return page if 1 <= page <= self.catalogue.listing_pages else None

    def _sitemap(self, path: str, origin: str) -> Content | None:
        if path == "/sitemap.xml":
            return _content("sitemap", XML, sitemap_index(origin + child for child in self.sitemap_paths))
        if path not in self.sitemap_paths:
            return None
        match = _SITEMAP.fullmatch(path)
        assert match is not None, path
        entries = ((origin + book.path, LAST_CHANGE) for book in self._books_of_sitemap(int(match[1])))
        body = url_set(entries)
        # No time stamp in the archive: the same shop gives the same bytes.
        return _content("sitemap", GZIP, gzip.compress(body, mtime=0)) if match[2] else _content("sitemap", XML, body)

    def _books_of_sitemap(self, number: int) -> Iterator[Book]:
        first = (number - 1) * URLS_PER_SITEMAP + 1
        last = min(self.catalogue.books, first + URLS_PER_SITEMAP - 1)
        return map(self.catalogue.book, range(first, last + 1))


def _html(kind: str, markup: str) -> Content:
    return _content(kind, HTML, markup.encode())


def _content(kind: str, content_type: str, body: bytes) -> Content:
    return Content(kind, content_type, body, f'"{sha256(body).hexdigest()[:20]}"')


def _robots(catalogue: Catalogue, origin: str) -> str:
    pages_kept_out = catalogue.disallowed_paths(robots_changed=catalogue.robots_changed)
    rules = "".join(f"Disallow: {path}\n" for path in ("/basket", "/stats", *pages_kept_out, f"{PRIVATE}/"))
    delay = "" if catalogue.crawl_delay_s is None else f"Crawl-delay: {catalogue.crawl_delay_s:g}\n"
    return f"User-agent: *\n{delay}{rules}\nSitemap: {origin}/sitemap.xml\n"
