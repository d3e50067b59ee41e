"""A process that does nothing but store statuses is killed while it writes one."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from devhost.timers.timer_status import TimerStatusStore

WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from devhost.timers.timer_status import TimerStatus, TimerStatusStore
store = TimerStatusStore(Path(sys.argv[1]))
moment = datetime(2026, 11, 3, tzinfo=UTC)
while True:
    moment += timedelta(seconds=1)
    store.put("Nightly", TimerStatus(moment, moment + timedelta(hours=1), moment))
    print(moment.isoformat(), flush=True)
"""
REPOSITORY = Path(__file__).parents[4]


def wait_for_write_under_way(path: Path) -> None:
    """Return as soon as the new file exists beside the old one; polls, since no event tells."""
    new_path = path.with_name("timers.json.new")
    deadline = time.monotonic() + 30
    while not new_path.exists():
        assert time.monotonic() < deadline, f"{new_path} never appeared"


@pytest.mark.parametrize("writes_before_kill", [1, 2, 3, 7, 20])
def test_a_killed_host_leaves_the_last_or_the_next_status(tmp_path: Path, writes_before_kill: int) -> None:
    path = tmp_path / "timers.json"
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        assert process.stdout is not None
        for _ in range(writes_before_kill):
            process.stdout.readline()
        wait_for_write_under_way(path)
        process.kill()
        reported = process.stdout.read().splitlines()
    status = TimerStatusStore(path).get("Nightly")
    assert status is not None
    assert status.last == status.last_updated
    assert not reported or status.last.isoformat() >= reported[-1]
