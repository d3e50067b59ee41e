"""A site of a few pages, each with two rows, that a test can break and mend page by page."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from samples.serving import serving
from samples.sitemap_xml import sitemap_index, url_set

SOURCES = """
[[source]]
name = "books"
{keys}
sitemap = "{url}/sitemap.xml"
allow_private_hosts = ["127.0.0.1"]
concurrency = 4
requests_per_second = 1000
max_attempts = 1
rows = "li"
fields = {{ n = "b::text" }}
gate = {{ max_failed_percent = {max_failed_percent}{gate} }}

[[source]]
name = "news"
urls = ["{url}/news/0", "{url}/news/1"]
allow_private_hosts = ["127.0.0.1"]
requests_per_second = 1000
max_attempts = 1
fields = {{ n = "b::text" }}
gate = {{ max_failed_percent = {max_failed_percent} }}
"""


class TinySite:
    """Pages `/books/0` … and `/news/0`, `/news/1`.

    Those in `broken` are 404, those in `moved` redirect, those in `busy` are 429 with these headers. `hits` counts
    requests by path, those for robots.txt apart in `robots_hits`.
    """

    def __init__(self, books: int, sources_file: Path) -> None:
        self.books = [f"/books/{number}" for number in range(books)]
        self.broken: set[str] = set()
        self.moved: dict[str, str] = {}
        self.busy: dict[str, dict[str, str]] = {}
        self.robots: str | int = 404
        """The text of robots.txt, or the status without one."""
        self.robots_packed = False
        self.hits: Counter[str] = Counter()
        self.robots_hits = 0
        self._sources_file = sources_file
        self._url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[TinySite]:
        """Serve, and write the sources file."""
        async with serving(self._handle) as self._url:
            self.write_sources()
            yield self

    def write_sources(self, *, max_failed_percent: int = 100, keys: str = "", gate: str = "") -> None:
        """The sources file, with this limit of its gates, and more keys for the books and their gate."""
        text = SOURCES.format(url=self._url, max_failed_percent=max_failed_percent, keys=keys, gate=gate)
        self._sources_file.write_text(text)

    def rows_of(self, *paths: str) -> list[tuple[str, int, str]]:
        """Path, position and value of the rows of these pages, in this order."""
        return [(path, position, f"{path}#{position}") for path in paths for position in range(2)]

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path == "/robots.txt":
            return self._robots()
        self.hits[path] += 1
        return self._refusal(path) or self._page(path)

    def _refusal(self, path: str) -> web.Response | None:
        if path in self.moved:
            return web.Response(status=302, headers={"Location": self.moved[path]})
        if path in self.busy:
            return web.Response(status=429, headers=self.busy[path])
        return web.Response(status=404) if path in self.broken else None

    def _page(self, path: str) -> web.Response:
        if path == "/sitemap.xml":
            return _xml(sitemap_index([f"{self._url}/half-0.xml", f"{self._url}/half-1.xml"]))
        if path.startswith("/half-"):
            half = len(self.books) // 2
            paths = self.books[half:] if path == "/half-1.xml" else self.books[:half]
            return _xml(url_set((f"{self._url}{one}", "2026-11-21") for one in paths))
        rows = "".join(f"<li><b>{value}</b></li>" for _, _, value in self.rows_of(path))
        return web.Response(text=f"<!DOCTYPE html><ul>{rows}</ul>", content_type="text/html")

    def _robots(self) -> web.Response:
        self.robots_hits += 1
        if isinstance(self.robots, int):
            return web.Response(status=self.robots)
        answer = web.Response(text=self.robots)
        if self.robots_packed:
            answer.enable_compression(web.ContentCoding.gzip)
        return answer


def _xml(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/xml")
