"""A robots.txt that is somewhere else holds, whatever the source says of the redirects of its pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from samples.serving import serving
from scraper.__main__ import main

SOURCES = """
[[source]]
name = "books"
{finder}
allow_private_hosts = ["127.0.0.1", "localhost"]
requests_per_second = 200
max_attempts = 1
max_redirects = 0
fields = {{ title = "b" }}
"""
RULES = "User-agent: *\nDisallow: /private\n"


class Moved:
    """A site with its robots.txt on another port."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.target = ""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request.path)
        if request.path == "/robots.txt":
            return web.Response(status=301, headers={"Location": f"{self.target}/rules"})
        return web.Response(text=RULES if request.path == "/rules" else "<b>x</b>", content_type="text/html")


@pytest.fixture
async def site() -> AsyncIterator[tuple[Moved, str]]:
    moved = Moved()
    async with serving(moved.handle) as moved.target, serving(moved.handle) as url:
        yield moved, url


@pytest.mark.parametrize("finder", ['urls = ["{}/1"]', 'follow = {{ start = ["{}/1"], links = "a" }}'])
@pytest.mark.parametrize(("path", "status", "asked"), [("/private/1", 3, []), ("/public", 0, ["/public"])])
async def test_rules_behind_a_redirect_to_another_host_hold(
    site: tuple[Moved, str], tmp_path: Path, finder: str, path: str, status: int, asked: list[str]
) -> None:
    moved, url = site
    file = tmp_path / "s.toml"
    file.write_text(SOURCES.format(finder=finder.format(url)), encoding="utf-8")
    assert await asyncio.to_thread(main, ["try", "books", url + path, "--file", str(file)]) == status
    assert moved.asked == ["/robots.txt", "/rules", *asked]
