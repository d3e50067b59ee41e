"""The reader of whole answers: all that happens to a page of a batch, over a socket."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from urllib.parse import urlsplit

from hypothesis import strategies as st

from scraper.errors import FetchError, LongPauseAsked
from scraper.fetch.answers import FetchedPage
from scraper.fetch.fetcher import BeforeHop, Fetcher
from scraper.fetch.limits import FetchLimits
from scraper.load import scrape_pages
from scraper.models import PageFailed, PageLoaded, Reason, Share
from scraper.page_version import Validators
from scraper.sources import Source
from tests.fuzz.damage import documents
from tests.fuzz.documents import CSV, HTML, JSON, XML, Kind
from tests.fuzz.packing import PACKERS, encoding_of
from tests.fuzz.page_readers import CRAWLS, CSV_SOURCES, HTML_SOURCES, JSON_SOURCES, XML_SOURCES
from tests.fuzz.raw_site import HOST, raw_site
from tests.fuzz.readers import Reader
from tests.fuzz.storable import check_failure, check_links, check_rows

_SHARE = Share(concurrency=1)


def _answer(kind: bytes, body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    lines = (b"HTTP/1.1 " + status, b"Content-Type: " + kind, *headers)
    return b"\r\n".join((*lines, b"Content-Length: %d" % len(body), b"", body))


_PACKED = tuple(
    _answer(b"text/html", PACKERS[packing](HTML.documents[0]), b"Content-Encoding: " + encoding_of(packing).encode())
    for packing in ("gzip", "deflate", "br", "gzip, cut off")
)
_ANSWER = Kind(
    documents=(
        *(_answer(b"text/html; charset=utf-8", body) for body in HTML.documents),
        *(_answer(b"application/xml", body) for body in XML.documents),
        *(_answer(b"application/json", body, b'ETag: "1"') for body in JSON.documents),
        *(_answer(b"text/csv", body, b"Last-Modified: Fri, 01 Mar 2024 06:00:00 GMT") for body in CSV.documents),
        *_PACKED,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\n<h1>x\r\n0\r\nA: b\r\n\r\n",
        _answer(b"text/html", b"", b"Location: /x?a=b", status=b"302 Found"),
        _answer(b"text/html", b"", b"Retry-After: 120", status=b"429 Slow"),
        _answer(b"text/html", b"", b"Retry-After: Sun, 06 Nov 1994 08:49:37 GMT", status=b"503 Busy"),
    ),
    words=(
        *HTML.words[-60:],
        *(
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.0 301 \xff\r\n",
            b"HTTP/1.1 100 Go on\r\n\r\n",
            b"HTTP/1.1 304 Same\r\n\r\n",
        ),
        *(
            b"HTTP/1.1 404\r\n",
            b"HTTP/1.1 999 X\r\n",
            b"ICY 200\r\n",
            b"HTTP/1.1 101 Switch\r\n\r\n",
            b"HTTP/9.9 200 OK\r\n",
        ),
        *(b"HTTP/1.1 204 None\r\n", b"HTTP/1.1 -1 X\r\n", b"SSH-2.0-OpenSSH\r\n", b"\x16\x03\x01\x02\x00", b"\r\n\r\n"),
        *(
            b"Content-Length: ",
            b"Content-Length: 0\r\n",
            b"Content-Encoding: br\r\n",
            b"Transfer-Encoding: chunked\r\n",
        ),
        *(
            b"Location: ",
            b"Location: /{n}\r\n",
            b"Location: //127.0.0.1:1/\r\n",
            b"Retry-After: ",
            b"ETag: ",
            b"Date: ",
        ),
        *(
            b"Set-Cookie: a=b\r\n",
            b"Connection: close\r\n",
            b"X{n}: y\r\n",
            b"X\x00Y: z\r\n",
            b" folded\r\n",
            b": \r\n",
        ),
        *(
            b"Content-Type: text/html; charset=",
            b"Content-Type: ",
            b"ffffffff\r\n",
            b"0\r\n\r\n",
            b"Link: <x>; rel=y\r\n",
        ),
    ),
    nests=(*HTML.nests, (b"x", b"\r\n"), (b"X: ", b"\r\n"), (b"1\r\nx\r\n", b"")),
)


class _StaysHere:
    """The real fetcher, which asks no other host: names would be looked up."""

    def __init__(self) -> None:
        self._fetcher = Fetcher(user_agent="fuzz")

    async def fetch(
        self, url: str, limits: FetchLimits, *, validators: Validators | None = None, before_hop: BeforeHop
    ) -> FetchedPage:
        async def hop(target: str) -> None:
            if urlsplit(target).hostname != HOST:
                raise FetchError(target, Reason.OTHER_HOST, f"redirected to {target}")
            await before_hop(target)

        page = await self._fetcher.fetch(url, limits, validators=validators, before_hop=hop)
        assert len(page.body) <= limits.max_body_bytes
        return page


class _Page:
    """One site and one fetcher for all inputs, as a worker has them."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._open = AsyncExitStack()
        self._answer = b""
        self._origin = ""
        self._fetcher = _StaysHere()

    def read(self, answer: bytes, source: Source) -> str:
        self._answer = answer
        return self._runner.run(self._read(source))

    async def _read(self, source: Source) -> str:
        if not self._origin:
            self._origin = await self._open.enter_async_context(raw_site(lambda: self._answer))
        keys = {"max_attempts": 1, "max_redirects": 3, "timeout_s": 20.0, "allow_private_hosts": frozenset({HOST})}
        source = source.model_copy(update={**keys, "requests_per_second": None})
        url = f"{self._origin}/page"
        try:
            (outcome,) = [one async for one in scrape_pages(source, [url], fetcher=self._fetcher, share=_SHARE)]
        except LongPauseAsked:
            return "paused"
        assert not isinstance(outcome, PageFailed) or outcome.failure.reason is not Reason.INTERNAL, outcome
        if outcome.links is not None:
            check_links(outcome.links)
        if isinstance(outcome, PageFailed):
            check_failure(outcome.failure)
            return outcome.failure.reason
        assert isinstance(outcome, PageLoaded)
        return check_rows(outcome.rows, outcome.final_url)


_FRAMED = st.one_of(
    *(
        documents(kind).map(partial(_answer, told))
        for kind, told in ((HTML, b"text/html"), (XML, b"text/xml"), (JSON, b"application/json"), (CSV, b"text/csv"))
    )
)
_SOURCES = (*HTML_SOURCES, *CRAWLS, *XML_SOURCES[:1], *JSON_SOURCES[:2], *CSV_SOURCES[:1])
ANSWER_READERS = (Reader("whole answer", _ANSWER, _Page().read, _SOURCES, inputs=documents(_ANSWER) | _FRAMED),)
