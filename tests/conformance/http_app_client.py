"""The HTTP app of these tests as its callers see it."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.helpers.host_process import RunningHost
from tests.helpers.processes import wait_until


@dataclass(frozen=True)
class HttpApp:
    """A running host, and the folder where the app leaves notes."""

    host: RunningHost
    notes_folder: Path

    def notes(self, name: str) -> list[str]:
        """The lines that the app has noted under this name."""
        path = self.notes_folder / name
        return path.read_text().splitlines() if path.exists() else []

    def noted(self, name: str, *, lines: int = 1) -> list[str]:
        """The notes of this name once there are so many lines."""
        wait_until(lambda: len(self.notes(name)) >= lines)
        return self.notes(name)

    def expect_logged(self, text: str) -> None:
        """Wait until the host has printed this text."""
        wait_until(lambda: text in self.host.log())

    def json(self, path: str) -> Any:
        """The answer to a GET request, which must be 200."""
        answer = self.host.get(path)
        assert answer.status == 200, (answer.status, answer.body)
        return json.loads(answer.body)

    def route(self, path: str) -> Any:
        """Which function answers, and its route values; None for 404."""
        answer = self.host.get(path)
        return None if answer.status == 404 else json.loads(answer.body)

    def raw(self, sent: str) -> bytes:
        """Everything that comes back for these bytes until the host closes the connection."""
        own = urlsplit(self.host.url)
        with socket.create_connection((own.hostname or "", own.port or 0), timeout=10) as connection:
            connection.sendall(sent.encode("latin-1"))
            return b"".join(iter(lambda: connection.recv(65536), b""))
