"""A site of pages that lead to each other, which a test can break and mend page by page; and the truth about it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from hashlib import sha256
from pathlib import Path

from aiohttp import web

from samples.serving import serving
from tests.helpers.threads import in_thread

SOURCES = """
[[source]]
name = "books"
allow_private_hosts = ["127.0.0.1"]
concurrency = 4
requests_per_second = 1000
max_attempts = 1
{more}
fields = {{ n = "h1::text" }}
gate = {{ max_failed_percent = 100 }}

[source.follow]
start = ["{url}/"]
{follow}
"""

Graph = Mapping[str, Sequence[str]]
"""For each path the references on its page, in order."""


def random_graph(pages: int, *, seed: int, reach: int = 8) -> dict[str, list[str]]:
    """A graph in which most pages can be reached from `/`, many of them by several ways, and with circles.

    A link leads at most `reach` pages further: the smaller it is, the more links in a row there are.
    """
    dice = random.Random(seed)
    paths = ["/", *(f"/{number}" for number in range(1, pages))]
    graph = {
        path: [dice.choice(paths[max(0, number - reach) : number + reach + 1]) for _ in range(dice.randrange(4))]
        for number, path in enumerate(paths)
    }
    for number, path in enumerate(paths[1:], start=1):
        if dice.random() < 0.9:
            graph[dice.choice(paths[max(0, number - reach) : number])].append(path)
    return graph


def reachable(graph: Graph, *, without: Collection[str] = ()) -> set[str]:
    """The paths that can be reached from `/`; pages in `without` are reached and lead nowhere."""
    found, waiting = {"/"}, ["/"]
    while waiting:
        path = waiting.pop()
        for following in () if path in without else graph.get(path, ()):
            if following not in found:
                found.add(following)
                waiting.append(following)
    return found


class LinkedSite:
    """Pages with their path as heading and links to others; those in `broken` are 404, those in `busy` want an hour.

    Those in `redirects` lead elsewhere, those in `heads` have this in their head. `hits` counts answers with a body by
    path, `unmodified` those without.
    """

    def __init__(self, graph: Graph, sources_file: Path) -> None:
        self.graph = graph
        self.broken: set[str] = set()
        self.redirects: dict[str, str] = {}
        self.heads: dict[str, str] = {}
        self.busy: set[str] = set()
        self.robots = ""
        self.hits: Counter[str] = Counter()
        self.unmodified: Counter[str] = Counter()
        self._sources_file = sources_file
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[LinkedSite]:
        """Serve, and write the sources file."""
        async with serving(self._handle) as self.url:
            self.write_sources()
            yield self

    @contextmanager
    def running_in_thread(self) -> Iterator[LinkedSite]:
        """The same for tests that block."""
        with in_thread("linked-site", self.running()):
            yield self

    @property
    def settings(self) -> dict[str, str]:
        """What an app needs to scrape this site."""
        return {"SOURCES_FILE": str(self._sources_file)}

    def write_sources(self, follow: str = 'links = "a"', more: str = "") -> None:
        """The sources file, with these lines about the links, and about the source."""
        self._sources_file.write_text(SOURCES.format(url=self.url, follow=follow, more=more))

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path_qs
        if path == "/robots.txt":
            return web.Response(text=self.robots)
        if path in self.busy:
            return web.Response(status=429, headers={"Retry-After": "3600"})
        if path in self.redirects:
            return web.Response(status=302, headers={"Location": self.redirects[path]})
        if path in self.broken or path not in self.graph:
            self.hits[path] += 1
            return web.Response(status=404)
        links = "".join(f"<a href='{reference}'>{reference}</a>" for reference in self.graph[path])
        text = f"<!DOCTYPE html><head>{self.heads.get(path, '')}</head><h1>{path}</h1>{links}"
        tag = f'"{sha256(text.encode()).hexdigest()[:16]}"'
        if request.headers.get("If-None-Match") == tag:
            self.unmodified[path] += 1
            return web.Response(status=304, headers={"ETag": tag})
        self.hits[path] += 1
        return web.Response(text=text, content_type="text/html", headers={"ETag": tag})
