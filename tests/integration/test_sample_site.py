import asyncio
import gzip
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from xml.etree import ElementTree

import aiohttp
import pytest

from samples.serving import serving
from samples.site.catalogue import Catalogue
from samples.site.faults import Fault
from samples.site.shop import Shop

LOC = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"


class Client:
    """A client of one shop that follows no redirect."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._session = session

    async def get(self, path: str, **options):
        """Status, headers and body."""
        url = path if path.startswith("http") else self.url + path
        async with self._session.get(url, allow_redirects=False, **options) as response:
            return response.status, response.headers, await response.read()

    async def status(self, path: str) -> int:
        return (await self.get(path))[0]

    async def stats(self, query: str = ""):
        async with self._session.get(f"{self.url}/stats{query}") as response:
            return await response.json()


@asynccontextmanager
async def shop_client(catalogue: Catalogue, **options) -> AsyncIterator[Client]:
    async with serving(Shop(catalogue, **options).handle) as url, aiohttp.ClientSession() as session:
        yield Client(url, session)


@pytest.fixture
async def shop() -> AsyncIterator[Client]:
    async with shop_client(Catalogue(1200, 1, 0)) as client:
        yield client


async def get_by_socket(client: Client, path: str) -> bytes:
    """The raw answer. aiohttp's client asks again by itself when a connection breaks, which hides a reset."""
    host, _, port = client.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        return await reader.read()
    finally:
        writer.close()


async def locations(client: Client, path: str) -> list[str]:
    body = (await client.get(path))[2]
    text = gzip.decompress(body) if path.endswith(".gz") else body
    return [node.text or "" for node in ElementTree.fromstring(text).iter(LOC)]


@pytest.mark.parametrize("path", ["/", "/books/1.html", "/books/1200.html", "/catalogue/page-60.html", "/basket"])
async def test_pages_are_html(shop, path):
    status, headers, body = await shop.get(path)
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert body.startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize("path", ["/books/1201.html", "/catalogue/page-61.html", "/sitemaps/books-4.xml", "/nothing"])
async def test_what_is_not_there_is_404(shop, path):
    assert await shop.status(path) == 404


async def test_the_sitemap_names_every_detail_page_once_with_the_host_asked_for(shop):
    children = await locations(shop, "/sitemap.xml")
    assert [child.removeprefix(shop.url) for child in children] == [
        "/sitemaps/books-1.xml",
        "/sitemaps/books-2.xml",
        "/sitemaps/books-3.xml.gz",
    ]
    urls = [url for child in children for url in await locations(shop, child)]
    assert urls == [f"{shop.url}/books/{book_id}.html" for book_id in range(1, 1201)]


async def test_sitemap_urls_follow_the_host_header(shop):
    _, _, body = await shop.get("/sitemap.xml", headers={"Host": "shop.example:81"})
    assert b"<loc>http://shop.example:81/sitemaps/books-1.xml</loc>" in body


async def test_a_hostile_host_header_stays_text(shop):
    _, _, body = await shop.get("/sitemap.xml", headers={"Host": "a&<b>"})
    assert b"<loc>http://a&amp;&lt;b&gt;/sitemaps/books-1.xml</loc>" in body


async def test_robots_txt_names_the_sitemap_and_keeps_robots_out_of_the_basket(shop):
    _, _, body = await shop.get("/robots.txt")
    assert body.decode().splitlines() == [
        "User-agent: *",
        "Disallow: /basket",
        "Disallow: /stats",
        "Disallow: /private/",
        "",
        f"Sitemap: {shop.url}/sitemap.xml",
    ]


async def test_an_unchanged_page_is_not_sent_again(shop):
    _, headers, _ = await shop.get("/books/1.html")
    status, _, body = await shop.get("/books/1.html", headers={"If-None-Match": headers["ETag"]})
    assert (status, body) == (304, b"")


@pytest.mark.parametrize(("fault", "status"), [("http_404", 404), ("http_410", 410), ("http_500", 500)])
async def test_a_permanent_status_comes_every_time(shop, fault, status):
    assert [await shop.status(f"/books/1.html?fault={fault}") for _ in range(4)] == [status] * 4


async def test_the_first_hit_may_be_told_to_wait_a_second(shop):
    status, headers, _ = await shop.get("/books/1.html?fault=retry_after_seconds")
    assert (status, headers["Retry-After"]) == (429, "1")
    assert await shop.status("/books/1.html?fault=retry_after_seconds") == 200


async def test_the_first_hit_may_be_told_to_wait_until_a_date(shop):
    status, headers, _ = await shop.get("/books/1.html?fault=retry_after_date")
    wait_s = (parsedate_to_datetime(headers["Retry-After"]) - datetime.now(UTC)).total_seconds()
    assert status == 429
    assert 0 < wait_s <= 2
    assert await shop.status("/books/1.html?fault=retry_after_date") == 200


async def test_unavailable_twice_loads_at_the_third_hit(shop):
    path = "/books/1.html?fault=unavailable_twice"
    assert [await shop.status(path) for _ in range(4)] == [503, 503, 200, 200]


async def test_hits_of_one_page_do_not_count_for_another(shop):
    assert await shop.status("/books/1.html?fault=retry_after_seconds") == 429
    assert await shop.status("/books/2.html?fault=retry_after_seconds") == 429


async def test_reset_once_breaks_the_connection_of_the_first_hit(shop):
    with pytest.raises(ConnectionResetError):
        await get_by_socket(shop, "/books/1.html?fault=reset_once")
    assert await shop.status("/books/1.html?fault=reset_once") == 200


async def test_a_huge_body_has_no_length_and_exceeds_the_limit(shop):
    status, headers, body = await shop.get("/books/1.html?fault=huge_body")
    assert (status, headers.get("Content-Length")) == (200, None)
    assert len(body) > 2_000_000


async def test_a_reader_may_hang_up_on_a_huge_body(shop):
    async with aiohttp.ClientSession() as session, session.get(f"{shop.url}/books/1.html?fault=huge_body") as response:
        await response.content.readexactly(1000)
        response.close()
    assert await shop.status("/books/1.html") == 200


@pytest.mark.parametrize("path", ["/books/1.html", "/catalogue/page-1.html"])
async def test_a_redirect_loop_leads_there_and_back(shop, path):
    start = f"{path}?fault=redirect_loop"
    _, headers, _ = await shop.get(start)
    assert headers["Location"] == f"{start}&again=1"
    status, headers, _ = await shop.get(headers["Location"])
    assert (status, headers["Location"]) == (302, start)


async def test_slow_takes_a_moment_and_loads(shop):
    start = asyncio.get_running_loop().time()
    assert await shop.status("/books/1.html?fault=slow") == 200
    assert asyncio.get_running_loop().time() - start >= 0.3


async def test_hang_outlasts_an_impatient_reader(shop):
    with pytest.raises(TimeoutError):
        await shop.get("/books/1.html?fault=hang", timeout=aiohttp.ClientTimeout(total=0.2))


async def test_markup_faults_come_with_status_200(shop):
    _, _, untitled = await shop.get("/books/1.html?fault=no_title")
    _, _, priceless = await shop.get("/books/1.html?fault=bad_price")
    assert b"<h1" not in untitled
    assert "£n/a".encode() in priceless


async def test_a_sitemap_can_fail_but_has_no_markup_to_break(shop):
    assert await shop.status("/sitemap.xml?fault=http_500") == 500
    assert await shop.status("/sitemap.xml?fault=no_title") == 400


async def test_an_unknown_fault_is_answered_with_the_known_ones(shop):
    status, _, body = await shop.get("/books/1.html?fault=rain")
    assert status == 400
    assert all(fault.encode() in body for fault in Fault)


async def test_a_post_is_refused(shop):
    async with aiohttp.ClientSession() as session, session.post(f"{shop.url}/basket") as response:
        assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")


async def test_faulty_pages_misbehave_without_being_asked_and_others_do_not():
    catalogue = Catalogue(140, 3, 10)
    async with shop_client(catalogue, hang_s=0.0) as shop:
        statuses = {}
        for book_id in range(1, 141):
            if catalogue.fault_of(book_id) is not Fault.RESET_ONCE:
                statuses[book_id] = await shop.status(f"/books/{book_id}.html")
    assert {catalogue.fault_of(book_id): status for book_id, status in statuses.items() if status != 200} == {
        Fault.HTTP_404: 404,
        Fault.HTTP_410: 410,
        Fault.HTTP_500: 500,
        Fault.REDIRECT_LOOP: 302,
        Fault.RETRY_AFTER_SECONDS: 429,
        Fault.RETRY_AFTER_DATE: 429,
        Fault.UNAVAILABLE_TWICE: 503,
    }


async def test_latency_is_added_to_every_page():
    async with shop_client(Catalogue(10, 1, 0), latency_s=0.1) as shop:
        start = asyncio.get_running_loop().time()
        assert await shop.status("/books/1.html") == 200
        assert asyncio.get_running_loop().time() - start >= 0.1


async def test_a_healed_shop_has_no_fault_but_those_asked_for():
    catalogue = Catalogue(40, 1, 10)
    faulty = [f"/books/{book_id}.html" for book_id in catalogue.faults]
    async with shop_client(catalogue) as client, aiohttp.ClientSession() as session:
        assert await client.status(faulty[0]) == 404
        assert await client.status("/heal") == 404
        async with session.post(f"{client.url}/heal") as response:
            assert response.status == 200
        assert [await client.status(path) for path in faulty] == [200] * len(faulty)
        assert await client.status(f"{faulty[0]}?fault=http_404") == 404


async def test_stats_count_pages_by_kind_and_outcome(shop):
    for path in ("/books/1.html", "/books/1.html", "/books/2.html?fault=http_404", "/catalogue/page-1.html", "/none"):
        await shop.get(path)
    with pytest.raises(ConnectionResetError):
        await get_by_socket(shop, "/books/3.html?fault=reset_once")
    stats = await shop.stats("?hits")
    assert stats["by_kind"] == {
        "detail": {"200": 2, "404": 1, "reset": 1},
        "listing": {"200": 1},
        "unknown": {"404": 1},
    }
    assert (stats["requests"], sum(stats["per_second"].values()), stats["in_flight"]) == (6, 6, 0)
    assert stats["hits"]["/books/1.html"] == 2


async def test_stats_count_the_bytes_of_bodies_which_an_unmodified_page_has_none_of(shop):
    _, headers, page = await shop.get("/books/1.html")
    status, _, _ = await shop.get("/books/1.html", headers={"If-None-Match": headers["ETag"]})
    assert status == 304
    assert (await shop.stats())["body_bytes"] == {"detail": len(page)}


async def test_health_and_stats_are_not_counted(shop):
    assert await shop.status("/healthz") == 200
    assert (await shop.stats())["requests"] == 0
    assert (await shop.stats())["requests"] == 0


async def start_process(*arguments: str) -> tuple[asyncio.subprocess.Process, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "samples.site", *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), timeout=30)
    return process, line.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_the_process_at_once_even_while_a_page_hangs(number):
    process, first_line = await start_process("--port", "0", "--books", "10")
    assert first_line.startswith("serving http://127.0.0.1:")
    url = first_line.removeprefix("serving ").rstrip("\n")
    async with aiohttp.ClientSession() as session:
        hanging = asyncio.create_task(session.get(f"{url}/books/1.html?fault=hang"))
        async with asyncio.timeout(10):
            in_flight = 0
            while not in_flight:
                async with session.get(f"{url}/stats") as response:
                    in_flight = (await response.json())["in_flight"]
        process.send_signal(number)
        assert await asyncio.wait_for(process.wait(), timeout=5) == 0
        with pytest.raises(aiohttp.ClientError):
            await hanging


async def test_a_taken_port_is_named(shop):
    port = shop.url.rpartition(":")[2]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "samples.site", "--port", port, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await asyncio.wait_for(process.communicate(), timeout=30)
    assert process.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in errors.decode()
