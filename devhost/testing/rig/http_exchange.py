"""A request that reaches the host's router without a socket, and the answer as a test reads it."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from unittest.mock import Mock

from aiohttp import StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer; header names compare ignoring case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as UTF-8."""
        return self.body.decode()

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


def make_request(
    method: str, path: str, *, json_body: Any, body: bytes | None, headers: Mapping[str, str], host: str
) -> web.Request:
    """The request as the server would hand it over. `path` may be a whole URL."""
    sent = {"Host": host, **headers}
    content = b"" if body is None else body
    if json_body is not None:
        content = json.dumps(json_body).encode()
        sent.setdefault("Content-Type", "application/json")
    if content:
        sent["Content-Length"] = str(len(content))
    stream = StreamReader(Mock(spec=BaseProtocol), 2**16, loop=asyncio.get_running_loop())
    stream.feed_data(content)
    stream.feed_eof()
    return make_mocked_request(method.upper(), path, sent, payload=stream, client_max_size=2**30)


def read_reply(response: web.StreamResponse) -> Reply:
    """The answer of the router."""
    content = response.body if isinstance(response, web.Response) else b""
    return Reply(response.status, response.headers.copy(), content if isinstance(content, bytes) else b"")
