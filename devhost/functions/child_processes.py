"""The end of the processes that the app has started and left behind."""

import os
import signal
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from multiprocessing import resource_tracker
from pathlib import Path

_PROC = Path("/proc")
_POLL_S = 0.02


def end_child_processes(grace_s: float) -> int:
    """SIGTERM to everything that descends from this process, SIGKILL to what is left after `grace_s`.

    How many there were. The tracker of `multiprocessing` is spared: it ends by itself, after tidying up.
    """
    found = _descendants({os.getpid()}) - {getattr(resource_tracker._resource_tracker, "_pid", None)}
    return _end(found, grace_s)


def end_process_trees(roots: Iterable[int], grace_s: float) -> int:
    """The same for these processes and everything that descends from them."""
    tops = set(roots) & _running().keys()
    return _end(tops | _descendants(tops), grace_s)


def _end(found: set[int], grace_s: float) -> int:
    _signal(found, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while (left := found & _running().keys()) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    _signal(left, signal.SIGKILL)
    return len(found)


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):  # it has ended, or became another user's
            os.kill(pid, number)


def _descendants(roots: set[int]) -> set[int]:
    parents = _running()
    found: set[int] = set()
    level = roots
    while level:
        level = {pid for pid, parent in parents.items() if parent in level} - found
        found |= level
    return found


def _running() -> dict[int, int]:
    """Each process of this machine that has not ended, with its parent."""
    return _from_proc() if (_PROC / "self" / "stat").exists() else _from_ps()


def _from_proc() -> dict[int, int]:
    found: dict[int, int] = {}
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            with suppress(OSError):  # it has ended meanwhile
                # The name in parentheses may hold anything, so the fields count from its end.
                state, parent = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
                if state not in {"Z", "X"}:
                    found[int(folder.name)] = int(parent)
    return found


def _from_ps() -> dict[int, int]:
    command = ["ps", "-A", "-o", "pid=,ppid=,state="]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as listing:  # noqa: S603 - a fixed command
        text, _ = listing.communicate()
    fields = [line.split() for line in text.splitlines()]
    running = {int(pid): int(parent) for pid, parent, state in fields if not state.startswith("Z")}
    running.pop(listing.pid, None)
    return running
