"""A folder of its own for every run of a command, under .run: logs and state that nobody else touches."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from scripts.checkout import RUN_DIR

KEPT_PER_COMMAND = 5


def new_run_folder(command: str) -> Path:
    """`.run/<command>-<UTC time>-<PID>`; the oldest folders of the same command are removed, but for live ones."""
    earlier = sorted(RUN_DIR.glob(f"{command}-*-*"))
    for folder in earlier[: -KEPT_PER_COMMAND + 1]:
        if not _owner_lives(folder):
            shutil.rmtree(folder, ignore_errors=True)  # a second run may be removing it, too
    folder = RUN_DIR / f"{command}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}"
    folder.mkdir(parents=True)
    return folder


def _owner_lives(folder: Path) -> bool:
    with suppress(ProcessLookupError, ValueError):
        os.kill(int(folder.name.rpartition("-")[2]), 0)
        return True
    return False
