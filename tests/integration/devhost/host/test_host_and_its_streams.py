"""A host whose standard streams are closed, or whose output nobody reads any more."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers.host_process import host_command
from tests.helpers.processes import wait_until
from tests.helpers.tiny_apps import write_app

CODE = """
    import sys

    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("talk")
    def talk(req: func.HttpRequest) -> str:
        print("something", flush=True)
        print("something", file=sys.stderr, flush=True)
        return "talked"
"""


@contextmanager
def host_with(tmp_path: Path, redirections: str, *, workers: int) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The host's process, started by a shell with these redirections, and its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    root = write_app(tmp_path / "app", CODE)
    command = [*host_command(root), "--port", str(port), "--workers", str(workers)]
    shell = ["/bin/sh", "-c", f'exec "$@" {redirections}', "sh", *command]
    with subprocess.Popen(shell, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}) as process:
        try:
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def is_running(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/admin/host/status", timeout=5) as answer:
            return bool(json.load(answer)["state"] == "Running")
    except OSError:
        return False


def talk(url: str) -> bytes:
    with urllib.request.urlopen(f"{url}/api/talk", timeout=10) as answer:
        return bytes(answer.read())


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("redirections", ["<&- >&- 2>&-", ">&-", "2>&-", "<&-"])
def test_host_without_some_of_its_streams_serves(tmp_path: Path, redirections: str, workers: int) -> None:
    with host_with(tmp_path, redirections, workers=workers) as (process, url):
        wait_until(lambda: is_running(url))
        assert talk(url) == b"talked"
        process.terminate()
        assert process.wait(10) == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_host_whose_reader_goes_away_serves(tmp_path: Path, workers: int) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with host_with(tmp_path, f'> "{pipe}" 2>&1', workers=workers) as (process, url):
        with pipe.open():
            pass
        wait_until(lambda: is_running(url))
        assert [talk(url), talk(url)] == [b"talked", b"talked"]
        process.terminate()
        assert process.wait(10) == 0
