"""Processor time and memory of a process with all of its descendants, as /proc tells them."""

from __future__ import annotations

import os
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time so far, that of ended children included."""
    return sum(sum(map(int, _stat(one)[11:15])) for one in _family(pid)) / TICKS_PER_S


def peak_megabytes(pid: int) -> list[float]:
    """The most memory that each process has had at a time, the first one's first."""
    return [_peak_kilobytes(one) / 1024 for one in _family(pid)]


def _peak_kilobytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def _family(pid: int) -> list[int]:
    """The process and its descendants, the oldest first."""
    listed = Path(f"/proc/{pid}/task").glob("*/children")
    children = sorted(int(child) for path in listed for child in path.read_text().split())
    return [pid, *(one for child in children for one in _family(child))]


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name, which may hold spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
