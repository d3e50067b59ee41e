"""Ten sites whose pages change and break as the virtual hours pass: what a page has is a function of the time."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web

from samples.serving import serving
from samples.sitemap_xml import url_set

EPOCH = datetime(2026, 11, 21, tzinfo=UTC)
ROWS_PER_PAGE = 2

SOURCE = """
[[source]]
name = "{name}"
{found}
allow_private_hosts = ["127.0.0.1"]
concurrency = 8
requests_per_second = 10000
max_attempts = 1
rows = "li"
fields = {{ name = "b::text", value = "i::text" }}
key = ["name"]
gate = {{ max_failed_percent = 40 }}
"""


class ChangingSites:
    """The sites `s0` … `s9` with a few pages each, found by a sitemap or one by one. `is_well` ends all faults."""

    def __init__(self, folder: Path, now: Callable[[], datetime], *, seed: int, sources: int, pages: int = 6) -> None:
        self.sources = [f"s{number}" for number in range(sources)]
        self.is_well = False
        self.requests = 0
        self.faults = 0
        self._now, self._seed, self._folder = now, seed, folder
        self._pages = {name: 2 + number % pages for number, name in enumerate(self.sources)}
        self._url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ChangingSites]:
        """Serve, and write the sources file."""
        async with serving(self._handle) as self._url:
            parts = [SOURCE.format(name=name, found=self._found(number)) for number, name in enumerate(self.sources)]
            self.sources_file.write_text("\n".join(parts))
            yield self

    @property
    def sources_file(self) -> Path:
        """What SOURCES_FILE is to name."""
        return self._folder / "sources.toml"

    def paths(self, source: str) -> list[str]:
        """The pages of a source."""
        return [f"/{source}/{number}" for number in range(self._pages[source])]

    def truth(self, url: str, at: datetime) -> list[tuple[str, str]]:
        """The rows of a page at a time: name and value."""
        path = "/" + url.split("/", 3)[3]
        version = self._version(path, at)
        return [(f"{path}#{row}", f"{version}") for row in range(ROWS_PER_PAGE)]

    def _found(self, number: int) -> str:
        name = self.sources[number]
        if number % 2:
            return f'sitemap = "{self._url}/{name}/sitemap.xml"'
        return "urls = [" + ", ".join(f'"{self._url}{path}"' for path in self.paths(name)) + "]"

    def _version(self, path: str, at: datetime) -> int:
        """Pages change at different rates: some every few minutes, some about once in two days."""
        dice = random.Random(f"{self._seed}{path}")
        period = timedelta(minutes=dice.choice([7, 60, 300, 3000]))
        return (at - EPOCH + timedelta(minutes=dice.random() * 3000)) // period

    def _dice(self, *what: object) -> random.Random:
        return random.Random("-".join(str(one) for one in (self._seed, *what)))

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests += 1
        path = request.path
        if path == "/robots.txt":
            return web.Response(status=404)
        fault = None if self.is_well else self._fault(path)
        if fault is not None:
            self.faults += 1
            return fault
        if path.endswith("/sitemap.xml"):
            urls = ((f"{self._url}{one}", "") for one in self.paths(path.split("/")[1]))
            return web.Response(body=url_set(urls), content_type="application/xml")
        tag = f'"{self._version(path, self._now())}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        rows = "".join(
            f"<li><b>{name}</b><i>{value}</i></li>" for name, value in self.truth(f"http://x{path}", self._now())
        )
        return web.Response(text=f"<!DOCTYPE html><ul>{rows}</ul>", content_type="text/html", headers={"ETag": tag})

    def _fault(self, path: str) -> web.Response | None:
        """Of a whole site for an hour, or of one page for ten minutes."""
        minutes = (self._now() - EPOCH) // timedelta(minutes=1)
        of_site = self._dice(path.split("/")[1], minutes // 60).random()
        if of_site < 0.04:
            return web.Response(status=503)
        if of_site < 0.08:
            return web.Response(text="<!DOCTYPE html><table></table>", content_type="text/html")  # a new layout
        chance = self._dice(path, minutes // 10).random()
        if chance < 0.02:
            return web.Response(status=404)
        if chance < 0.04:
            return web.Response(status=500)
        if chance < 0.045:
            return web.Response(status=429, headers={"Retry-After": "900"})
        return None
