"""What pytest shows of a failed test of the kit: the line of the test and the message, not the kit's insides."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.helpers.scrape_host import REPOSITORY

FAILING = """
import pytest
from datetime import timedelta
from devhost.testing import Host, SyncHost, check_replay
from tests.helpers.kit_app import make_app

def test_wait():
    with SyncHost(make_app()) as host:
        host.wait_for(host.start("approval"), "Failed")

async def test_wait_async():
    async with Host(make_app()) as host:
        await host.wait_for(await host.start("approval"), "Failed")

def test_unknown():
    with SyncHost(make_app()) as host:
        host.start("nothing")

async def test_unknown_async():
    async with Host(make_app()) as host:
        await host.start("nothing")

def test_calls():
    with SyncHost(make_app()) as host:
        host.calls.expect("greet")

def test_replay():
    check_replay([], make_app())

def test_import(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHON_SCRIPT_FILE_NAME", "broken_app.py")
    (tmp_path / "broken_app.py").write_text("import nothing_there\\n")
    with SyncHost(tmp_path):
        pass
"""


def test_failures_show_the_test_and_the_message_alone(tmp_path: Path) -> None:
    (tmp_path / "test_failing.py").write_text(FAILING)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\nasyncio_mode = auto\npythonpath = {REPOSITORY}\n")
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", str(tmp_path)]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    frames = [line.split(": in ")[0] for line in ended.stdout.splitlines() if ": in " in line]
    files = [Path(frame.rsplit(":", 1)[0]).name for frame in frames]
    assert "7 failed" in ended.stdout
    assert files == [*["test_failing.py"] * 6, "broken_app.py", "test_failing.py"], ended.stdout
