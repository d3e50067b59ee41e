"""What the host is doing, for those who must wait for it or be turned away.

Source: Azure/azure-functions-host, WebJobs.Script.WebHost/Middleware/HostAvailabilityCheckMiddleware.cs.
"""

import asyncio
from enum import StrEnum

WAIT_LIMIT_S = 30.0


class State(StrEnum):
    """The states that this host can be in, named as the product's."""

    STARTING = "Starting"
    RUNNING = "Running"
    STOPPING = "Stopping"
    OFFLINE = "Offline"


class HostState:
    """The current state; create and use it in one event loop."""

    def __init__(self) -> None:
        self._state = State.STARTING
        self._changed = asyncio.Condition()

    @property
    def state(self) -> State:
        """The state now."""
        return self._state

    @property
    def is_running(self) -> bool:
        """Whether requests are served."""
        return self._state is State.RUNNING

    async def change(self, state: State) -> None:
        """Enter a state, and wake those who wait for Running."""
        async with self._changed:
            self._state = state
            self._changed.notify_all()

    async def wait_until_running(self, limit_s: float = WAIT_LIMIT_S) -> bool:
        """Whether requests are served, at once or within the limit while the host starts."""
        if self._state is State.STARTING:
            try:
                async with asyncio.timeout(limit_s), self._changed:
                    await self._changed.wait_for(lambda: self._state is not State.STARTING)
            except TimeoutError:
                return False
        return self.is_running
