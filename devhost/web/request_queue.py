"""How many requests functions may have at a time, and when the next one is turned away.

Source: Azure/azure-functions-host, WebJobs.Script.WebHost/Middleware/HttpThrottleMiddleware.cs and
azure-webjobs-sdk-extensions, HttpRequestQueue.cs.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext


class TooManyRequests(Exception):
    """As many requests as allowed are waiting or running already."""


class RequestQueue:
    """Places for requests to functions; None means no limit."""

    def __init__(self, *, max_outstanding: int | None, max_concurrent: int | None) -> None:
        """`max_outstanding` counts those that wait and those that run, `max_concurrent` those that run."""
        self._max_outstanding = max_outstanding
        self._running = nullcontext() if max_concurrent is None else asyncio.Semaphore(max_concurrent)
        self._outstanding = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold a place while the block runs; waits for one if it must. Raises TooManyRequests."""
        if self._max_outstanding is not None and self._outstanding >= self._max_outstanding:
            raise TooManyRequests
        self._outstanding += 1
        try:
            async with self._running:
                yield
        finally:
            self._outstanding -= 1
