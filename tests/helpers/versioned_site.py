"""A site whose pages have versions, told in one of the ways in which servers do that, or in none."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from itertools import count
from pathlib import Path

from aiohttp import web

from samples.serving import serving
from samples.sitemap_xml import url_set

FIRST_DAY = datetime(2024, 3, 1, 6, tzinfo=UTC)
SOURCES = """
[[source]]
name = "books"
sitemap = "{url}/sitemap.xml"
allow_private_hosts = ["127.0.0.1"]
concurrency = 4
requests_per_second = 1000
max_attempts = 1
rows = "li"
fields = {fields}
gate = {{ max_failed_percent = 100, min_rows = {min_rows} }}
{more}
"""


class Told(StrEnum):
    """How the site tells versions apart."""

    ETAG = "etag"
    WEAK_ETAG = "weak etag"
    DATE = "date"
    NOTHING = "nothing"
    ANOTHER_ETAG_EACH_TIME = "another etag each time"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for a page: whether it was conditional, and what came of it."""

    path: str
    is_conditional: bool
    status: int


class VersionedSite:
    """Pages `/books/0` …, each with as many rows as its number has from 1 to 3; `change` makes a new version of one.

    Pages in `broken` are 404, those in `stuck` are always 304, those in `emptied` have no rows.
    `asked` has the requests for pages since `forget`.
    """

    def __init__(self, books: int, sources_file: Path) -> None:
        self.books = [f"/books/{number}" for number in range(books)]
        self.told = Told.ETAG
        self.broken: set[str] = set()
        self.stuck: set[str] = set()
        self.emptied: set[str] = set()
        self.asked: list[Asked] = []
        self._versions: Counter[str] = Counter()
        self._numbers = count()
        self._sources_file = sources_file
        self.url = ""
        """Where the site says that it is; a test may put something between."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[VersionedSite]:
        """Serve, and write the sources file."""
        async with serving(self._handle) as self.url:
            self.write_sources()
            yield self

    def write_sources(self, more: str = "", *, fields: str = '{ n = "b::text" }', min_rows: int = 1) -> None:
        """The sources file, with more keys of its source, or other fields, or another gate."""
        self._sources_file.write_text(SOURCES.format(url=self.url, more=more, fields=fields, min_rows=min_rows))

    def change(self, path: str, *, days: int = 1) -> None:
        """Give a page other rows, so many days later than those that it has."""
        self._versions[path] += days

    def forget(self) -> None:
        """Forget the requests so far."""
        self.asked.clear()

    def rows_of(self, *paths: str) -> list[tuple[str, int, str]]:
        """Path, position and value of the rows of these pages, in this order."""
        return [(path, position, value) for path in paths for position, value in enumerate(self._values(path))]

    def answers(self) -> Counter[tuple[bool, int]]:
        """How many requests for pages were conditional or not, and had which status."""
        return Counter((one.is_conditional, one.status) for one in self.asked)

    def asked_for(self, *, conditionally: bool) -> list[str]:
        """The paths that were asked for so, sorted."""
        return sorted(one.path for one in self.asked if one.is_conditional == conditionally)

    def _values(self, path: str) -> list[str]:
        rows = 0 if path in self.emptied else int(path.rpartition("/")[2]) % 3 + 1
        return [f"{path}#{position} v{self._versions[path]}" for position in range(rows)]

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path == "/robots.txt":
            return web.Response(status=404)
        if path == "/sitemap.xml":
            entries = ((f"{self.url}{one}", self._changed_at(one).isoformat()) for one in self.books)
            return web.Response(body=url_set(entries), content_type="application/xml")
        if not path.startswith("/books/"):
            return web.Response(status=404)
        response = self._page(request)
        is_conditional = bool({"If-None-Match", "If-Modified-Since"} & request.headers.keys())
        self.asked.append(Asked(path, is_conditional, response.status))
        return response

    def _page(self, request: web.BaseRequest) -> web.Response:
        path = request.path
        if path in self.broken:
            return web.Response(status=404)
        headers = self._headers(path)
        if path in self.stuck or _is_known(request, headers):
            return web.Response(status=304, headers=headers)
        rows = "".join(f"<li><b>{value}</b></li>" for value in self._values(path))
        return web.Response(text=f"<!DOCTYPE html><ul>{rows}</ul>", content_type="text/html", headers=headers)

    def _headers(self, path: str) -> dict[str, str]:
        version = self._versions[path]
        told = {
            Told.ETAG: {"ETag": f'"v{version}"'},
            Told.WEAK_ETAG: {"ETag": f'W/"v{version}"'},
            Told.DATE: {"Last-Modified": format_datetime(self._changed_at(path), usegmt=True)},
            Told.NOTHING: {},
            Told.ANOTHER_ETAG_EACH_TIME: {"ETag": f'"{next(self._numbers)}"'},
        }
        return told[self.told]

    def _changed_at(self, path: str) -> datetime:
        return FIRST_DAY + timedelta(days=self._versions[path])


def _is_known(request: web.BaseRequest, headers: dict[str, str]) -> bool:
    if "ETag" in headers:
        return request.headers.get("If-None-Match") == headers["ETag"]
    return "Last-Modified" in headers and request.headers.get("If-Modified-Since") == headers["Last-Modified"]
