"""What the durable clients of an app need: the text that their binding receives, and a listener for their calls."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from devhost.config.host_json import DurableOptions
from devhost.durable.webhooks.client_payload import client_payload
from devhost.durable.webhooks.durable_webhooks import DurableWebhooks
from devhost.durable.webhooks.managed_hub import ManagedHub
from devhost.listener import bind
from devhost.web.http_server import HttpServer

_ADDRESS = "127.0.0.1"
_MOUNT_POINT = "/durabletask/"
_PUBLIC_MOUNT_POINT = "/runtime/webhooks/durabletask"


class DurableClients:
    """Serves one hub; it listens from the first time that somebody asks for its port, inside an event loop."""

    def __init__(self, options: DurableOptions, *, base_url: str, code: str = "") -> None:
        """`base_url` is the address of the public listener, `code` the key that its URLs carry; empty for none."""
        self._hub_name, self._connection_name = options.hub_name, options.connection_name
        self._base_url, self._code = base_url, code
        self._server: HttpServer | None = None
        self._starting: asyncio.Task[None] | None = None
        self._webhooks: DurableWebhooks | None = None

    @property
    def port(self) -> int:
        """The port on 127.0.0.1; the socket listens at once, so a client may connect before the server has begun."""
        if self._server is None:
            self._server = HttpServer(self._answer, bind(_ADDRESS, 0))
            self._starting = asyncio.get_running_loop().create_task(self._server.start())
        return self._server.port

    def serve(self, hub: ManagedHub) -> DurableWebhooks:
        """Answer for this hub; its webhooks, for the public listener."""
        self._webhooks = DurableWebhooks(
            hub, hub_name=self._hub_name, connection_name=self._connection_name, code=self._code
        )
        return self._webhooks

    def payload(self, binding: Mapping[str, Any]) -> str:
        """What a parameter of a durable client binding (as in function.json) receives."""
        return client_payload(
            base_url=f"{self._base_url}{_PUBLIC_MOUNT_POINT}",
            rpc_base_url=f"http://{_ADDRESS}:{self.port}{_MOUNT_POINT}",
            hub_name=str(binding.get("taskHub") or self._hub_name),
            connection_name=str(binding.get("connectionName") or self._connection_name),
            code=self._code,
        )

    async def stop(self) -> None:
        """Close the listener, if there is one."""
        if self._server is not None and self._starting is not None:
            await self._starting
            await self._server.stop()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        raw_path = request.raw_path.partition("?")[0]
        if self._webhooks is None or not raw_path.lower().startswith(_MOUNT_POINT):
            return web.Response(status=404)
        return await self._webhooks.handle(request, raw_path[len(_MOUNT_POINT) :])
