"""A site whose pages wait when a test holds them, so that a run is caught in the middle; and can be broken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from aiohttp import web

from samples.serving import serving
from tests.helpers.threads import in_thread

SOURCES = """
[[source]]
name = "books"
url_template = "{url}/books/{{page}}"
pages = "1-{books}"
allow_private_hosts = ["127.0.0.1"]
requests_per_second = 1000
max_attempts = 1
key = ["title"]
fields = {{ title = "h1::text", price = {{ css = "b::text", type = "decimal" }} }}
gate = {{ max_failed_percent = 50 }}

[[source]]
name = "news"
url_template = "{other}/news/{{page}}"
pages = "1-{news}"
allow_private_hosts = ["localhost"]
requests_per_second = 1000
max_attempts = 1
fields = {{ title = "h1::text" }}
gate = {{ max_failed_percent = 25 }}
"""

HELD_POLL_S = 0.02


class HeldSite:
    """Pages `/books/1` … and `/news/1` …: those in `broken` are 404, those in `held` wait until they are not.

    Books cost `price`; each page is called by its path.
    """

    def __init__(self, folder: Path, *, books: int = 40, news: int = 4) -> None:
        self.books = [f"/books/{number}" for number in range(1, books + 1)]
        self.news = [f"/news/{number}" for number in range(1, news + 1)]
        self.broken: set[str] = set()
        self.held: set[str] = set()
        self.prices: dict[str, str] = {}
        self.url = ""
        self._sources_file = folder / "sources.toml"

    @contextmanager
    def running(self) -> Iterator[HeldSite]:
        """Serve in a thread, and write the sources file."""
        with in_thread("held-site", self._serving()):
            text = SOURCES.format(url=self.url, other=self.other_url, books=len(self.books), news=len(self.news))
            self._sources_file.write_text(text)
            yield self

    @property
    def other_url(self) -> str:
        """Of the news, on a host of their own: they need not wait until the books are done."""
        return self.url.replace("127.0.0.1", "localhost")

    @property
    def settings(self) -> dict[str, str]:
        """What an app needs to scrape this site, in batches of a few pages."""
        return {"SOURCES_FILE": str(self._sources_file), "PAGES_PER_BATCH": "5", "MAX_PARALLEL_BATCHES": "2"}

    @contextmanager
    def holding(self, *paths: str) -> Iterator[None]:
        """These pages wait until the block is left."""
        self.held.update(paths)
        try:
            yield
        finally:
            self.held.difference_update(paths)

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[None]:
        async with serving(self._handle) as self.url:
            yield

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        while path in self.held:
            await asyncio.sleep(HELD_POLL_S)
        if path == "/robots.txt" or path in self.broken:
            return web.Response(status=404)
        price = self.prices.get(path, "9.99")
        return web.Response(text=f"<!DOCTYPE html><h1>{path}</h1><b>{price}</b>", content_type="text/html")
