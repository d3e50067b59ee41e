"""`make clean`: remove what the other commands have made. Standard library only: .venv goes, too."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from scripts.checkout import IN_USE_LOCK, NODE_MODULES, ROOT, RUN_DIR, SETUP_LOCK, VENV, CheckoutBusy, file_lock

STATE = [ROOT / ".azurite", ROOT / ".devhost"]
CACHES = [".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache", "htmlcov"]


def main() -> int:
    """Remove it all, or nothing while a command of this checkout is at work; then 1."""
    try:
        with file_lock(SETUP_LOCK, wait=False), file_lock(IN_USE_LOCK, wait=False):
            for folder in [VENV, NODE_MODULES, *STATE, *(ROOT / name for name in CACHES), *_bytecode()]:
                if folder.exists():
                    shutil.rmtree(folder)
            (ROOT / ".coverage").unlink(missing_ok=True)
            shutil.rmtree(RUN_DIR)  # last: it holds the locks
    except CheckoutBusy:
        print("clean refused: a demo, run, test or set-up of this checkout is at work; stop it first", file=sys.stderr)
        return 1
    return 0


def _bytecode() -> list[Path]:
    return [
        folder
        for top in ROOT.iterdir()
        if top.is_dir() and not top.is_symlink() and top not in {VENV, NODE_MODULES}
        for folder in ([top] if top.name == "__pycache__" else top.rglob("__pycache__"))
    ]


if __name__ == "__main__":
    sys.exit(main())
