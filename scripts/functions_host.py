"""A Functions host as a child process: the bundled devhost, or Core Tools (`func`)."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.checkout import ROOT
from scripts.free_port import is_free
from scripts.http_json import Unreachable, ask
from scripts.processes import Child, ChildFailed, Supervisor

READY_TIMEOUT_S = 120.0
FUNC_READY_TIMEOUT_S = 240.0  # its first start downloads the extension bundle
USUAL_PORT = 7071
PORTS_TRIED = 50


@dataclass(frozen=True)
class FunctionsHost:
    """A running host: its base URL without a trailing slash, and the process."""

    url: str
    child: Child


def start_devhost(
    supervisor: Supervisor,
    *,
    port: int,
    state_dir: Path,
    env: Mapping[str, str],
    reload: bool = False,
    script_root: Path = ROOT,
) -> FunctionsHost:
    """Start `python -m devhost` with this checkout's app, or the one in `script_root`. Raises ChildFailed.

    Port 0 lets the system choose. With `reload` a changed file of the app starts it again.
    """
    folders = ["--script-root", str(script_root), "--state-dir", str(state_dir)]
    options = ["--port", str(port), *folders, *([] if reload else ["--no-reload"])]
    child = supervisor.start("host", [sys.executable, "-m", "devhost", "start", *options], env=env)
    listed = child.wait_for_line(r"^Listening on http://\S+:(\d+)", timeout_s=READY_TIMEOUT_S, what="its address")
    return _when_running(child, int(listed[1]), READY_TIMEOUT_S)


def start_func(supervisor: Supervisor, *, port: int, env: Mapping[str, str]) -> FunctionsHost:
    """Start Core Tools on `port`. Raises ChildFailed, also when they are not installed."""
    if shutil.which("func") is None:
        cure = "install Azure Functions Core Tools 4 (see docs/running.md), or leave HOST=func out to use devhost"
        raise ChildFailed("host", f"there is no `func` on PATH; {cure}", "")
    child = supervisor.start("host", ["func", "start", "--port", str(port)], env=env)
    return _when_running(child, port, FUNC_READY_TIMEOUT_S)


def on_first_free_port(supervisor: Supervisor, start: Callable[[int], FunctionsHost]) -> FunctionsHost:
    """`start(port)` with 7071 if that is free, else with the next free one. Raises ChildFailed, OSError."""
    for port in range(USUAL_PORT, USUAL_PORT + PORTS_TRIED):
        if not is_free(port):
            continue
        try:
            return start(port)
        except ChildFailed:
            if not supervisor.children or is_free(port):
                raise
            if supervisor.children[-1].returncode is None:
                raise  # it has the port itself, and does not answer
            supervisor.stop(supervisor.children[-1])  # somebody else was faster; try the next one
    raise OSError(f"no free port from {USUAL_PORT} to {USUAL_PORT + PORTS_TRIED - 1}; name one with PORT=")


def listing_of(child: Child) -> Sequence[str]:
    """The lines of the host's log that name its functions."""
    lines = child.log_path.read_text(errors="replace").splitlines()
    return [line for line in lines if "http://" in line or line.rstrip().endswith("Trigger")]


def _when_running(child: Child, port: int, timeout_s: float) -> FunctionsHost:
    url = f"http://127.0.0.1:{port}"

    def is_running() -> bool:
        try:
            answer = ask("GET", f"{url}/admin/host/status")
        except Unreachable:
            return False
        return answer.status == 200 and isinstance(answer.document, dict) and answer.document.get("state") == "Running"

    child.wait_until(is_running, timeout_s=timeout_s, what=f"state Running at {url}/admin/host/status")
    return FunctionsHost(url, child)
