"""Questions to a server of this machine, and their JSON answers. Standard library only."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 30.0


class Unreachable(Exception):
    """No usable answer from `url`: nobody listens there, or the connection broke, or it took too long."""

    def __init__(self, url: str, cause: Exception) -> None:
        super().__init__(f"no answer from {url}: {cause or type(cause).__name__}")
        self.url = url


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; `document` is its parsed JSON, or None if the body is none."""

    status: int
    document: Any
    text: str


def ask(method: str, url: str, body: Any = None) -> Answer:
    """Send one request, with `body` as JSON unless it is None. Any status is an answer. Raises Unreachable."""
    parts = urlsplit(url)
    payload = None if body is None else json.dumps(body)
    headers = {} if body is None else {"Content-Type": "application/json"}
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
    try:
        connection.request(method, f"{parts.path}?{parts.query}" if parts.query else parts.path, payload, headers)
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as cause:
        raise Unreachable(url, cause) from cause
    finally:
        connection.close()
    return Answer(response.status, _parsed(text), text)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None
