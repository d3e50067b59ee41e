"""The HTTP session that the SDK's durable client keeps for the whole process, and never closes."""

import asyncio

from azure.durable_functions.models.utils import http_utils


async def close_sdk_session() -> None:
    """Close it: it belongs to the event loop of one test, and the next test has another loop."""
    session = http_utils._client_session
    http_utils._client_session = None
    http_utils._session_lock = asyncio.Lock()
    if session is not None and not session.closed:
        await session.close()
