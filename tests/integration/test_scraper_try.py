"""`python -m scraper try` against a site: rows on stdout, what was done on stderr."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from samples.serving import serving
from scraper.__main__ import main

SOURCES = """
[[source]]
name = "books"
urls = ["{url}/1"]
allow_private_hosts = ["127.0.0.1"]
requests_per_second = 200
max_attempts = 1
rows = "li"
blocked_if = ["captcha"]
fields = {{ title = "b", tags = {{ css = "i", type = "list", default = [] }} }}

[[source]]
name = "rude"
urls = ["{url}/1"]
allow_private_hosts = ["127.0.0.1"]
respect_robots = false
fields = {{ price = {{ path = "price", type = "decimal" }} }}

[[source]]
name = "odd"
urls = ["{url}/1"]
allow_private_hosts = ["127.0.0.1"]
rows = "li"
fields = {{ title = "b", count = {{ css = "s" }}, author = "u", note = {{ css = "u", required = false }} }}

[[source]]
name = "keyed"
urls = ["{url}/1"]
allow_private_hosts = ["127.0.0.1"]
requests_per_second = 200
rows = "li"
key = ["id"]
fields = {{ id = {{ css = "b", required = false }} }}

[[source]]
name = "mapped"
sitemap = "{url}/map"
allow_private_hosts = ["127.0.0.1"]
requests_per_second = 200
fields = {{ title = "b" }}

[[source]]
name = "fed"
feed = "{url}/feed"
allow_private_hosts = ["127.0.0.1"]
requests_per_second = 200
headers = {{ X-Key = "secret" }}
fields = {{ title = "b" }}
"""
PAGES: dict[str, tuple[str | bytes, str]] = {
    "/robots.txt": ("User-agent: *\nDisallow: /private\n", "text/plain"),
    "/books": ("<li><b>One</b><i>new</i><i>é</i></li><li><b>Two</b></li>", "text/html"),
    "/keys": ("<li><b>1</b><li><b>2</b><li><b>1</b><li>", "text/html"),
    "/captcha": ("<li><b>Captcha</b></li>", "text/html"),
    "/one": ("<li><i>x</i></li>", "text/html"),
    "/price": ('{"price": 12.50}', "application/json"),
    "/none": ("<p>nothing</p>", "text/html"),
    "/odd": (b"<li><b>\xe9</b><s>7</s></li><li><b>x</b></li><li><b>y</b><s>many</s></li>", "text/html"),
    "/map": ("<sitemapindex><sitemap><loc>/map-1</loc></sitemap></sitemapindex>", "application/xml"),
    "/map-1": (
        "<urlset><url><loc>/books</loc><lastmod>2024-03-01</lastmod></url><url><loc>http://[x</loc></url></urlset>",
        "application/xml",
    ),
    "/feed": (
        "<rss><channel><item><link>/books</link></item><item><title>no</title></item></channel></rss>",
        "application/rss+xml",
    ),
}
MOVED = {"/moved": "/books", "/hidden": "/private/2", "/inside": "http://10.0.0.1/"}


class Shop:
    """A site that remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.url = ""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request.path)
        if request.path in MOVED:
            return web.Response(status=301, headers={"Location": MOVED[request.path]})
        if request.path not in PAGES:
            return web.Response(status=404)
        body, content_type = PAGES[request.path]
        if request.path == "/feed" and request.headers.get("X-Key") != "secret":
            return web.Response(status=403)
        if isinstance(body, bytes):
            return web.Response(body=body, content_type=content_type, charset="windows-1252")
        return web.Response(text=body, content_type=content_type)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    opened = Shop()
    async with serving(opened.handle) as opened.url:
        (tmp_path / "s.toml").write_text(SOURCES.format(url=opened.url), encoding="utf-8")
        yield opened


async def attempt(shop: Shop, tmp_path: Path, source: str, path: str, *options: str) -> int:
    arguments = ["try", source, shop.url + path, "--file", str(tmp_path / "s.toml"), *options]
    return await asyncio.to_thread(main, arguments)


async def test_rows_go_to_stdout_and_what_was_done_to_stderr(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await attempt(shop, tmp_path, "books", "/moved") == 0
    told = capsys.readouterr()
    assert [json.loads(line) for line in told.out.splitlines()] == [
        {"title": "One", "tags": ["new", "é"]},
        {"title": "Two", "tags": []},
    ]
    robots, allowed, pace, hop, page, kind, rows = told.err.splitlines()
    assert robots.startswith(f"- GET {shop.url}/robots.txt: 200, text/plain, utf-8, 33 bytes, ")
    assert allowed == "- robots.txt allows the page"
    assert pace == "- pace: at most 200 requests a second"
    assert hop == f"- GET {shop.url}/moved: redirects to {shop.url}/books"
    assert page.startswith(f"- GET {shop.url}/books: 200, text/html, utf-8, ")
    assert kind == "- read as html, utf-8: rows found: 2"
    assert rows == "- rows: 2"
    assert shop.asked == ["/robots.txt", "/moved", "/books"]


async def test_rows_that_the_key_does_not_tell_apart_are_counted(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await attempt(shop, tmp_path, "keyed", "/keys") == 0
    paired = "such rows are paired in page order when snapshots are compared"
    assert capsys.readouterr().err.splitlines()[-2:] == [
        f"- key: 1 of 4 rows have no value in a field of it; {paired}",
        f"- key: 1 of 4 rows have that of a row before them; {paired}",
    ]


@pytest.mark.parametrize(("path", "asked"), [("/private/1", []), ("/hidden", ["/hidden"])])
async def test_a_page_that_robots_txt_refuses_is_not_asked_for_and_the_rule_is_named(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str], path: str, asked: list[str]
) -> None:
    assert await attempt(shop, tmp_path, "books", path) == 3
    refused = f"error: {shop.url}{path}: robots_disallowed: robots.txt of {shop.url} disallows it for daily-scrape"
    told = capsys.readouterr().err
    assert refused in told
    assert ": Disallow: /private (attempts: 0)" in told
    assert shop.asked == ["/robots.txt", *asked]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/captcha", "blocked: the page says 'captcha'"),
        ("/one", "missing_field: field 'title' of row 0 has no value: nothing at 'b' (attempts: 1)"),
        ("/none", "no_rows: no row: nothing matches 'li'"),
        ("/gone", "http_404: the server answered 404"),
        ("/inside", "private_address: "),
        ("/price", "unsupported_content: content type application/json is not a page"),
    ],
)
async def test_a_page_without_rows_fails_with_its_reason(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str], path: str, reason: str
) -> None:
    assert await attempt(shop, tmp_path, "books", path) == 3
    told = capsys.readouterr()
    assert told.out == ""
    assert f"error: {shop.url}{path}: {reason}" in told.err


async def test_every_field_that_fails_says_in_which_rows(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await attempt(shop, tmp_path, "odd", "/odd") == 3
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines()[-5:] == [
        "- read as html, cp1252: rows found: 3",
        "- fails in 1 of 3 rows (1): field 'count' of row 1 has no value: nothing at 's'",
        "- fails in 3 of 3 rows (0, 1, 2): field 'author' of row 0 has no value: nothing at 'u'",
        "- field 'note' has no value in 3 of 3 rows (0, 1, 2)",
        f"error: {shop.url}/odd: missing_field: field 'author' of row 0 has no value: nothing at 'u' (attempts: 1)",
    ]


async def test_a_sitemap_shows_the_sitemaps_and_pages_that_it_names(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await attempt(shop, tmp_path, "mapped", "/map") == 0
    assert json.loads(capsys.readouterr().out) == {"link": f"{shop.url}/map-1", "for": ["sitemap"]}
    assert await attempt(shop, tmp_path, "mapped", "/map-1") == 0
    told = capsys.readouterr()
    assert [json.loads(line) for line in told.out.splitlines()] == [
        {"link": f"{shop.url}/books", "for": ["rows"], "last_modified": "2024-03-01T00:00:00+00:00"},
        {"unusable_link": "http://[x", "problem": "Invalid IPv6 URL"},
    ]
    assert "- pages that the sitemap names: 1" in told.err


async def test_a_page_of_a_source_with_a_sitemap_shows_its_rows(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await attempt(shop, tmp_path, "mapped", "/books") == 0
    assert json.loads(capsys.readouterr().out) == {"title": "One"}


async def test_a_feed_is_asked_with_the_headers_of_the_source_and_shows_its_pages(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await attempt(shop, tmp_path, "fed", "/feed") == 0
    told = capsys.readouterr()
    assert [json.loads(line) for line in told.out.splitlines()] == [
        {"link": f"{shop.url}/books", "for": ["rows"]},
        {"unusable_link": "entry 2 'no'", "problem": "no link to a page"},
    ]
    assert "secret" not in told.err


async def test_a_source_that_does_not_respect_robots_txt_says_so(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await attempt(shop, tmp_path, "rude", "/price") == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == {"price": "12.50"}
    assert told.err.startswith("- robots.txt is not asked for: respect_robots is false\n")
    assert shop.asked == ["/price"]


@pytest.mark.parametrize(
    ("source", "url", "problem"),
    [
        ("books", "ftp://books.example/", "ftp://books.example/: bad_url: only http:// and https:// URLs are fetched"),
        ("books", "http://10.0.0.1/", "private_address"),
    ],
)
async def test_an_address_that_is_not_asked_for_says_why(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str, url: str, problem: str
) -> None:
    arguments = ["try", source, url, "--file", str(tmp_path / "s.toml")]
    assert await asyncio.to_thread(main, arguments) == 3
    assert problem in capsys.readouterr().err
