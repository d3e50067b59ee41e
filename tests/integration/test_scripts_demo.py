"""The README's first command, and `make run`, as a user sees them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts.checkout import ROOT
from scripts.http_json import ask
from tests.helpers.processes import is_alive, wait_until

TIME_LIMIT_S = 180


def descendants(pid: int) -> set[int]:
    """PIDs of all children of `pid`, and of theirs."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("there is no /proc to look at")
    found: set[int] = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended since
            continue
        if int(fields[1]) == pid:
            child = int(stat.parent.name)
            found |= {child} | descendants(child)
    return found


@contextmanager
def script(name: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A script of ours in the background, its output in pipes; killed if the test leaves it running."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"scripts.{name}", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if match := re.search(pattern, line):
            return match
    assert process.stderr is not None
    raise AssertionError(f"no line like {pattern!r} in {seen}; stderr: {process.stderr.read()}")


def test_the_demo_publishes_rows_refuses_a_second_start_and_leaves_nothing_behind() -> None:
    with script("demo", "--books", "60", "--faults", "5") as demo:
        read_until(demo, r"^sample site http")
        started = descendants(demo.pid)
        output, errors = demo.communicate(timeout=TIME_LIMIT_S)
    assert (demo.returncode, errors) == (0, "")
    assert "POST /api/orchestrators/daily_scrape/demo -> 202" in output
    assert "POST /api/orchestrators/daily_scrape/demo-again -> 409" in output
    assert re.search(r"^run 'demo' \(epoch 1\): completed_with_failures in \d+\.\d s$", output, re.MULTILINE)
    assert re.search(r"^  listing +published +60 rows from 3 of 3 pages, 0 failed$", output, re.MULTILINE)
    assert "failed pages: " in output
    assert len(started) >= 3
    assert [pid for pid in started if is_alive(pid)] == []


def test_a_run_that_cannot_publish_fails_the_demo_and_says_why() -> None:
    with script("demo", "--books", "5", "--faults", "0") as demo:  # fewer rows than the gates ask for
        output, errors = demo.communicate(timeout=TIME_LIMIT_S)
    assert demo.returncode == 1
    assert "demo failed: orchestration Completed, run failed, 0 rows published" in errors
    assert "refused" in output


def test_run_stays_up_until_ctrl_c_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with script("run", "--state", str(tmp_path), "--books", "40") as run:
        url = read_until(run, r"^health: (http://\S+)/api/health$")[1]
        started = descendants(run.pid)
        health = wait_until(lambda: ask("GET", f"{url}/api/health"))
        os.kill(run.pid, signal.SIGINT)
        assert run.wait(30) == 0
    assert (health.status, health.document["status"]) == (200, "ok")
    assert len(started) >= 3
    assert [pid for pid in started if is_alive(pid)] == []


def test_a_killed_run_takes_its_children_with_it(tmp_path: Path) -> None:
    with script("run", "--state", str(tmp_path), "--books", "40") as run:
        read_until(run, r"^health: ")
        started = descendants(run.pid)
        run.kill()
    assert wait_until(lambda: not [pid for pid in started if is_alive(pid)])
