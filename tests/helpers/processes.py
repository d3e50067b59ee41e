"""Waiting in tests, and looking at processes. The supervisor itself is `scripts.processes`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from scripts.processes import Child, ChildFailed, Supervisor

__all__ = ["PATIENCE_S", "Child", "ChildFailed", "Supervisor", "is_alive", "wait_until"]

T = TypeVar("T")

PATIENCE_S = 60.0
"""What must happen may take as long on a busy machine; a test that passes does not wait for it."""


def wait_until(look: Callable[[], T], *, timeout_s: float = PATIENCE_S, every_s: float = 0.02) -> T:
    """The first truthy answer of `look()`; after `timeout_s` an AssertionError with the last answer."""
    deadline = time.monotonic() + timeout_s
    while not (answer := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not true within {timeout_s:g} s; the last answer was {answer!r}")
        time.sleep(every_s)
    return answer


def is_alive(pid: int) -> bool:
    """Whether the process runs: a zombie that nobody has waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
