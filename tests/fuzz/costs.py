"""What reading one input costs: processor time, and memory.

Processor time is of this process only, so a busy machine does not count. Memory is the process's own, since Python's
counting would miss what the C libraries take.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR_PEAK = "5"


def cpu_s(read: Callable[[], object]) -> float:
    """Seconds of processor time that `read` takes."""
    before = time.process_time()
    read()
    return time.process_time() - before


def memory_mb(read: Callable[[], object]) -> float:
    """By how much the process grows while `read` runs, at its peak.

    Where a peak cannot be forgotten (not Linux), only by how much it exceeds all peaks before.
    """
    if not _STATUS.exists():
        before = _highest_mb()
        read()
        return _highest_mb() - before
    Path("/proc/self/clear_refs").write_text(_CLEAR_PEAK)
    before = _status_mb("VmRSS")
    read()
    return max(0.0, _status_mb("VmHWM") - before)


def _status_mb(name: str) -> float:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1000


def _highest_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1_000_000 if sys.platform == "darwin" else peak / 1000
