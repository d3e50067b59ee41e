"""The shop over HTTP: finds the page, lets its fault happen, counts both."""

import asyncio
import json

from aiohttp import web

from samples.site import pages
from samples.site.catalogue import Catalogue
from samples.site.content import HTML, Content, ShopContent
from samples.site.faults import MARKUP_FAULTS, Fault
from samples.site.markup_faults import damage
from samples.site.misbehaviour import Misbehaviour
from samples.site.stats import Stats

DEFAULT_HANG_S = 60.0
_LAST_MODIFIED = "Fri, 01 Mar 2024 06:00:00 GMT"


class Shop:
    """The request handler of one shop; pass `handle` to `samples.serving`."""

    def __init__(self, catalogue: Catalogue, *, latency_s: float = 0.0, hang_s: float = DEFAULT_HANG_S) -> None:
        """Every page takes `latency_s` longer than it must; a page that hangs answers after `hang_s`."""
        self.stats = Stats()
        self._content = ShopContent(catalogue)
        self._latency_s = latency_s
        self._misbehaviour = Misbehaviour(hang_s=hang_s)
        self._is_healed = False

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        path = request.path
        if path == "/stats":
            snapshot = self.stats.snapshot(with_hits="hits" in request.query)
            return web.json_response(snapshot, headers={"Cache-Control": "no-store"}, dumps=_readable_json)
        if path == "/healthz":
            return web.Response(text="ok\n")
        if path == "/heal" and request.method == "POST":
            self._is_healed = True
            return web.Response(text="healed\n")
        hit = self.stats.begin(request.path_qs)
        kind, outcome, body_bytes = "unknown", "cancelled", 0
        try:
            if self._latency_s:
                await asyncio.sleep(self._latency_s)
            content = self._content.find(path, f"http://{request.host}")
            kind = content.kind if content else "unknown"
            response = await self._answer(request, content, hit)
            outcome = self._misbehaviour.outcome_of(response)
            body_bytes = _body_bytes(response)
            return response
        finally:
            self.stats.end(kind, outcome, body_bytes)

    async def _answer(self, request: web.BaseRequest, content: Content | None, hit: int) -> web.StreamResponse:
        if request.method not in ("GET", "HEAD"):
            return _error(405, "This shop is for reading only", headers={"Allow": "GET, HEAD"})
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
