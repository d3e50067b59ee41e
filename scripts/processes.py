r"""Child processes that always end: with this process, with an exception, with a signal.

    with Supervisor(log_dir) as supervisor:
        child = supervisor.start("site", [python, "-m", "samples.site"])
        url = child.wait_for_line(r"serving (http://\S+)", timeout_s=20)[1]

Every child gets a process group of its own, writes to a log file, and is stopped by SIGTERM, then SIGKILL of
the group. On Linux it is also stopped when this process is killed with -9. Start children from a thread that
lives as long as they do: the kernel takes the end of the starting thread for the end of the parent.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType

from scripts.checkout import ROOT

POLL_S = 0.03
LAUNCHER = Path(__file__).with_name("end_with_parent.py")


class ChildFailed(Exception):
    """A child could not start, ended too early or did not become ready.

    `name` is the child's, `reason` one line, `log_tail` its last lines (may be empty).
    """

    def __init__(self, name: str, reason: str, log_tail: str) -> None:
        super().__init__(f"{name}: {reason}" + (f"\n--- last lines of {name} ---\n{log_tail}" if log_tail else ""))
        self.name, self.reason, self.log_tail = name, reason, log_tail


class Child:
    """A running program: its PID (also its process group), its log, and how to wait for it or stop it."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log_path: Path) -> None:
        self.name, self.log_path = name, log_path
        self._process = process

    @property
    def pid(self) -> int:
        """Process ID, the same before and after the launcher became the program."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def log_tail(self, lines: int = 25) -> str:
        """The last lines it wrote to stdout and stderr."""
        text = self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def wait_for_line(self, pattern: str, *, timeout_s: float, what: str = "") -> re.Match[str]:
        """The first match of `pattern` in a whole line of its log. Raises ChildFailed, which names `what` it is."""
        found: list[re.Match[str]] = []

        def line_is_there() -> bool:
            whole, _, _ = self.log_path.read_text(errors="replace").rpartition("\n")
            found.extend(filter(None, (re.search(pattern, line) for line in whole.splitlines())))
            return bool(found)

        self.wait_until(line_is_there, timeout_s=timeout_s, what=what or f"the line /{pattern}/")
        return found[0]

    def wait_until(self, is_ready: Callable[[], bool], *, timeout_s: float, what: str) -> None:
        """Poll until `is_ready()`. Raises ChildFailed, naming `what`, at its end or after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while not is_ready():
            if self.returncode is not None:
                if is_ready():  # its last words may be the ones we wait for
                    return
                raise ChildFailed(self.name, f"ended with code {self.returncode} before {what}", self.log_tail())
            if time.monotonic() > deadline:
                raise ChildFailed(self.name, f"not ready after {timeout_s:g} s: no sign of {what}", self.log_tail())
            time.sleep(POLL_S)

    def stop(self, *, grace_s: float = 6.0) -> None:
        """SIGTERM to the group, SIGKILL to what is left of it when the program ended or `grace_s` is over."""
        if self._process.poll() is None:
            self._signal_group(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_s)
        self._signal_group(signal.SIGKILL)  # what the program itself has started, and itself if it hangs
        self._process.wait()

    def kill(self) -> None:
        """SIGKILL to the group at once, as a crash would."""
        self._signal_group(signal.SIGKILL)
        self._process.wait()

    def _signal_group(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):  # nobody is left; macOS: only zombies are
            os.killpg(self.pid, number)


class Supervisor:
    """Starts children that log to `log_dir`; leaving its `with` block stops them all, last started first."""

    def __init__(self, log_dir: Path) -> None:
        self.log_dir = log_dir
        self._children: list[Child] = []

    @property
    def children(self) -> tuple[Child, ...]:
        """Everything started so far, in order."""
        return tuple(self._children)

    def start(self, name: str, command: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> Child:
        """Start `command` in the checkout's root, logging to `<log_dir>/<name>.log`; `env` is added to ours.

        Raises ChildFailed when there is no such program.
        """
        program = shutil.which(command[0])
        if program is None:
            raise ChildFailed(name, f"no program named {command[0]}", "")
        self.log_dir.mkdir(parents=True, exist_ok=True)
        log_path = self.log_dir / f"{name}.log"
        launcher = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid())]
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                [*launcher, program, *map(str, command[1:])],
                cwd=ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        child = Child(name, process, log_path)
        self._children.append(child)
        return child

    def stop(self, child: Child) -> None:
        """Stop one child and forget it."""
        child.stop()
        self._children.remove(child)

    def stop_all(self) -> None:
        """Stop every child; a second Ctrl-C does not cut it short."""
        with _signals_ignored():
            while self._children:
                self._children.pop().stop()

    def wait_for_an_end(self) -> Child:
        """Block until a child ends; returns that child."""
        while True:
            for child in self._children:
                if child.returncode is not None:
                    return child
            time.sleep(0.2)

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_all()


STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stop_signals_raise() -> Iterator[None]:
    """Inside, SIGTERM and SIGHUP raise SystemExit(128 + number), SIGINT KeyboardInterrupt: all unwinds.

    SIGINT is set explicitly: a shell starts background jobs with it ignored. Main thread only.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _signals_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
