"""The answer to everything while the app cannot be loaded."""

from aiohttp import web


async def answer_not_running(_request: web.Request) -> web.StreamResponse:
    """503, as the real host in the state Error."""
    return web.Response(status=503, text="Function host is not running.")
