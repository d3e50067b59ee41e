"""Faults of how a page is served: statuses, delays, redirects, broken connections."""

import asyncio
import socket
import struct
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from aiohttp import web

from samples.site.content import Content
from samples.site.faults import Fault

SLOW_S = 0.3
HUGE_BODY_BYTES = 3_000_000
_CHUNK = b"<p>" + b"All work and no play makes a very long page. " * 1_456 + b"</p>\n"
_RESET = "reset"

_PLAIN_STATUS = {Fault.HTTP_404: 404, Fault.HTTP_410: 410, Fault.HTTP_500: 500}


class _ResetResponse(web.Response):
    """Stands for an answer that nobody can receive: its connection is gone."""


class Misbehaviour:
    """Makes one fault happen."""

    def __init__(self, *, hang_s: float) -> None:
        """A page that hangs is answered after `hang_s`."""
        self._hang_s = hang_s

    async def answer(
        self, request: web.BaseRequest, content: Content, fault: Fault, hit: int
    ) -> web.StreamResponse | None:
        """The faulty answer to hit number `hit` (from 1) of this URL, or None to serve the page as it is."""
        if fault in _PLAIN_STATUS:
            return _status(_PLAIN_STATUS[fault])
        if fault is Fault.HUGE_BODY:
            return await _stream_huge_body(request, content)
        if fault is Fault.REDIRECT_LOOP:
            return web.Response(status=302, headers={"Location": _there_and_back(request)})
        if fault is Fault.HANG:
            await asyncio.sleep(self._hang_s)
        if fault is Fault.SLOW:
            await asyncio.sleep(SLOW_S)
        return _first_hits(request, fault, hit)

    @staticmethod
    def outcome_of(response: web.StreamResponse) -> str:
        """The status code, or `reset`: how /stats counts it."""
        return _RESET if isinstance(response, _ResetResponse) else str(response.status)


def _first_hits(request: web.BaseRequest, fault: Fault, hit: int) -> web.Response | None:
    if fault is Fault.RETRY_AFTER_SECONDS and hit == 1:
        return _status(429, {"Retry-After": "1"})
    if fault is Fault.RETRY_AFTER_DATE and hit == 1:
        # The form has whole seconds only: two from now is at least one.
        moment = datetime.now(UTC) + timedelta(seconds=2)
        return _status(429, {"Retry-After": format_datetime(moment, usegmt=True)})
    if fault is Fault.UNAVAILABLE_TWICE and hit <= 2:
        return _status(503)
    if fault is Fault.RESET_ONCE and hit == 1:
        return _reset_connection(request)
    return None


def _status(status: int, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, text=f"{status}: this page is broken on purpose\n", headers=headers)


def _there_and_back(request: web.BaseRequest) -> str:
    url = request.rel_url
    other = url.without_query_params("again") if "again" in url.query else url.update_query(again="1")
    return str(other)


def _reset_connection(request: web.BaseRequest) -> web.Response:
    transport = request.transport
    if transport is not None:
        # Lingering for zero seconds makes the kernel send RST instead of an orderly FIN.
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return _ResetResponse()


async def _stream_huge_body(request: web.BaseRequest, content: Content) -> web.StreamResponse:
    # Chunked, without Content-Length: the reader has to count for itself.
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
