"""The ways into the app over HTTP: its routes without a socket, and the listener for the SDK's own client."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from devhost.config.host_json import HostJson
from devhost.durable.hub import TaskHub
from devhost.durable.webhooks.client_payload import client_payload
from devhost.durable.webhooks.durable_webhooks import DurableWebhooks
from devhost.functions.app_loading import script_file_name
from devhost.functions.description import LoadedApp, LoadedFunction
from devhost.functions.invocation import Invoker
from devhost.listener import bind
from devhost.web.admin import AdminEndpoints
from devhost.web.admin_host import HostCommands, HostEndpoints, host_id
from devhost.web.authorization import OpenToAll
from devhost.web.function_description import Descriptions
from devhost.web.host_state import HostState, State
from devhost.web.http_server import HttpServer
from devhost.web.http_settings import http_settings
from devhost.web.request_router import RequestRouter
from devhost.web.routing import build_routes

HOST_NAME = "localhost:7071"
_BASE_URL = f"http://{HOST_NAME}"
_RPC_ADDRESS, _RPC_MOUNT_POINT = "127.0.0.1", "/durabletask/"
_WEBHOOK_MOUNT_POINT = "/runtime/webhooks/durabletask"

RunByHand = Callable[[LoadedFunction, str], Coroutine[Any, Any, None]]


class RpcListener:
    """Answers the durable clients of the app; it listens from the first time that a function gets a client."""

    def __init__(self, host_json: HostJson) -> None:
        self._hub_name, self._connection_name = host_json.durable.hub_name, host_json.durable.connection_name
        self._server: HttpServer | None = None
        self._starting: asyncio.Task[None] | None = None
        self._webhooks: DurableWebhooks | None = None

    def serve(self, hub: TaskHub) -> DurableWebhooks:
        """Answer for this hub; its webhooks, for other listeners."""
        self._webhooks = DurableWebhooks(hub, hub_name=self._hub_name, connection_name=self._connection_name)
        return self._webhooks

    def payload(self, binding: Mapping[str, Any]) -> str:
        """What a parameter of a durable client binding receives."""
        return client_payload(
            base_url=f"{_BASE_URL}{_WEBHOOK_MOUNT_POINT}",
            rpc_base_url=f"http://{_RPC_ADDRESS}:{self._port()}{_RPC_MOUNT_POINT}",
            hub_name=str(binding.get("taskHub") or self._hub_name),
            connection_name=str(binding.get("connectionName") or self._connection_name),
            code="",
        )

    async def stop(self) -> None:
        """Close the listener, if there is one."""
        if self._server is not None and self._starting is not None:
            await self._starting
            await self._server.stop()

    def _port(self) -> int:
        """The socket listens at once, so a client may connect before the server has begun."""
        if self._server is None:
            self._server = HttpServer(self._answer, bind(_RPC_ADDRESS, 0))
            self._starting = asyncio.get_running_loop().create_task(self._server.start())
        return self._server.port

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        raw_path = request.raw_path.partition("?")[0]
        if self._webhooks is None or not raw_path.lower().startswith(_RPC_MOUNT_POINT):
            return web.Response(status=404)
        return await self._webhooks.handle(request, raw_path[len(_RPC_MOUNT_POINT) :])


async def make_router(
    app: LoadedApp,
    invoker: Invoker,
    webhooks: DurableWebhooks,
    *,
    host_json: HostJson,
    environ: Mapping[str, str],
    script_root: Path,
    run_by_hand: RunByHand,
) -> RequestRouter:
    """The router of the public listener, which asks nobody for a key."""
    routes = build_routes(app.functions, prefix=host_json.route_prefix)
    state = HostState()
    await state.change(State.RUNNING)
    templates = {route.function.name: route.template.text for route in routes.routes}
    admin = AdminEndpoints(
        app.functions,
        refusals=routes.refusals,
        descriptions=Descriptions(_BASE_URL, script_file_name(environ), templates),
        host=HostEndpoints(
            host_id=host_id(script_root, environ),
            errors=tuple(routes.refusals.values()),
            state=state,
            commands=HostCommands(pause=_nothing, resume=_nothing, restart=lambda: None),
        ),
        run_function=run_by_hand,
    )
    return RequestRouter(
        routes,
        invoker,
        webhooks=webhooks,
        admin=admin,
        authorization=OpenToAll(),
        state=state,
        settings=http_settings(environ, host_json.http),
    )


async def _nothing() -> None:
    """A host of the kit is paused by not moving its clock."""
