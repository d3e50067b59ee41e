"""A Chromium is found where there is one, installed where that can be done, and asked for plainly elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts import chromium
from scripts.chromium import NoChromium, find_chromium, install_chromium, require_chromium

CHROMIUM = "#!/bin/sh\necho 'Chromium 150.0.7871.100'\n"
SNAP_STUB = "#!/bin/sh\necho 'Command requires the chromium snap to be installed'\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH, on a machine without any browser."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(chromium, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(chromium, "SETUP_LOCK", tmp_path / "setup.lock")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return programs


def put(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script)
    path.chmod(0o755)
    return path


def installer(calls: Path, installed: Path) -> str:
    """A program that notes how it was called, and puts a Chromium there when it is told to install one."""
    install = f"printf \"#!/bin/sh\\necho 'Chromium 150'\\n\" > {installed}; /bin/chmod 755 {installed}"
    return f'#!/bin/sh\necho "$(/usr/bin/basename $0) $*" >> {calls}\ncase "$*" in *install*) {install};; esac\n'


def test_the_chromium_that_the_setting_names_comes_first(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(machine / "chromium", CHROMIUM)
    own = put(machine.parent / "own" / "chrome", CHROMIUM)
    monkeypatch.setenv("CHROMIUM", str(own))
    assert find_chromium() == own


def test_a_setting_that_names_no_chromium_is_refused_with_the_cure(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(machine / "chromium", CHROMIUM)
    monkeypatch.setenv("CHROMIUM", "/no/such/browser")
    with pytest.raises(NoChromium, match=r"CHROMIUM names /no/such/browser, which .* apt install chromium"):
        find_chromium()


@pytest.mark.parametrize("name", ["chromium", "chromium-browser", "google-chrome"])
def test_a_chromium_on_the_path_is_found(machine: Path, name: str) -> None:
    assert find_chromium() is None
    program = put(machine / name, CHROMIUM)
    assert find_chromium() == program


def test_a_script_that_only_asks_for_a_snap_is_passed_over(machine: Path) -> None:
    put(machine / "chromium-browser", SNAP_STUB)
    assert find_chromium() is None
    chrome = put(machine / "google-chrome", "#!/bin/sh\necho 'Google Chrome 150.0'\n")
    assert find_chromium() == chrome


def test_the_chromium_of_playwright_is_found(machine: Path) -> None:
    own = put(machine.parent / ".venv/playwright/chromium-1234/chrome-linux/chrome", CHROMIUM)
    assert find_chromium() == own


def test_root_of_a_debian_machine_has_it_installed_by_apt(machine: Path) -> None:
    calls = machine.parent / "calls"
    put(machine / "apt-get", installer(calls, machine / "chromium"))
    assert install_chromium() == machine / "chromium"
    update, install = calls.read_text().splitlines()
    assert update == "apt-get update -qq"
    assert install.startswith("apt-get install -y")
    assert install.endswith(" chromium")


def test_others_have_it_installed_by_playwright(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = machine.parent / "calls"
    put(machine / "apt-get", installer(calls, machine / "chromium"))
    into = machine.parent / ".venv/playwright/chromium-1/chrome-linux/chrome"
    into.parent.mkdir(parents=True)
    playwright = put(machine / "playwright", installer(calls, into))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(chromium, "PLAYWRIGHT_INSTALL", (str(playwright), "install", "chromium"))
    assert install_chromium() == into
    assert calls.read_text() == "playwright install chromium\n"


def test_an_installation_that_failed_is_told_with_the_cure(machine: Path, capfd: pytest.CaptureFixture[str]) -> None:
    put(machine / "apt-get", "#!/bin/sh\necho 'E: Unable to locate package chromium'\nexit 100\n")
    assert chromium.main() == 1
    told = capfd.readouterr().err
    assert "Unable to locate package" in told
    assert "setup failed: Chromium could not be installed, see above; install Chromium (on Debian" in told


def test_a_machine_that_has_one_installs_nothing(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(machine / "apt-get", "#!/bin/sh\nexit 100\n")
    program = put(machine / "chromium", CHROMIUM)
    assert chromium.main() == 0
    assert capsys.readouterr().out == f"browser: {program}\n"


def test_a_test_without_one_names_the_command(machine: Path) -> None:
    with pytest.raises(NoChromium, match="run: make browser"):
        require_chromium()
