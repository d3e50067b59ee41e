"""The set-up repeats only what changed; cleaning up never pulls the floor from under a running command."""

from __future__ import annotations

import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts import install
from scripts.checkout import ROOT, CheckoutBusy, file_lock
from scripts.install import SetupFailed, azurite_being_installed
from scripts.node import Node, describe_node
from tests.helpers.processes import is_alive, wait_until

FILES = ["REQUIREMENTS", "REQUIREMENTS_DEV", "REQUIREMENTS_NODE", "PACKAGE", "PACKAGE_LOCK", "VENV_PYTHON"]


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The steps that a set-up took, in a checkout that installs nothing."""
    done: list[str] = []
    node = Node(tmp_path / "node", tmp_path / "npm-cli.js", "v24.0.0")
    azurite = tmp_path / "azurite.js"
    for name in FILES:
        (tmp_path / name).write_text(name)
        monkeypatch.setattr(install, name, tmp_path / name)
    node.executable.write_text("")
    monkeypatch.setattr(install, "PYTHON_STAMP", tmp_path / ".stamp-python")
    monkeypatch.setattr(install, "NODE_STAMP", tmp_path / ".stamp-node")
    monkeypatch.setattr(install, "NODE_POINTER", tmp_path / ".node")
    monkeypatch.setattr(install, "AZURITE_SCRIPT", azurite)
    monkeypatch.setattr(install, "node_on_path", lambda: node)
    monkeypatch.setattr(install, "make_venv", lambda: None)
    monkeypatch.setattr(install, "install_python_packages", lambda: done.append("python"))

    @contextmanager
    def azurite_being_installed(chosen: Node) -> Iterator[None]:
        yield
        done.append("azurite")
        azurite.write_text("")

    monkeypatch.setattr(install, "azurite_being_installed", azurite_being_installed)
    return done


def test_a_first_setup_takes_every_step(steps: list[str]) -> None:
    install.set_up()
    assert steps == ["python", "azurite"]


def test_a_repeated_setup_does_nothing(steps: list[str]) -> None:
    install.set_up()
    steps.clear()
    install.set_up()
    assert steps == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [("REQUIREMENTS", ["python"]), ("REQUIREMENTS_DEV", ["python"]), ("PACKAGE_LOCK", ["azurite"])],
)
def test_a_changed_file_repeats_only_its_own_step(
    steps: list[str], tmp_path: Path, changed: str, expected: list[str]
) -> None:
    install.set_up()
    steps.clear()
    (tmp_path / changed).write_text("changed")
    install.set_up()
    assert steps == expected


def test_an_interrupted_step_is_taken_again(steps: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(install, "install_python_packages", interrupted)
        with pytest.raises(KeyboardInterrupt):
            install.set_up()
    install.set_up()
    assert steps == ["python", "azurite"]


def test_a_node_that_vanished_is_replaced(steps: list[str], tmp_path: Path) -> None:
    install.set_up()
    steps.clear()
    (tmp_path / ".node").write_text(str(tmp_path / "gone"))
    install.set_up()
    assert steps == ["azurite"]


def test_npm_ends_when_the_python_packages_cannot_be_installed(steps: list[str], tmp_path: Path) -> None:
    npm = tmp_path / "npm-cli.js"
    npm.write_text(f"echo $$ > {tmp_path}/pid\nexec sleep 600\n")
    shell = Node(Path("/bin/sh"), npm, "v24.0.0")
    told = tmp_path / "pid"

    def fail_once_npm_runs() -> None:
        with azurite_being_installed(shell):
            wait_until(lambda: told.exists() and told.read_text().endswith("\n"))
            raise SetupFailed("no packages")

    with pytest.raises(SetupFailed, match="no packages"):
        fail_once_npm_runs()
    assert not is_alive(int(told.read_text()))


def test_a_failing_npm_is_named(steps: list[str], tmp_path: Path) -> None:
    (tmp_path / "npm-cli.js").write_text("exit 3")
    shell = Node(Path("/bin/sh"), tmp_path / "npm-cli.js", "v24.0.0")
    with pytest.raises(SetupFailed, match="`npm ci` ended with code 3"), azurite_being_installed(shell):
        pass


def test_a_failing_step_is_named() -> None:
    with pytest.raises(SetupFailed, match="`a step` ended with code 3"):
        install._run([sys.executable, "-c", "raise SystemExit(3)"], "a step")


def test_an_old_python_is_refused_with_the_cure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    with pytest.raises(SystemExit) as exit_info:
        runpy.run_module("scripts.setup")
    assert exit_info.value.code == 2
    assert "needs Python 3.11 or newer" in capsys.readouterr().err


@pytest.mark.parametrize("version", ["v20.20.2", "v8.0.0", "nonsense"])
def test_an_old_or_foreign_node_is_no_candidate(tmp_path: Path, version: str) -> None:
    (tmp_path / "lib/node_modules/npm/bin").mkdir(parents=True)
    (tmp_path / "lib/node_modules/npm/bin/npm-cli.js").write_text("")
    (tmp_path / "bin").mkdir()
    node = tmp_path / "bin" / "node"
    node.write_text(f"#!/bin/sh\nprintf '%s' '{version} {node}'\n")
    node.chmod(0o755)
    assert describe_node(node) is None


def test_a_node_without_npm_is_no_candidate(tmp_path: Path) -> None:
    node = tmp_path / "node"
    node.write_text(f"#!/bin/sh\nprintf '%s' 'v24.1.0 {node}'\n")
    node.chmod(0o755)
    assert describe_node(node) is None


def test_a_lock_that_is_held_is_refused_without_waiting(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with file_lock(lock), pytest.raises(CheckoutBusy), file_lock(lock, wait=False):
        pass


def test_two_may_share_a_lock(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with file_lock(lock, shared=True), file_lock(lock, shared=True, wait=False):
        assert lock.exists()


@pytest.fixture
def other_checkout(tmp_path: Path) -> Path:
    """A checkout of its own with something to clean; it has the scripts and nothing else."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for made in [".venv/bin", "node_modules/azurite", ".azurite", ".devhost", ".run/demo-1"]:
        (tmp_path / made).mkdir(parents=True)
    return tmp_path


def clean(checkout: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", "-m", "scripts.clean"]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)


def test_clean_leaves_only_the_sources(other_checkout: Path) -> None:
    assert clean(other_checkout).returncode == 0
    assert [path.name for path in other_checkout.iterdir()] == ["scripts"]


def test_clean_refuses_while_a_command_is_at_work(other_checkout: Path) -> None:
    with file_lock(other_checkout / ".run/in-use.lock", shared=True):
        refusal = clean(other_checkout)
    assert refusal.returncode == 1
    assert "clean refused" in refusal.stderr
    assert (other_checkout / ".venv/bin").exists()


def test_clean_may_be_repeated(other_checkout: Path) -> None:
    clean(other_checkout)
    assert clean(other_checkout).returncode == 0
