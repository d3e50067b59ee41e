"""Pages of the sample site that lie, break off, lead astray, or change."""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import brotli
import pytest

from samples.serving import serving
from samples.site.catalogue import Catalogue
from samples.site.faults import Fault, fault_kinds
from samples.site.moments import Moments
from samples.site.shop import Shop
from tests.integration.test_sample_site import Client, get_by_socket, start_process

PAGE = "/books/1.html"


@asynccontextmanager
async def visited(shop: Shop) -> AsyncIterator[Client]:
    # Bodies as they come: what is packed stays so.
    async with serving(shop.handle) as url, aiohttp.ClientSession(auto_decompress=False) as session:
        yield Client(url, session)


@pytest.fixture
async def shop() -> AsyncIterator[Client]:
    async with visited(Shop(Catalogue(20, 1), hang_s=30)) as client:
        yield client


async def parts(client: Client, fault: Fault) -> tuple[bytes, bytes]:
    """Head and body of a faulty page, as they came over the wire until the connection was closed."""
    head, _, body = (await get_by_socket(client, f"{PAGE}?fault={fault}")).partition(b"\r\n\r\n")
    return head, body


async def good_page(client: Client) -> bytes:
    return (await client.get(PAGE))[2]


@pytest.mark.parametrize("fault", [Fault.CUT_BODY, Fault.CUT_BODY_ONCE])
async def test_a_cut_body_breaks_off_in_the_middle(shop, fault):
    with pytest.raises(aiohttp.ClientPayloadError):
        await shop.get(f"{PAGE}?fault={fault}")


async def test_a_body_that_is_cut_once_comes_whole_the_next_time(shop):
    with pytest.raises(aiohttp.ClientPayloadError):
        await shop.get(f"{PAGE}?fault=cut_body_once")
    assert (await shop.get(f"{PAGE}?fault=cut_body_once"))[2] == await good_page(shop)


async def test_a_stalled_body_has_begun_and_does_not_go_on(shop):
    page = await good_page(shop)
    async with aiohttp.ClientSession() as session, session.get(f"{shop.url}{PAGE}?fault=stall") as response:
        assert await response.content.readexactly(len(page) // 2) == page[: len(page) // 2]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await response.content.readany()


async def test_a_length_in_characters_is_less_than_comes(shop):
    page = await good_page(shop)
    head, body = await parts(shop, Fault.LENGTH_IN_CHARACTERS)
    assert f"Content-Length: {len(page.decode())}".encode() in head
    assert body == page
    assert 0 < len(page) - len(page.decode()) < 1000


async def test_a_length_that_is_too_short_ends_before_the_title_and_more_comes(shop):
    page = await good_page(shop)
    head, body = await parts(shop, Fault.LENGTH_TOO_SHORT)
    assert f"Content-Length: {page.index(b'<h1')}".encode() in head
    assert body == page


async def test_a_length_that_is_too_long_promises_more_than_comes(shop):
    page = await good_page(shop)
    head, body = await parts(shop, Fault.LENGTH_TOO_LONG)
    assert f"Content-Length: {len(page) + 1000}".encode() in head
    assert body == page


async def test_bombs_are_small_and_unpack_to_a_lot(shop):
    _, gzip_headers, packed = await shop.get(f"{PAGE}?fault=gzip_bomb")
    _, br_headers, packed_more = await shop.get(f"{PAGE}?fault=brotli_bomb")
    assert (gzip_headers["Content-Encoding"], br_headers["Content-Encoding"]) == ("gzip", "br")
    assert (len(packed) < 25_000, len(packed_more) < 200) == (True, True)
    assert len(gzip.decompress(packed)) == 20_000_000
    assert len(brotli.decompress(packed_more)) == 100_000_000


async def test_a_cut_gzip_stream_is_the_begin_of_the_page(shop):
    _, headers, packed = await shop.get(f"{PAGE}?fault=cut_gzip")
    unpacked = zlib.decompressobj(wbits=31)
    assert headers["Content-Encoding"] == "gzip"
    assert (await good_page(shop)).startswith(unpacked.decompress(packed))
    assert not unpacked.eof


async def test_charsets_that_the_header_gets_wrong(shop):
    page = await good_page(shop)
    answers = {fault: await shop.get(f"{PAGE}?fault={fault}") for fault in Fault if fault.startswith("charset_")}
    told = {fault: headers["Content-Type"].partition("charset=")[2] for fault, (_, headers, _) in answers.items()}
    assert told == {
        Fault.CHARSET_SAYS_LATIN: "iso-8859-1",
        Fault.CHARSET_SAYS_UTF8: "utf-8",
        Fault.CHARSET_NONSENSE: "utf-8",
    }
    assert answers[Fault.CHARSET_SAYS_LATIN][2] == page
    said_utf8 = answers[Fault.CHARSET_SAYS_UTF8][2]
    assert b'<meta charset="windows-1252">' in said_utf8
    with pytest.raises(UnicodeDecodeError):
        said_utf8.decode()
    assert b"<h1" not in answers[Fault.CHARSET_NONSENSE][2]


async def test_a_page_of_the_wrong_type_says_that_it_is_a_picture(shop):
    _, headers, body = await shop.get(f"{PAGE}?fault=wrong_type")
    assert (headers["Content-Type"], body) == ("image/png", await good_page(shop))


async def test_redirects_lead_to_another_path_port_name_or_ever_on():
    site = Shop(Catalogue(20, 1))
    async with visited(site) as shop, serving(site.handle) as mirror:
        site.has_mirror(mirror)
        page = await good_page(shop)
        kinds = [fault for fault in Fault if fault.startswith("redirect_") and fault is not Fault.REDIRECT_LOOP]
        targets = {fault: (await shop.get(f"{PAGE}?fault={fault}"))[1]["Location"] for fault in kinds}
        port = mirror.rpartition(":")[2]
        assert targets == {
            Fault.REDIRECT_MOVED: "/moved/books/1.html",
            Fault.REDIRECT_OTHER_PORT: f"{mirror}/moved/books/1.html",
            Fault.REDIRECT_PRIVATE: f"http://localhost:{port}/moved/books/1.html",
            Fault.REDIRECT_DISALLOWED: "/private/books/1.html",
            Fault.REDIRECT_ENDLESS: "/books/1.html?fault=redirect_endless&step=1",
        }
        assert (await shop.get(targets[Fault.REDIRECT_OTHER_PORT]))[2] == page
        assert (await shop.get("/private/books/1.html"))[2] == page
        assert (await shop.get(targets[Fault.REDIRECT_ENDLESS]))[1]["Location"].endswith("&step=2")


async def test_walls_open_to_a_reader_with_a_cookie(shop):
    _, _, login = await shop.get(f"{PAGE}?fault=login_wall")
    status, headers, _ = await shop.get(f"{PAGE}?fault=cookie_wall")
    cookie = {"Cookie": headers["Set-Cookie"].partition(";")[0]}
    assert (b"Please sign in" in login, b"book-title" in login) == (True, False)
    assert (status, headers["Location"]) == (302, f"{PAGE}?fault=cookie_wall")
    for wall in ("login_wall", "cookie_wall"):
        assert (await shop.get(f"{PAGE}?fault={wall}", headers=cookie))[2] == await good_page(shop)


async def test_a_burst_refuses_everything_for_a_while_but_no_page_more_than_twice():
    async with visited(Shop(Catalogue(20, 1), moments=Moments(burst_at=3, burst_length=5))) as shop:
        paths = ["/books/1.html", "/books/2.html", "/books/3.html", "/catalogue/page-1.html"]
        paths += ["/books/3.html", "/books/3.html", "/robots.txt", "/books/4.html"]
        assert [await shop.status(path) for path in paths] == [200, 200, 503, 503, 503, 200, 503, 200]


async def test_robots_txt_changes_at_its_moment():
    catalogue = Catalogue(40, 1, 10, fault_kinds("disallowed,disallowed_later"))
    async with visited(Shop(catalogue, moments=Moments(robots_change_at=3))) as shop:
        texts = [(await shop.get("/robots.txt"))[2].decode() for _ in range(3)]
    rules = [[path for path in catalogue.faults if f"Disallow: /books/{path}.html\n" in text] for text in texts]
    assert rules[0] == rules[1] == [path for path, fault in catalogue.faults.items() if fault is Fault.DISALLOWED]
    assert rules[2] == [path for path, fault in catalogue.faults.items() if fault is Fault.DISALLOWED_LATER]


async def test_robots_txt_asks_for_a_crawl_delay_where_that_is_wanted():
    async with visited(Shop(Catalogue(20, 1).with_crawl_delay(0.5))) as shop:
        assert b"\nCrawl-delay: 0.5\nDisallow: /basket\n" in (await shop.get("/robots.txt"))[2]


async def test_a_new_layout_begins_with_a_book_and_changes_what_an_unchanged_page_is(shop):
    _, before, _ = await shop.get("/books/15.html")
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{shop.url}/new-layout?from=15") as response:
            assert response.status == 200
        async with session.post(f"{shop.url}/new-layout?from=here") as response:
            assert response.status == 400
    status, _, new = await shop.get("/books/15.html", headers={"If-None-Match": before["ETag"]})
    assert (status, b"book-title" in new, b"item__name" in new) == (200, False, True)
    assert b"book-title" in (await shop.get("/books/14.html"))[2]


async def test_the_log_tells_when_each_request_began_and_ended(shop):
    await asyncio.gather(shop.get("/books/1.html?fault=slow"), shop.get("/books/2.html", headers={"User-Agent": "me"}))
    _, _, text = await shop.get("/log")
    log = {entry["path"]: entry for entry in json.loads(text)}
    slow, quick = log["/books/1.html?fault=slow"], log["/books/2.html"]
    assert (quick["agent"], quick["outcome"], slow["outcome"]) == ("me", "200", "200")
    assert slow["not_before_s"] <= slow["start_s"]
    assert slow["end_s"] - slow["start_s"] >= 0.3
    assert quick["start_s"] < slow["end_s"]


async def test_a_process_tells_of_its_mirror_in_the_second_line():
    process, first = await start_process("--books", "20", "--mirror", "--layout-change-at", "7")
    assert process.stdout is not None
    mirror = (await asyncio.wait_for(process.stdout.readline(), timeout=30)).decode().split()
    try:
        url = first.removeprefix("serving ").strip()
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{url}/books/1.html?fault=redirect_other_port") as response:
                assert (mirror[0], str(response.url)) == ("mirror", f"{mirror[1]}/moved/books/1.html")
            async with session.get(f"{mirror[1]}/books/7.html") as response:
                assert "item__name" in await response.text()
    finally:
        process.terminate()
        await process.wait()
