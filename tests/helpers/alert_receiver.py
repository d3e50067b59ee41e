"""A webhook on this machine that keeps what it gets, and answers as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Receiver:
    """`taken` are the bodies that were answered with 2xx, `seen` the IDs of all requests. `status` 0 never answers."""

    url: str = ""
    status: int = 200
    taken: list[dict[str, Any]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    @property
    def kinds(self) -> list[str]:
        """The kinds of what was taken, in order."""
        return [body["kind"] for body in self.taken]

    @property
    def ids(self) -> list[str]:
        """The IDs of what was taken, in order."""
        return [body["id"] for body in self.taken]

    async def handle(self, request: web.Request) -> web.Response:
        """Take a body, or not."""
        self.seen.append(request.headers["Idempotency-Key"])
        if self.status == 0:
            await asyncio.Event().wait()
        if self.status == 200:
            self.taken.append(await request.json())
        return web.Response(status=self.status, headers={"Location": "/elsewhere", "Retry-After": "30"})


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that listens."""
    made = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook?token=secret"
    try:
        yield made
    finally:
        await runner.cleanup()
