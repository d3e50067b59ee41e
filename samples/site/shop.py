"""The shop over HTTP: finds the page, lets its fault happen, counts both."""

import asyncio
import json

from aiohttp import web

from samples.site import pages
from samples.site.catalogue import Catalogue
from samples.site.connections import Gone
from samples.site.content import HTML, Content, ShopContent
from samples.site.faults import MARKUP_FAULTS, Fault
from samples.site.markup_faults import damage
from samples.site.misbehaviour import Misbehaviour, broken
from samples.site.moments import Moments
from samples.site.request_log import RequestLog
from samples.site.stats import Stats

DEFAULT_HANG_S = 60.0
_LAST_MODIFIED = "Fri, 01 Mar 2024 06:00:00 GMT"
_UNCACHED = {"Cache-Control": "no-store"}


class Shop:
    """The request handler of one shop; pass `handle` to `samples.serving`."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        latency_s: float = 0.0,
        hang_s: float = DEFAULT_HANG_S,
        moments: Moments | None = None,
    ) -> None:
        """Every page takes `latency_s` longer than it must; a page that hangs answers after `hang_s`."""
        self.stats = Stats()
        self._log = RequestLog()
        self._content = ShopContent(catalogue)
        self._latency_s = latency_s
        self._misbehaviour = Misbehaviour(hang_s=hang_s)
        self._moments = moments or Moments()
        self._is_healed = False

    def has_mirror(self, url: str) -> None:
        """The shop is served at `url`, too: some redirects lead there."""
        self._misbehaviour.mirror = url

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        told = self._told(request) if request.method == "GET" else self._commanded(request)
        if told is not None:
            return told
        hit = self.stats.begin(request.path_qs)
        entry = self._log.begin(request.host, request.path_qs, request.headers.get("User-Agent", ""))
        self._moments.count()
        if self._moments.is_robots_changing():
            self._content = ShopContent(self._content.catalogue.with_robots_changed())
        kind, outcome, body_bytes = "unknown", "cancelled", 0
        try:
            if self._latency_s:
                await asyncio.sleep(self._latency_s)
            content = self._content.find(request.path, f"http://{request.host}")
            kind = content.kind if content else "unknown"
            response = await self._answer(request, content, hit)
            outcome = response.outcome if isinstance(response, Gone) else str(response.status)
            body_bytes = _body_bytes(response)
            return response
        finally:
            self._log.end(entry, outcome)
            self.stats.end(kind, outcome, body_bytes)

    def _told(self, request: web.BaseRequest) -> web.Response | None:
        """What the shop tells about itself."""
        if request.path == "/stats":
            snapshot = self.stats.snapshot(with_hits="hits" in request.query)
            return web.json_response(snapshot, headers=_UNCACHED, dumps=_readable_json)
        if request.path == "/log":
            return web.json_response(self._log.snapshot(), headers=_UNCACHED)
        return web.Response(text="ok\n") if request.path == "/healthz" else None

    def _commanded(self, request: web.BaseRequest) -> web.Response | None:
        """What becomes of the shop."""
        if request.method == "POST" and request.path == "/heal":
            self._is_healed = True
            return web.Response(text="healed\n")
        if request.method == "POST" and request.path == "/new-layout":
            first = request.query.get("from", "1")
            if not first.isdecimal():
                return _error(400, f"from={first} is no book ID")
            self._content = ShopContent(self._content.catalogue.with_new_layout_from(int(first)))
            return web.Response(text="changed\n")
        return None

    async def _answer(self, request: web.BaseRequest, content: Content | None, hit: int) -> web.StreamResponse:
        if request.method not in ("GET", "HEAD"):
            return _error(405, "This shop is for reading only", headers={"Allow": "GET, HEAD"})
        if self._moments.is_in_burst(hit) and not self._is_healed:
            return broken(503)
        if content is None:
            return _error(404, "There is no such page")
        fault = None if self._is_healed else self._content.fault(request.path)
        asked = request.query.get("fault") if request.query_string else None
        if asked is not None:
            try:
                fault = Fault(asked)
            except ValueError:
                return _error(400, f"Unknown fault {asked}. Known ones: {', '.join(Fault)}")
        if fault is None:
            return _page(request, content)
        return await self._misbehave(request, content, fault, hit)

    async def _misbehave(
        self, request: web.BaseRequest, content: Content, fault: Fault, hit: int
    ) -> web.StreamResponse:
        if fault not in MARKUP_FAULTS:
            response = await self._misbehaviour.answer(request, content, fault, hit)
            return response or _page(request, content)
        if not content.is_html:
            return _error(400, f"The fault {fault} exists on HTML pages only")
        return web.Response(
            body=damage(content.body.decode(), fault).encode(), headers={"Content-Type": content.content_type}
        )


def _page(request: web.BaseRequest, content: Content) -> web.Response:
    headers = {"Content-Type": content.content_type, "ETag": content.etag, "Last-Modified": _LAST_MODIFIED}
    if request.headers.get("If-None-Match") == content.etag:
        return web.Response(status=304, headers=headers)
    return web.Response(body=content.body, headers=headers)


def _body_bytes(response: web.StreamResponse) -> int:
    """How long the body is; a stream has been sent by now, anything else not yet."""
    if isinstance(response, web.Response):
        return len(response.body) if isinstance(response.body, bytes) else 0
    return response.body_length


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    body = pages.error_page(status, message).encode()
    return web.Response(status=status, body=body, headers={"Content-Type": HTML, **(headers or {})})


def _readable_json(value: object) -> str:
    return json.dumps(value, indent=1)
