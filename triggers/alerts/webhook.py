"""One POST to the operator's webhook; the one module beside `scraper.fetch` that talks to anybody outside."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from scraper import clock
from scraper.fetch.answers import parse_retry_after

TIMEOUT_S: Final = 10
MOST_RETRY_AFTER_S: Final = 3600


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a POST. `fault` is empty if it was taken; never does it name the URL, which is a secret.

    `is_there` is False if nobody answered at all; one that hangs up, or whose answer is no HTTP, is there, and may take
    the next alert. `retry_after_s` is what the receiver asked for, 0 if nothing.
    """

    fault: str = ""
    is_there: bool = True
    retry_after_s: int = 0


async def post(url: str, body: Mapping[str, Any], *, alert_id: str) -> Answer:
    """Send one alert. Any 2xx means that it was taken; redirects are not followed. Never raises for what it meets."""
    headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": alert_id}
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    try:
        # A session for each: alerts are rare, and no connection is kept for the next one.
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.post(url, data=json.dumps(body).encode(), headers=headers, allow_redirects=False) as reply,
        ):
            return _read(reply.status, reply.headers.get("Retry-After", ""))
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as fault:
        # Their texts may show the URL.
        return Answer(f"no answer: {type(fault).__name__}", is_there=_is_there(fault))


def _is_there(fault: Exception) -> bool:
    """Whether somebody was connected: what it then made of this one alert says nothing of the others."""
    if isinstance(fault, aiohttp.ClientConnectorError | TimeoutError):
        return False
    broken_off = aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError | aiohttp.ClientResponseError
    return isinstance(fault, broken_off | aiohttp.ClientOSError)


def _read(status: int, retry_after: str) -> Answer:
    if 200 <= status < 300:
        return Answer()
    seconds = parse_retry_after(retry_after, now=clock.utc_now()) or 0
    return Answer(f"the receiver answered {status}", retry_after_s=int(min(seconds, MOST_RETRY_AFTER_S)))
