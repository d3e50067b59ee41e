"""The fetcher against a server that misbehaves on request."""

import asyncio
import gzip
import json
import os
import socket
import struct
import sys
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import brotli
import pytest
from aiohttp import web

from scraper.errors import FetchError, PageGone, RateLimited
from scraper.fetch.answers import FetchedPage
from scraper.fetch.fetcher import Fetcher
from scraper.fetch.limits import FetchLimits
from scraper.finding.discover import discover
from scraper.load import scrape_pages
from scraper.models import PageFailed, PageLoaded, Reason, Share
from scraper.page_version import Validators
from scraper.sources import Source

HOST = "127.0.0.1"
LIMITS = FetchLimits(max_body_bytes=10_000, timeout_s=5.0, max_redirects=3, private_hosts=frozenset({HOST}))
PAGE = b"<!DOCTYPE html><h1>Hello</h1>"


@dataclass
class Site:
    """A server of 127.0.0.1 and the requests that it got."""

    origin: str = ""
    requests: list[web.Request] = field(default_factory=list)
    busy_answers: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str) -> str:
        return self.origin + path

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/robots.txt":
            return web.Response(status=404)
        self.requests.append(request)
        handler = getattr(self, f"answer_{request.path.strip('/').replace('/', '_')}")
        return await handler(request)  # type: ignore[no-any-return]

    async def answer_page(self, request: web.Request) -> web.Response:
        return web.Response(body=PAGE, content_type="text/html", charset="utf-8")

    async def answer_long(self, request: web.Request) -> web.Response:
        return web.Response(text="<li>Grüße" * 20_000, content_type="text/html")

    async def answer_status(self, request: web.Request) -> web.Response:
        headers = {"Retry-After": request.query["after"]} if "after" in request.query else {}
        return web.Response(status=int(request.query["code"]), headers=headers)

    async def answer_versioned(self, request: web.Request) -> web.Response:
        headers = {"ETag": '"v1"', "Last-Modified": "Fri, 01 Mar 2024 06:00:00 GMT"}
        if request.headers.get("If-None-Match") == '"v1"':
            return web.Response(status=304, headers=headers)
        return web.Response(body=PAGE, content_type="text/html", headers=headers)

    async def answer_redirect(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": request.query["to"]})

    async def answer_lost(self, request: web.Request) -> web.Response:
        return web.Response(status=302)

    async def answer_loop(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": f"/loop?{len(self.requests)}"})

    async def answer_large(self, request: web.Request) -> web.Response:
        return web.Response(body=b"x" * int(request.query["bytes"]))

    async def answer_endless(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while not self.released.is_set():
                await response.write(b"x" * 4096)
        except ConnectionError:
            return response
        return response

    async def answer_slow(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"<h1>")
        await self.released.wait()
        return response

    async def answer_packed(self, request: web.Request) -> web.Response:
        encoding = request.query["encoding"]
        pack = {"gzip": gzip.compress, "br": brotli.compress}.get(encoding, zlib.compress)
        return web.Response(body=pack(PAGE), headers={"Content-Encoding": encoding})

    async def answer_bomb(self, request: web.Request) -> web.Response:
        encoding = request.query["encoding"]
        pack = {"gzip": gzip.compress, "br": brotli.compress}[encoding]
        return web.Response(body=pack(b"\0" * 5_000_000), headers={"Content-Encoding": encoding})

    async def answer_cut(self, request: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(PAGE * 9)[:-9], headers={"Content-Encoding": "gzip"})

    async def answer_reset(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
        return web.Response()

    async def answer_busy(self, request: web.Request) -> web.Response:
        self.busy_answers -= 1
        if self.busy_answers >= 0:
            return web.Response(status=429, headers={"Retry-After": "0"})
        return web.Response(body=PAGE, content_type="text/html")

    async def answer_latin1(self, request: web.Request) -> web.Response:
        return web.Response(
            body=b"<meta charset=latin1><h1>\xe9</h1>", headers={"Content-Type": "text/html; charset=utf-8"}
        )

    async def answer_image(self, request: web.Request) -> web.Response:
        return web.Response(body=b"\x89PNG", content_type="image/png")

    async def answer_sitemap(self, request: web.Request) -> web.Response:
        pages = "".join(f"<url><loc>/page?{number}</loc></url>" for number in range(3))
        body = gzip.compress(f"<urlset>{pages}</urlset>".encode())
        return web.Response(body=body, content_type="application/gzip")


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    served = Site()
    app = web.Application()
    app.router.add_get("/{path:.*}", served.answer)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    served.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield served
    served.released.set()
    await runner.cleanup()


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async with Fetcher(user_agent="test-agent/1") as opened:
        yield opened


async def reason_of(fetcher: Fetcher, url: str, limits: FetchLimits = LIMITS) -> Reason:
    with pytest.raises(FetchError) as caught:
        await fetcher.fetch(url, limits)
    assert caught.value.url == url
    return caught.value.reason


async def test_a_page_comes_with_body_type_and_charset(site: Site, fetcher: Fetcher) -> None:
    page = await fetcher.fetch(site.url("/page"), LIMITS)
    assert (page.status, page.body, page.content_type, page.charset) == (200, PAGE, "text/html", "utf-8")
    assert page.fetched_at.tzinfo is not None


async def test_the_fetcher_names_itself(site: Site, fetcher: Fetcher) -> None:
    await fetcher.fetch(site.url("/page"), LIMITS)
    await fetcher.fetch(site.url("/page"), replace(LIMITS, user_agent="special/2"))
    assert [request.headers["User-Agent"] for request in site.requests] == ["test-agent/1", "special/2"]


async def test_one_connection_serves_several_pages(site: Site, fetcher: Fetcher) -> None:
    await fetcher.fetch(site.url("/page"), LIMITS)
    await fetcher.fetch(site.url("/page"), LIMITS)
    assert len({id(request.protocol) for request in site.requests}) == 1


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (404, Reason.HTTP_404),
        (410, Reason.HTTP_410),
        (403, Reason.HTTP_4XX),
        (500, Reason.HTTP_5XX),
        (304, Reason.HTTP_3XX),
    ],
)
async def test_a_status_that_is_no_success_is_a_reason(site: Site, fetcher: Fetcher, code: int, reason: Reason) -> None:
    assert await reason_of(fetcher, site.url(f"/status?code={code}")) == reason


@pytest.mark.parametrize("code", [404, 410])
async def test_what_is_not_there_is_gone(site: Site, fetcher: Fetcher, code: int) -> None:
    with pytest.raises(PageGone):
        await fetcher.fetch(site.url(f"/status?code={code}"), LIMITS)


@pytest.mark.parametrize(("code", "reason"), [(429, Reason.HTTP_429), (503, Reason.HTTP_5XX)])
async def test_retry_after_is_handed_on(site: Site, fetcher: Fetcher, code: int, reason: Reason) -> None:
    with pytest.raises(RateLimited) as caught:
        await fetcher.fetch(site.url(f"/status?code={code}&after=17"), LIMITS)
    assert (caught.value.retry_after_s, caught.value.reason) == (17.0, reason)


async def test_a_page_that_has_not_changed_costs_no_body(site: Site, fetcher: Fetcher) -> None:
    url = site.url("/versioned")
    page = await fetcher.fetch(url, LIMITS)
    assert page.validators == Validators('"v1"', "Fri, 01 Mar 2024 06:00:00 GMT", url)
    again = await fetcher.fetch(f"{url}#top", LIMITS, validators=page.validators)
    assert (page.not_modified, again.not_modified, again.body, again.final_url) == (False, True, b"", url)
    sent = [(one.headers.get("If-None-Match"), one.headers.get("If-Modified-Since")) for one in site.requests]
    assert sent == [(None, None), ('"v1"', "Fri, 01 Mar 2024 06:00:00 GMT")]


async def test_a_version_is_asked_for_only_where_it_was_found(site: Site, fetcher: Fetcher) -> None:
    """The target of a redirect has moved: another page may have the same tag."""
    validators = Validators('"v1"', None, site.url("/page"))
    page = await fetcher.fetch(site.url("/redirect?to=versioned"), LIMITS, validators=validators)
    assert (page.status, page.body) == (200, PAGE)
    asked = Validators('"v1"', None, site.url("/versioned"))
    page = await fetcher.fetch(site.url("/redirect?to=versioned"), LIMITS, validators=asked)
    assert (page.status, page.final_url) == (304, site.url("/versioned"))
    sent = ["If-None-Match" in request.headers for request in site.requests]
    assert sent == [False, False, False, True]


async def test_not_modified_where_nobody_asked_is_a_failure(site: Site, fetcher: Fetcher) -> None:
    elsewhere = Validators('"v1"', None, site.url("/page"))
    with pytest.raises(FetchError, match="was not asked") as caught:
        await fetcher.fetch(site.url("/status?code=304"), LIMITS, validators=elsewhere)
    assert caught.value.reason == Reason.HTTP_3XX


async def test_redirects_are_followed_to_the_final_url(site: Site, fetcher: Fetcher) -> None:
    page = await fetcher.fetch(site.url("/redirect?to=page%23top"), LIMITS)
    assert (page.url, page.final_url) == (site.url("/redirect?to=page%23top"), site.url("/page"))


async def test_a_redirect_loop_ends(site: Site, fetcher: Fetcher) -> None:
    assert await reason_of(fetcher, site.url("/loop")) == Reason.TOO_MANY_REDIRECTS
    assert len(site.requests) == 4


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/", "http://[bad", "http://u:p@127.0.0.1/"])
async def test_a_redirect_out_of_the_web_is_refused_and_no_robots_txt_is_asked_for_there(
    site: Site, fetcher: Fetcher, target: str
) -> None:
    hops: list[str] = []

    async def before_hop(target: str) -> None:
        hops.append(target)

    with pytest.raises(FetchError) as caught:
        await fetcher.fetch(site.url(f"/redirect?to={target}"), LIMITS, before_hop=before_hop)
    assert (caught.value.reason, hops) == (Reason.BAD_URL, [])


async def test_a_redirect_that_leaves_the_hosts_of_a_crawl_fails_before_anybody_else_is_asked(
    site: Site, fetcher: Fetcher
) -> None:
    hops: list[str] = []

    async def before_hop(target: str) -> None:
        hops.append(target)

    limits = replace(LIMITS, hosts=frozenset({site.url("/").split("/")[2]}))
    with pytest.raises(FetchError, match="which is on another host") as caught:
        await fetcher.fetch(site.url("/redirect?to=http://elsewhere.example/"), limits, before_hop=before_hop)
    assert (caught.value.reason, hops) == (Reason.OTHER_HOST, [])
    assert (await fetcher.fetch(site.url("/redirect?to=page"), limits)).final_url == site.url("/page")


async def test_a_redirect_without_a_target_is_refused(site: Site, fetcher: Fetcher) -> None:
    assert await reason_of(fetcher, site.url("/lost")) == Reason.HTTP_3XX


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://a.example/", "http://" + "a" * 70 + ".example/"])
async def test_what_is_no_web_address_is_refused(fetcher: Fetcher, url: str) -> None:
    assert await reason_of(fetcher, url) in {Reason.BAD_URL, Reason.CONNECTION}


async def test_a_body_of_exactly_the_limit_is_read(site: Site, fetcher: Fetcher) -> None:
    assert len((await fetcher.fetch(site.url("/large?bytes=10000"), LIMITS)).body) == 10_000


@pytest.mark.parametrize("path", ["/large?bytes=10001", "/endless", "/bomb?encoding=gzip", "/bomb?encoding=br"])
async def test_a_body_beyond_the_limit_is_refused(site: Site, fetcher: Fetcher, path: str) -> None:
    assert await reason_of(fetcher, site.url(path)) == Reason.BODY_TOO_LARGE


async def test_a_slow_body_times_out(site: Site, fetcher: Fetcher) -> None:
    assert await reason_of(fetcher, site.url("/slow"), replace(LIMITS, timeout_s=0.2)) == Reason.TIMEOUT


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
async def test_compressed_bodies_are_unpacked(site: Site, fetcher: Fetcher, encoding: str) -> None:
    assert (await fetcher.fetch(site.url(f"/packed?encoding={encoding}"), LIMITS)).body == PAGE


async def test_an_encoding_nobody_asked_for_is_unsupported(site: Site, fetcher: Fetcher) -> None:
    assert await reason_of(fetcher, site.url("/packed?encoding=zstd")) == Reason.UNSUPPORTED_CONTENT


async def test_a_cut_off_compressed_body_is_no_page(site: Site, fetcher: Fetcher) -> None:
    assert await reason_of(fetcher, site.url("/cut")) == Reason.BAD_COMPRESSION


async def test_a_reset_connection_is_a_reason(site: Site, fetcher: Fetcher) -> None:
    assert await reason_of(fetcher, site.url("/reset")) == Reason.CONNECTION


async def test_a_refused_connection_is_a_reason_that_names_host_and_port_alone(fetcher: Fetcher) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(FetchError) as caught:
            await fetcher.fetch(f"http://{host}/", LIMITS)
    assert caught.value.reason is Reason.CONNECTION
    assert f"Cannot connect to host {host} [" in caught.value.detail


NOT_HTTP = [
    b"",
    b"garbage\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort",
    b"HTTP/1.1 200 OK\r\nContent-Length: minus\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    b"HTTP/1.1 999 Odd\r\nContent-Type: \xff;;charset==\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: \xff\xfe\r\nContent-Length: 0\r\n\r\n",
    b"\x00" * 1000,
]


@pytest.mark.parametrize("answer", NOT_HTTP)
async def test_what_is_not_http_raises_only_fetch_errors(fetcher: Fetcher, answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        await reason_of(fetcher, url, replace(LIMITS, max_redirects=0))


async def test_an_odd_content_type_is_no_error(fetcher: Fetcher) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: \xff; charset=\x01;;=\r\nContent-Length: 1\r\n\r\nx")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        try:
            page: FetchedPage | None = await fetcher.fetch(
                f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", LIMITS
            )
        except FetchError as error:
            page, reason = None, error.reason
        assert page is not None or reason == Reason.CONNECTION


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Security-Policy: " + b"x" * 20_000 + b"\r\n",
        b"".join(b"Set-Cookie: c%d=1\r\n" % number for number in range(200)),
        b"Content-Type: text/html\r\n",
    ],
)
async def test_long_many_and_doubled_headers_are_no_fault(fetcher: Fetcher, headers: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html, text/html; charset=utf-8\r\nContent-Length: 1\r\n"
            + headers
            + b"\r\nx"
        )
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        page = await fetcher.fetch(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", LIMITS)
    assert (page.body, page.content_type) == (b"x", "text/html")


async def test_a_body_that_was_packed_twice_is_an_unsupported_one(fetcher: Fetcher) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = gzip.compress(gzip.compress(PAGE))
        encodings = b"Content-Encoding: gzip\r\n" * 2
        writer.write(b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (encodings, len(body), body))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        assert await reason_of(fetcher, url) == Reason.UNSUPPORTED_CONTENT


def source_for(site: Site, **keys: Any) -> Source:
    finder = {} if "sitemap" in keys else {"urls": [site.url("/page")]}
    keys = {
        "requests_per_second": 1000,
        "concurrency": 4,
        "max_attempts": 3,
        "allow_private_hosts": ["127.0.0.1"],
    } | keys
    return Source.model_validate({"name": "local", "fields": {"title": "h1"}} | finder | keys)


async def test_a_batch_over_http_has_one_outcome_a_page(site: Site, fetcher: Fetcher) -> None:
    site.busy_answers = 2
    urls = [site.url(path) for path in ("/page", "/status?code=404", "/latin1", "/image", "/busy", "/reset")]
    share = Share(concurrency=3, requests_per_second=1000)
    source = source_for(site)
    results = [
        outcome async for outcome in scrape_pages(source, urls, fetcher=fetcher, share=share, random=lambda: 0.0)
    ]
    loaded = {outcome.index: outcome.rows[0].values["title"] for outcome in results if isinstance(outcome, PageLoaded)}
    failed = {
        outcome.index: (outcome.failure.reason, outcome.failure.attempts)
        for outcome in results
        if isinstance(outcome, PageFailed)
    }
    assert loaded == {0: "Hello", 2: "é", 4: "Hello"}
    assert failed == {1: (Reason.HTTP_404, 1), 3: (Reason.UNSUPPORTED_CONTENT, 1), 5: (Reason.CONNECTION, 3)}


async def test_pages_are_discovered_from_a_gzipped_sitemap(site: Site, fetcher: Fetcher) -> None:
    discovery = await discover(source_for(site, sitemap=site.url("/sitemap")), fetcher=fetcher)
    assert discovery.urls == tuple(site.url(f"/page?{number}") for number in range(3))


async def test_a_sitemap_that_cannot_be_had_is_a_failure(site: Site, fetcher: Fetcher) -> None:
    discovery = await discover(source_for(site, sitemap=site.url("/status?code=410")), fetcher=fetcher)
    assert [(failure.reason, failure.attempts) for failure in discovery.failures] == [(Reason.HTTP_410, 1)]


async def test_the_try_command_prints_rows_as_json_lines(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "sources.toml"
    path.write_text(
        f'[[source]]\nname = "local"\nurls = ["{site.url("/page")}"]\nallow_private_hosts = ["127.0.0.1"]\n'
        '[source.fields]\ntitle = "h1"\n'
    )
    arguments = ["-m", "scraper", "try", "local", site.url("/page"), "--file", str(path)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    output, _ = await process.communicate()
    assert (process.returncode, json.loads(output)) == (0, {"title": "Hello"})


async def test_the_try_command_speaks_utf8_in_any_locale_and_stops_when_its_reader_has_enough(
    site: Site, tmp_path: Path
) -> None:
    path = tmp_path / "sources.toml"
    path.write_text(
        f'[[source]]\nname = "local"\nurls = ["{site.url("/long")}"]\nallow_private_hosts = ["127.0.0.1"]\n'
        'rows = "li"\n[source.fields]\nn = "::text"\n'
    )
    command = f'"{sys.executable}" -m scraper try local {site.url("/long")} --file "{path}" | head -n 1'
    process = await asyncio.create_subprocess_shell(
        command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    rows, told = await process.communicate()
    assert json.loads(rows) == {"n": "Grüße"}
    assert told.decode().splitlines()[-1] == "- rows: 20000"
