"""A hub that is killed before any of its writes performs every operation of every sender exactly once, in order."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RIGHT = {
    "arrived": {"o1": [0, 1, 2, 3], "o2": [0, 1, 2, 3], "client": [0, 1, 2]},
    "waiting": [0, 0],
    "statuses": ["Completed", "Completed"],
}


def check_kills(folder: Path, *, first: int, step: int) -> None:
    command = [sys.executable, "-m", "tests.helpers.entity_kill_points", str(folder), str(first), str(step)]
    made = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    outcomes = [json.loads(line) for line in made.stdout.splitlines()]
    wrong = [one for one in outcomes if {**one, "write": 0} != {**RIGHT, "write": 0}]
    assert wrong == []
    assert len(outcomes) >= 60 / step, f"only {len(outcomes)} kills: the scenario has become too short"


def test_a_kill_before_any_write_loses_no_operation_and_doubles_none(tmp_path: Path) -> None:
    """Every third write; the long version takes them all, twice."""
    check_kills(tmp_path, first=1, step=3)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("attempt", range(2))
def test_a_crash_before_every_write_loses_no_operation_and_doubles_none(tmp_path: Path, attempt: int) -> None:
    check_kills(tmp_path, first=1, step=1)
