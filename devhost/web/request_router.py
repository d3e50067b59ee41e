"""Where a request goes: admin, webhooks, a function, the home page, or nowhere (404).

Source: Azure/azure-functions-host, WebJobs.Script.WebHost/WebScriptHostHttpRoutesManager.cs and
Middleware/HomepageMiddleware.cs.
"""

import logging
from typing import Protocol

from aiohttp import web

from devhost.errors import FunctionFailed
from devhost.functions.bindings import http_result
from devhost.functions.invocation import Invoker
from devhost.web.admin import AdminEndpoints
from devhost.web.home_page import home_page
from devhost.web.http_server import DEFAULT_BODY_LIMIT_BYTES
from devhost.web.paths import decode_path, split_target
from devhost.web.request import read_request
from devhost.web.response import BadResult, write_response
from devhost.web.routing import HttpRoute, RouteTable

HOST_API_REASON = "This function was called through the host API."
_WEBHOOK_METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "OPTIONS"})
_logger = logging.getLogger("devhost.web")


class Webhooks(Protocol):
    """An extension's own part of the URL space."""

    async def handle(self, request: web.Request, tail: str) -> web.Response:
        """The answer for `tail`, the path below the mount point."""


class RequestRouter:
    """The one handler of the public listener."""

    def __init__(
        self,
        routes: RouteTable,
        invoker: Invoker,
        *,
        webhooks: Webhooks,
        admin: AdminEndpoints,
        body_limit_bytes: int = DEFAULT_BODY_LIMIT_BYTES,
        has_home_page: bool = True,
    ) -> None:
        self._routes = routes
        self._invoker = invoker
        self._webhooks = webhooks
        self._admin = admin
        self._body_limit_bytes = body_limit_bytes
        self._has_home_page = has_home_page

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The answer; the real host knows no 405, so a wrong method is 404."""
        # Clients that take the host for a proxy send the whole URL as the target.
        _, target = split_target(request.raw_path)
        if target is None:
            return web.Response(status=404)
        raw_path = target.partition("?")[0]
        match [segment.lower() for segment in raw_path.split("/", 4)[1:4]]:
            case ["admin", *_]:
                return await self._admin.handle(request, raw_path[len("/admin/") :])
            case ["runtime", "webhooks", extension]:
                return await self._webhook(request, extension, raw_path)
        found = self._routes.find(request.method, decode_path(raw_path))
        if found is not None:
            return await self._run(request, *found)
        if raw_path == "/" and request.method == "GET":
            return home_page(is_disabled=not self._has_home_page)
        return web.Response(status=404)

    async def _webhook(self, request: web.Request, extension: str, raw_path: str) -> web.StreamResponse:
        if extension != "durabletask" or request.method not in _WEBHOOK_METHODS:
            return web.Response(status=404)
        tail = raw_path[len("/runtime/webhooks/durabletask/") :]
        return await self._webhooks.handle(request, tail)

    async def _run(self, request: web.Request, route: HttpRoute, values: dict[str, str]) -> web.StreamResponse:
        if (request.content_length or 0) > self._body_limit_bytes:
            return web.Response(status=413)
        trigger_value = await read_request(request, values)
        try:
            outputs = await self._invoker.call(route.function, trigger_value, reason=HOST_API_REASON)
            return write_response(http_result(route.function, outputs), function_name=route.function.name)
        except FunctionFailed:
            # The invoker has logged it; the caller learns nothing, as on the real host.
            return web.Response(status=500)
        except BadResult as error:
            _logger.error("The result of function '%s' cannot be sent: %s", route.function.name, error)
            return web.Response(status=500)
