"""Runs one sample site on 127.0.0.1 until it is told to stop."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web

ADDRESS = "127.0.0.1"

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Mirrored = Callable[[str], None]


@asynccontextmanager
async def serving(handler: Handler, *, port: int = 0) -> AsyncIterator[str]:
    """The site's URL (no slash at its end) while `handler` answers there; port 0 takes a free one.

    Leaving ends every connection at once, also those of requests that hang on purpose.
    Raises OSError if the port is taken.
    """
    # The bare protocol server: no router, no middleware, no access log, since a sample site must never be
    # the bottleneck of what it measures.
    server = web.Server(handler, handler_cancellation=True, access_log=None)
    # Zero would mean "wait for ever".
    runner = web.ServerRunner(server, shutdown_timeout=0.05)
    await runner.setup()
    try:
        site = web.TCPSite(runner, ADDRESS, port, backlog=1024)
        await site.start()
        bound_port = runner.addresses[0][1]
        yield f"http://{ADDRESS}:{bound_port}"
    finally:
        await runner.cleanup()


async def serve_until_signal(handler: Handler, *, port: int, mirrored: Mirrored | None = None) -> None:
    """Print `serving URL` as the first line of stdout, then serve until SIGINT or SIGTERM.

    With `mirrored`, on another free port, too: its URL is in the second line, and passed to `mirrored`.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serving(handler, port=port) as url, AsyncExitStack() as mirror:
        print(f"serving {url}", flush=True)
        if mirrored is not None:
            other = await mirror.enter_async_context(serving(handler))
            mirrored(other)
            print(f"mirror {other}", flush=True)
        await stop.wait()


def run(handler: Handler, *, port: int, mirrored: Mirrored | None = None) -> int:
    """Serve until a signal; the process's exit code: 0, or 1 if the port cannot be had."""
    try:
        asyncio.run(serve_until_signal(handler, port=port, mirrored=mirrored))
    except OSError as refusal:
        print(
            f"cannot listen on {ADDRESS}:{port}: {refusal.strerror}. Choose another --port, or 0 for a free one.",
            file=sys.stderr,
        )
        return 1
    return 0


def port_number(text: str) -> int:
    """An argparse type: 0 to 65535."""
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError(text)
    return port
