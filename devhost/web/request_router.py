"""Where a request goes: admin, webhooks, a function, the home page, or nowhere (404).

Source: Azure/azure-functions-host, WebJobs.Script.WebHost/WebScriptHostHttpRoutesManager.cs,
Middleware/FunctionInvocationMiddleware.cs and Middleware/HomepageMiddleware.cs.
"""

import logging
from typing import Protocol

from aiohttp import web

from devhost.errors import FunctionFailed
from devhost.functions.bindings import http_result
from devhost.functions.invocation import Invoker
from devhost.web.admin import AdminEndpoints
from devhost.web.authorization import Authorization
from devhost.web.home_page import home_page
from devhost.web.host_state import HostState
from devhost.web.http_settings import HttpSettings
from devhost.web.paths import decode_path, split_target
from devhost.web.request import read_request
from devhost.web.request_queue import RequestQueue, TooManyRequests
from devhost.web.response import BadResult, write_response
from devhost.web.routing import HttpRoute, RouteTable

HOST_API_REASON = "This function was called through the host API."
_DURABLE = "durabletask"
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
        authorization: Authorization,
        state: HostState,
        settings: HttpSettings,
    ) -> None:
        self._routes = routes
        self._invoker = invoker
        self._webhooks = webhooks
        self._admin = admin
        self._authorization = authorization
        self._state = state
        self._settings = settings
        self._queue = RequestQueue(
            max_outstanding=settings.limits.max_outstanding_requests,
            max_concurrent=settings.limits.max_concurrent_requests,
        )

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The answer; the real host knows no 405, so a wrong method is 404."""
        # Clients that take the host for a proxy send the whole URL as the target.
        _, target = split_target(request.raw_path)
        if target is None:
            return web.Response(status=404)
        raw_path = target.partition("?")[0]
        segments = [segment.lower() for segment in raw_path.split("/", 4)[1:4]]
        if segments[0] == "admin":
            return await self._administer(request, raw_path[len("/admin/") :])
        if not await self._state.wait_until_running():
            return web.Response(status=503, text="Function host is not running.")
        if segments[:2] == ["runtime", "webhooks"] and len(segments) == 3:
            return await self._webhook(request, segments[2], raw_path)
        return await self._page_or_function(request, raw_path)

    async def _page_or_function(self, request: web.Request, raw_path: str) -> web.StreamResponse:
        found = self._routes.find(request.method, decode_path(raw_path))
        if found is not None:
            return await self._function(request, *found)
        if raw_path == "/" and request.method == "GET":
            return home_page(is_disabled=not self._settings.has_home_page)
        return web.Response(status=404)

    async def _administer(self, request: web.Request, tail: str) -> web.StreamResponse:
        if not (self._admin.is_open(tail) or self._authorization.is_admin(request)):
            return web.Response(status=401)
        return await self._admin.handle(request, tail)

    async def _webhook(self, request: web.Request, extension: str, raw_path: str) -> web.StreamResponse:
        if extension != _DURABLE or request.method not in _WEBHOOK_METHODS:
            return web.Response(status=404)
        if not self._authorization.may_manage(request, extension):
            return web.Response(status=401)
        tail = raw_path[len(f"/runtime/webhooks/{_DURABLE}/") :]
        return await self._webhooks.handle(request, tail)

    async def _function(self, request: web.Request, route: HttpRoute, values: dict[str, str]) -> web.StreamResponse:
        if not self._authorization.may_call(request, route.function):
            return web.Response(status=401)
        if route.function.disabled and not self._authorization.is_admin(request):
            return web.Response(status=404)
        if (request.content_length or 0) > self._settings.body_limit_bytes:
            return web.Response(status=413)
        try:
            async with self._queue.place():
                return await self._run(request, route, values)
        except TooManyRequests:
            return web.Response(status=429, headers={"X-FUNCTION-SCALEOUT": "1"})

    async def _run(self, request: web.Request, route: HttpRoute, values: dict[str, str]) -> web.StreamResponse:
        trigger_value = await read_request(request, values, body_limit_bytes=self._settings.body_limit_bytes)
        try:
            outputs = await self._invoker.call(route.function, trigger_value, reason=HOST_API_REASON)
            return write_response(http_result(route.function, outputs), function_name=route.function.name)
        except FunctionFailed:
            # The invoker has logged it; the caller learns nothing, as on the real host.
            return web.Response(status=500)
        except BadResult as error:
            _logger.error("The result of function '%s' cannot be sent: %s", route.function.name, error)
            return web.Response(status=500)
