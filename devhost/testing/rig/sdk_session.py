"""The HTTP session that the SDK's durable client keeps for the whole process, and never closes."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from azure.durable_functions.models.utils import http_utils


async def close_sdk_session() -> None:
    """Close it: it belongs to the event loop of one test, and the next test has another loop."""
    session = http_utils._client_session
    http_utils._client_session = None
    http_utils._session_lock = asyncio.Lock()
    if session is not None and not session.closed:
        await session.close()


class SdkSession:
    """The session of one event loop, where several take turns in one thread."""

    def __init__(self) -> None:
        self._mine: Any = (None, asyncio.Lock())

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Let the SDK use this one for the length of the block."""
        others = _swap(self._mine)
        try:
            yield
        finally:
            self._mine = _swap(others)


def _swap(session_and_lock: Any) -> Any:
    before = http_utils._client_session, http_utils._session_lock
    http_utils._client_session, http_utils._session_lock = session_and_lock
    return before
