"""Processes that the app starts, and what is left of them when the host ends."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.helpers.host_process import RunningHost, running_host
from tests.helpers.processes import is_alive, wait_until
from tests.helpers.tiny_apps import write_app

CODE = """
    import multiprocessing, os, signal, subprocess, sys, time
    from concurrent.futures import ProcessPoolExecutor

    app = func.FunctionApp()
    forks = multiprocessing.get_context("fork")
    pool = None

    @app.route("fork")
    def fork(req: func.HttpRequest) -> str:
        global pool
        pool = pool or ProcessPoolExecutor(2, mp_context=forks)
        return f"pid {pool.submit(os.getpid).result()}"

    @app.route("spawn")
    def spawn(req: func.HttpRequest) -> str:
        sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
        return f"pid {subprocess.Popen(sleeper).pid}"

    @app.route("stubborn")
    def stubborn(req: func.HttpRequest) -> str:
        code = (
            "import signal, time;"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN);"
            "print(1, flush=True);"
            "time.sleep(600)"
        )
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        child.stdout.readline()
        return f"pid {child.pid}"

    @app.route("grandchild")
    def grandchild(req: func.HttpRequest) -> str:
        code = (
            "import subprocess, sys, time;"
            "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid, flush=True);"
            "time.sleep(600)"
        )
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        return f"pid {int(child.stdout.readline())}"

    @app.route("terminate")
    def terminate(req: func.HttpRequest) -> str:
        child = forks.Process(target=time.sleep, args=(60,))
        child.start()
        child.terminate()
        child.join(5)
        return f"code {child.exitcode}"

    @app.route("alive")
    def alive(req: func.HttpRequest) -> str:
        return "alive"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_app(tmp_path / "app", CODE)


@pytest.fixture
def ended_later() -> Iterator[list[int]]:
    """Process IDs that the test may leave behind."""
    pids: list[int] = []
    yield pids
    for pid in pids:
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)


def child_pid(host: RunningHost, path: str) -> int:
    return int(host.get(path).body.removeprefix(b"pid "))


def kill_alone(host: RunningHost) -> None:
    """SIGKILL to the host, not to its group."""
    os.kill(host.child.pid, signal.SIGKILL)
    wait_until(lambda: host.child.returncode is not None)


def stop_alone(host: RunningHost) -> None:
    os.kill(host.child.pid, signal.SIGTERM)
    wait_until(lambda: host.child.returncode is not None)


def port_of(host: RunningHost) -> int:
    return urlsplit(host.url).port or 0


@pytest.mark.parametrize("path", ["/api/fork", "/api/spawn"])
def test_host_killed_before_its_children_may_be_started_again_on_its_port_and_state(
    root: Path, ended_later: list[int], path: str
):
    with running_host(root) as first:
        ended_later.append(child_pid(first, path))
        kill_alone(first)
        assert is_alive(ended_later[0])
        with running_host(root, arguments=["--port", str(port_of(first))]) as second:
            assert second.get("/api/alive").body == b"alive"


def test_connection_ends_although_a_forked_child_lives(root: Path):
    with running_host(root) as host:
        with socket.create_connection(("127.0.0.1", port_of(host)), timeout=5) as connection:
            connection.sendall(b"GET /api/fork HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            received = b"".join(iter(lambda: connection.recv(65536), b""))
        assert re.search(rb"\r\n\r\npid \d+$", received)


@pytest.mark.parametrize("path", ["/api/fork", "/api/spawn", "/api/stubborn", "/api/grandchild"])
def test_clean_stop_ends_the_processes_of_the_app(root: Path, ended_later: list[int], path: str):
    with running_host(root) as host:
        ended_later.append(child_pid(host, path))
        stop_alone(host)
        assert (host.child.returncode, is_alive(ended_later[0])) == (0, False)


def test_forked_child_that_is_terminated_ends_and_the_host_goes_on(root: Path):
    with running_host(root) as host:
        assert (host.get("/api/terminate").body, host.get("/api/alive").body) == (b"code -15", b"alive")


@pytest.mark.skipif(shutil.which("ps") is None, reason="needs the program ps (package procps)")
def test_processes_are_found_and_ended_without_proc():
    code = """
import subprocess, sys
from pathlib import Path
from devhost.functions import child_processes

child_processes._PROC = Path("/no/such/folder")
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child_processes.end_child_processes(5), child.wait())
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert ended.stdout == "1 -15\n"
