"""The development host as a process of its own, for tests over HTTP."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scripts.processes import Child, ChildFailed, Supervisor

START_TIMEOUT_S = 120.0
_LOG_LINES = 80


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; header names compare ignoring case."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class RunningHost:
    """A host that answers; `url` has no final slash."""

    url: str
    child: Child

    def call(
        self, method: str, path: str, *, body: bytes | str | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request; `path` is sent as it is, query included, or taken from a URL of this host."""
        own = urlsplit(self.url)
        target = path.removeprefix(self.url)
        data = body.encode() if isinstance(body, str) else body
        connection = http.client.HTTPConnection(own.hostname or "", own.port, timeout=60)
        try:
            connection.request(method, target, body=data, headers=dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        """A GET request."""
        return self.call("GET", path)

    def post(self, path: str, payload: Any = None) -> Answer:
        """A POST request with a JSON body, or none."""
        if payload is None:
            return self.call("POST", path)
        return self.call("POST", path, body=json.dumps(payload), headers={"Content-Type": "application/json"})

    def log(self) -> str:
        """Everything that the host has printed so far."""
        return self.child.log_path.read_text(errors="replace")


def host_command(
    script_root: Path, *, state_dir: Path | None = None, arguments: Sequence[str] = (), reload: bool = False
) -> list[str]:
    """The command line of a host on a free port; without `reload` it leaves changed files alone."""
    state = [] if state_dir is None else ["--state-dir", str(state_dir)]
    watch = [] if reload else ["--no-reload"]
    root = ["--script-root", str(script_root)]
    return [sys.executable, "-m", "devhost", "start", "--port", "0", *root, *state, *watch, *arguments]


@contextmanager
def running_host(
    script_root: Path,
    *,
    log_dir: Path | None = None,
    state_dir: Path | None = None,
    arguments: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    workers: int = 1,
    reload: bool = False,
) -> Iterator[RunningHost]:
    """A host for the app in `script_root`, in a process group of its own that ends with the block.

    `state_dir` defaults to `.devhost` in the app, the log to a folder `logs` beside the app: give both for an app
    inside the checkout. `workers` above 1 run the app in as many processes. An exception in the block gets the host's
    last lines as a note.
    """
    with Supervisor(log_dir or script_root.parent / "logs") as supervisor:
        more = ["--workers", str(workers), *arguments]
        command = host_command(script_root, state_dir=state_dir, arguments=more, reload=reload)
        child = supervisor.start(f"host-{script_root.name}", command, env=env)
        try:
            yield wait_until_running(child)
        except ChildFailed:
            raise
        except BaseException as error:
            error.add_note(f"--- last lines of the host ---\n{child.log_tail(_LOG_LINES)}")
            raise


def wait_until_running(child: Child, *, timeout_s: float = START_TIMEOUT_S) -> RunningHost:
    """The host of this process once its status is Running. Raises ChildFailed with its last lines."""
    host = RunningHost(child.wait_for_line(r"Listening on (http://\S+)", timeout_s=timeout_s)[1], child)
    child.wait_until(lambda: _is_running(host), timeout_s=timeout_s, what="the state Running")
    return host


def run_host_to_its_end(
    script_root: Path,
    *,
    log_dir: Path,
    state_dir: Path | None = None,
    arguments: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    timeout_s: float = START_TIMEOUT_S,
) -> tuple[int, str]:
    """Exit code and output of a host that is expected to refuse to start."""
    with Supervisor(log_dir) as supervisor:
        command = host_command(script_root, state_dir=state_dir, arguments=arguments)
        child = supervisor.start("refused-host", command, env=env)
        child.wait_until(lambda: child.returncode is not None, timeout_s=timeout_s, what="its end")
        return int(child.returncode or 0), child.log_path.read_text()


def _is_running(host: RunningHost) -> bool:
    try:
        answer = host.get("/admin/host/status")
        # A host that asks for keys tells a stranger nothing more, and listens only once it runs.
        return answer.status == 401 or bool(answer.json()["state"] == "Running")
    except (OSError, ValueError, KeyError):
        return False
