import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from xml.etree import ElementTree

import aiohttp
import pytest

from samples.manuals.folders import parse_folders
from samples.manuals.manuals_site import ManualsSite
from samples.serving import serving

LOC = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    (tmp_path / "secret.txt").write_text("secret")
    for name in ("first", "second"):
        (tmp_path / name / "part").mkdir(parents=True)
        (tmp_path / name / "index.html").write_text(f"<h1>{name}</h1>")
        (tmp_path / name / "part" / "a & b.html").write_text("<h1>A &amp; b</h1>")
        (tmp_path / name / "style.css").write_text("h1{}")
    folders = parse_folders([str(tmp_path / "first"), f"other={tmp_path / 'second'}"])
    async with serving(ManualsSite(folders).handle) as url:
        yield url


async def get(url: str, **options) -> tuple[int, str, str]:
    """Status, media type and text."""
    async with aiohttp.ClientSession() as session, session.get(url, **options) as response:
        return response.status, response.headers["Content-Type"], await response.text()


async def test_the_sitemap_leads_to_every_html_page(url):
    _, _, index = await get(f"{url}/sitemap.xml")
    children = [node.text for node in ElementTree.fromstring(index).iter(LOC)]
    assert children == [f"{url}/sitemaps/first.xml", f"{url}/sitemaps/other.xml"]
    _, _, child = await get(children[1])
    pages = [node.text for node in ElementTree.fromstring(child).iter(LOC)]
    assert pages == [f"{url}/other/index.html", f"{url}/other/part/a%20%26%20b.html"]


async def test_a_page_from_the_sitemap_is_the_file_as_it_is(url):
    assert await get(f"{url}/other/part/a%20%26%20b.html") == (200, "text/html", "<h1>A &amp; b</h1>")


async def test_other_files_are_served_with_their_type(url):
    assert await get(f"{url}/first/style.css") == (200, "text/css", "h1{}")


@pytest.mark.parametrize("path", ["/first/", "/first"])
async def test_a_folder_shows_its_index(url, path):
    assert (await get(url + path))[2] == "<h1>first</h1>"


@pytest.mark.parametrize(
    "path",
    [
        "/first/../secret.txt",
        "/first/..%2Fsecret.txt",
        "/first/%2e%2e/secret.txt",
        "/first/%00",
        "/third/index.html",
        "/secret.txt",
        "/sitemaps/third.xml",
    ],
)
async def test_nothing_else_is_served(url, path):
    # Raw bytes on the socket: a client library would tidy the path up before it is sent.
    status_line = await first_line(url, path)
    assert status_line.split()[1] == "404"


async def first_line(url: str, path: str) -> str:
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    line = (await reader.readline()).decode()
    writer.close()
    await writer.wait_closed()
    return line


async def test_an_unchanged_file_is_not_sent_again(url):
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/first/index.html") as response:
            etag = response.headers["ETag"]
        async with session.get(f"{url}/first/index.html", headers={"If-None-Match": etag}) as response:
            assert response.status == 304
