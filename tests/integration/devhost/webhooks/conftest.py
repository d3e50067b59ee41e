"""The webhooks on a free port, mounted twice as the host mounts them, and the SDK's client for them.

The public mount hands over the path below it percent-encoded, the other one decoded: both must work.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from azure.durable_functions import DurableOrchestrationClient
from azure.durable_functions.models.utils import http_utils

from devhost.clock import SystemClock
from devhost.durable.hub import TaskHub
from devhost.durable.store.store import Store
from devhost.durable.webhooks.client_payload import client_payload
from devhost.durable.webhooks.durable_webhooks import DurableWebhooks
from devhost.durable.webhooks.managed_hub import ManagedHub
from tests.helpers.durable_hub import OPTIONS
from tests.helpers.memory_hub import MemoryHub
from tests.helpers.sdk_orchestrators import SdkOrchestrators

PUBLIC_MOUNT = "/runtime/webhooks/durabletask/"
RPC_MOUNT = "/durabletask/"


@dataclass(frozen=True)
class Answer:
    """A response, read to its end."""

    status: int
    headers: Any
    body: bytes
    json: Any


@dataclass(frozen=True)
class Webhooks:
    """A running server; `call` and `status_when` go through its public mount."""

    origin: str
    session: aiohttp.ClientSession

    @property
    def base_url(self) -> str:
        return f"{self.origin}{PUBLIC_MOUNT}".rstrip("/")

    async def call(self, method: str, path: str, **arguments: Any) -> Answer:
        url = path if path.startswith("http") else f"{self.base_url}/{path}"
        async with self.session.request(method, url, **arguments) as response:
            body = await response.read()
            return Answer(response.status, response.headers, body, await response.json() if body else None)

    async def status_when(self, instance_id: str, runtime_status: str, *, timeout_s: float = 60) -> Any:
        """The status object once it shows the wanted status; fails with the last one seen."""
        deadline = time.monotonic() + timeout_s
        while True:
            answer = await self.call("GET", f"instances/{instance_id}")
            if answer.json and answer.json["runtimeStatus"] == runtime_status:
                return answer.json
            if time.monotonic() > deadline:
                pytest.fail(f"{instance_id} is not {runtime_status} after {timeout_s} s: {answer}")
            await asyncio.sleep(0.01)


Serve = Callable[[ManagedHub], Awaitable[Webhooks]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Puts webhooks in front of a hub; all of them are closed with the test."""
    runners: list[web.AppRunner] = []
    session = aiohttp.ClientSession()

    async def start(hub: ManagedHub) -> Webhooks:
        webhooks = DurableWebhooks(hub, hub_name="TestHub", connection_name="Storage")

        @web.middleware
        async def mounts(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path.startswith(PUBLIC_MOUNT):
                return await webhooks.handle(request, request.rel_url.raw_path.removeprefix(PUBLIC_MOUNT))
            return await webhooks.handle(request, request.path.removeprefix(RPC_MOUNT))

        app = web.Application(middlewares=[mounts])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        return Webhooks(f"http://{host}:{port}", session)

    yield start
    await session.close()
    for runner in runners:
        await runner.cleanup()


@pytest.fixture(params=["memory hub", "task hub"])
async def hub(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ManagedHub]:
    """Every hub that the webhooks can stand in front of; each must pass the same tests."""
    if request.param == "memory hub":
        yield MemoryHub()
        return
    store = Store(tmp_path / "hub.sqlite")
    task_hub = TaskHub(
        store=store,
        functions=SdkOrchestrators(),
        clock=SystemClock(),
        options=OPTIONS,
        logger=logging.getLogger("task-hub"),
    )
    await task_hub.start()
    yield task_hub
    await task_hub.stop()
    store.close()


@pytest.fixture
async def webhooks(hub: ManagedHub, serve: Serve) -> Webhooks:
    return await serve(hub)


@pytest.fixture
async def client(webhooks: Webhooks) -> AsyncIterator[DurableOrchestrationClient]:
    """The SDK's client, made from the payload that a durable client binding gets."""
    payload = client_payload(
        base_url=webhooks.base_url,
        rpc_base_url=f"{webhooks.origin}{RPC_MOUNT}",
        hub_name="TestHub",
        connection_name="Storage",
        code="KEY",
    )
    yield DurableOrchestrationClient(payload)
    # The SDK keeps one HTTP session for the process; this test's loop ends now.
    await http_utils._close_session()
