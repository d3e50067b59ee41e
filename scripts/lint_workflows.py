"""`make lint-workflows`: are the files in .github/workflows what GitHub takes? Asks actionlint, without a network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from scripts.checkout import NODE_POINTER, ROOT

LINTER = ROOT / "scripts" / "lint_workflows.cjs"
WORKFLOWS = ROOT / ".github" / "workflows"


def main() -> int:
    """Lint the files that are named, or all of this checkout; 1 if something is wrong with one."""
    files = [Path(name) for name in sys.argv[1:]] or sorted(WORKFLOWS.glob("*.yml"))
    return subprocess.run([NODE_POINTER.read_text().strip(), LINTER, *files], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
