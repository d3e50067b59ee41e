"""Faults of a body: how much of it comes, how it is packed, and what the headers say about it."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from functools import cache

from aiohttp import web

from samples.site.connections import reset, send_as_it_is
from samples.site.content import HTML, Content
from samples.site.faults import Fault

HUGE_BODY_BYTES = 3_000_000
GZIP_BOMB_BYTES = 20_000_000
_CHUNK = b"<p>" + b"All work and no play makes a very long page. " * 1_456 + b"</p>\n"
_ARRIVAL_S = 0.05
_TITLE = b"<h1"
# brotli.compress(bytes(100_000_000)): here as it is, since the site has no need of the library otherwise.
_BROTLI_BOMB = bytes.fromhex(
    "cbffff3ff82700e2b14020f7fe8fffff7ff04f00c4611180eefd1fffffffe09f0088c30200ddfb3ffeffffc13f0110870500baf77ffcffff"
    "837f02200e0b0074effff8ffff07ff04401c1600e8defff1ffff0ffe0980382c00d0bdffe3ffff1ffc1300715800a07bffc7ffff3ff82700"
    "e2b00040f7fe8fffff7ff04f00c4610180eefd1fffffffe09f0088c30200ddfbbffc07afc33f0110870500bad875"
)
_META = b'<meta charset="utf-8">'

Answer = Callable[[web.BaseRequest, Content], Awaitable[web.StreamResponse]]


async def huge_body(request: web.BaseRequest, content: Content) -> web.StreamResponse:
    """More than any sensible limit, chunked and without a length: the reader has to count for itself."""
    response = web.StreamResponse(headers={"Content-Type": content.content_type})
    await response.prepare(request)
    try:
        sent = 0
        while sent < HUGE_BODY_BYTES:
            await response.write(_CHUNK)
            sent += len(_CHUNK)
        await response.write_eof()
    except ConnectionResetError:
        # The reader had enough and hung up, which is what this page is for.
        response.force_close()
    return response


async def cut_body(request: web.BaseRequest, content: Content) -> web.StreamResponse:
    """Half of the page, then the connection breaks."""
    await _first_half(request, content)
    # A reset throws away what the reader has not taken yet, and would be one before the answer.
    await asyncio.sleep(_ARRIVAL_S)
    return reset(request)


async def stalled_body(request: web.BaseRequest, content: Content, *, stall_s: float) -> web.StreamResponse:
    """Half of the page, and the other one after `stall_s`."""
    response = await _first_half(request, content)
    await asyncio.sleep(stall_s)
    await response.write(content.body[len(content.body) // 2 :])
    return response


async def _first_half(request: web.BaseRequest, content: Content) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": content.content_type})
    response.content_length = len(content.body)
    await response.prepare(request)
    await response.write(content.body[: len(content.body) // 2])
    return response


async def _length_in_characters(request: web.BaseRequest, content: Content) -> web.StreamResponse:
    return await _said_to_be(request, content, len(content.body.decode()))


async def _length_too_short(request: web.BaseRequest, content: Content) -> web.StreamResponse:
    return await _said_to_be(request, content, max(0, content.body.find(_TITLE)))


async def _length_too_long(request: web.BaseRequest, content: Content) -> web.StreamResponse:
    return await _said_to_be(request, content, len(content.body) + 1000)


async def _said_to_be(request: web.BaseRequest, content: Content, length: int) -> web.StreamResponse:
    headers = {"Content-Type": content.content_type, "Content-Length": str(length)}
    return await send_as_it_is(request, headers, content.body)


async def _gzip_bomb(request: web.BaseRequest, content: Content) -> web.StreamResponse:
    return _packed(content, "gzip", _gzip_of_nothing())


async def _brotli_bomb(request: web.BaseRequest, content: Content) -> web.StreamResponse:
    return _packed(content, "br", _BROTLI_BOMB)


async def _cut_gzip(request: web.BaseRequest, content: Content) -> web.StreamResponse:
    packed = zlib.compress(content.body, wbits=31)
    return _packed(content, "gzip", packed[: len(packed) // 2])


def _packed(content: Content, encoding: str, body: bytes) -> web.Response:
    return web.Response(body=body, headers={"Content-Type": content.content_type, "Content-Encoding": encoding})


@cache
def _gzip_of_nothing() -> bytes:
    return zlib.compress(bytes(GZIP_BOMB_BYTES), wbits=31)


async def _charset_says_latin(request: web.BaseRequest, content: Content) -> web.StreamResponse:
    return _called("text/html; charset=iso-8859-1", content.body)


async def _charset_says_utf8(request: web.BaseRequest, content: Content) -> web.StreamResponse:
    page = content.body.replace(_META, b'<meta charset="windows-1252">').decode()
    return _called(HTML, page.encode("cp1252", errors="xmlcharrefreplace"))


async def _charset_nonsense(request: web.BaseRequest, content: Content) -> web.StreamResponse:
    return _called(HTML, content.body.decode().encode("cp500", errors="xmlcharrefreplace"))


async def _wrong_type(request: web.BaseRequest, content: Content) -> web.StreamResponse:
    return _called("image/png", content.body)


def _called(content_type: str, body: bytes) -> web.Response:
    return web.Response(body=body, headers={"Content-Type": content_type})


BODY_FAULTS: dict[Fault, Answer] = {
    Fault.HUGE_BODY: huge_body,
    Fault.CUT_BODY: cut_body,
    Fault.LENGTH_IN_CHARACTERS: _length_in_characters,
    Fault.LENGTH_TOO_SHORT: _length_too_short,
    Fault.LENGTH_TOO_LONG: _length_too_long,
    Fault.GZIP_BOMB: _gzip_bomb,
    Fault.BROTLI_BOMB: _brotli_bomb,
    Fault.CUT_GZIP: _cut_gzip,
    Fault.CHARSET_SAYS_LATIN: _charset_says_latin,
    Fault.CHARSET_SAYS_UTF8: _charset_says_utf8,
    Fault.CHARSET_NONSENSE: _charset_nonsense,
    Fault.WRONG_TYPE: _wrong_type,
}
"""What is the same at every hit, and how it is answered."""
