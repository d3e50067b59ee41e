"""Where things are in this checkout, and who is using it. Standard library only."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
RUN_DIR = ROOT / ".run"
NODE_MODULES = ROOT / "node_modules"
AZURITE_SCRIPT = NODE_MODULES / "azurite" / "dist" / "src" / "azurite.js"
NODE_POINTER = VENV / ".node"  # written by the set-up: the path of the node executable it chose
IN_USE_LOCK = RUN_DIR / "in-use.lock"
SETUP_LOCK = RUN_DIR / "setup.lock"


class CheckoutBusy(Exception):
    """Another process of this checkout holds the lock at `path`."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is held by another process of this checkout")
        self.path = path


@contextmanager
def file_lock(path: Path, *, shared: bool = False, wait: bool = True) -> Iterator[None]:
    """Hold the lock file at `path`; the kernel frees it however this process ends.

    Raises CheckoutBusy when `wait` is false and somebody else holds it.
    """
    how = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            try:
                fcntl.flock(file, how)
            except BlockingIOError as busy:
                raise CheckoutBusy(path) from busy
            if _is_still(path, file):
                yield
                return


def _is_still(path: Path, file: IO[str]) -> bool:
    """Whether `path` names the open file: `make clean` may have removed it while we waited."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def content_hash(*parts: str | Path) -> str:
    """SHA-256 over texts and over the contents of files; a missing file counts as empty."""
    digest = hashlib.sha256()
    for part in parts:
        content = (part.read_bytes() if part.exists() else b"") if isinstance(part, Path) else part.encode()
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()
