"""The supervisor of child processes: nothing it started outlives it, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.checkout import ROOT
from scripts.processes import Child, ChildFailed, Supervisor
from tests.helpers.processes import is_alive, wait_until

SLEEPER = "import os, time; print('pid', os.getpid(), flush=True); time.sleep(300)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(300)"
)
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'])
print('grandchild', child.pid, flush=True)
time.sleep(300)
"""
SUPERVISING = """
import sys, time
from pathlib import Path
from scripts.processes import Supervisor, stop_signals_raise
with stop_signals_raise(), Supervisor(Path(sys.argv[1])) as supervisor:
    child = supervisor.start('sleeper', [sys.executable, '-c', sys.argv[2]])
    print(child.wait_for_line(r'pid (\\d+)', timeout_s=20)[1], flush=True)
    time.sleep(300)
"""


def start_python(supervisor: Supervisor, code: str) -> Child:
    return supervisor.start("child", [sys.executable, "-c", code])


def test_leaving_the_block_ends_the_child(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        child = start_python(supervisor, SLEEPER)
        child.wait_for_line("pid", timeout_s=60)
    assert child.returncode == -signal.SIGTERM


def test_an_exception_in_the_block_ends_the_child(tmp_path: Path) -> None:
    started: list[Child] = []

    def start_and_fail() -> None:
        with Supervisor(tmp_path) as supervisor:
            started.append(start_python(supervisor, SLEEPER))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        start_and_fail()
    assert started[0].returncode is not None


def test_a_child_that_ignores_sigterm_is_killed(supervisor: Supervisor) -> None:
    child = start_python(supervisor, STUBBORN)
    child.wait_for_line("up", timeout_s=60)
    child.stop(grace_s=0.2)
    assert child.returncode == -signal.SIGKILL


def test_what_the_child_has_started_ends_with_it(supervisor: Supervisor) -> None:
    child = start_python(supervisor, PARENT)
    grandchild = int(child.wait_for_line(r"grandchild (\d+)", timeout_s=60)[1])
    child.stop()
    assert wait_until(lambda: not is_alive(grandchild))


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=lambda number: number.name
)
def test_a_signal_to_the_supervising_process_ends_the_child(tmp_path: Path, number: signal.Signals) -> None:
    if number is signal.SIGKILL and sys.platform != "linux":
        pytest.skip("only Linux tells a child that its parent was killed")
    command = [sys.executable, "-c", SUPERVISING, str(tmp_path), SLEEPER]
    parent = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert parent.stdout is not None
    with parent, parent.stdout:
        child_pid = int(parent.stdout.readline())
        os.kill(parent.pid, number)
        parent.wait(20)
    wait_until(lambda: not is_alive(child_pid))


def test_a_second_signal_does_not_cut_the_stopping_short(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SUPERVISING, str(tmp_path), STUBBORN.replace("'up'", "'pid 0'")]
    parent = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert parent.stdout is not None
    with parent, parent.stdout:
        parent.stdout.readline()
        os.kill(parent.pid, signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            parent.wait(1)  # it waits for the stubborn child
        os.kill(parent.pid, signal.SIGTERM)
        assert parent.wait(20) == 128 + signal.SIGTERM


def test_the_match_of_the_ready_line_is_returned(supervisor: Supervisor) -> None:
    child = start_python(
        supervisor, "print('noise'); print('serving http://127.0.0.1:81'); import time; time.sleep(300)"
    )
    assert child.wait_for_line(r"serving (\S+)", timeout_s=60)[1] == "http://127.0.0.1:81"


def test_a_child_that_ends_too_early_is_reported_with_its_last_lines(supervisor: Supervisor) -> None:
    child = start_python(supervisor, "import sys; sys.exit('port 80 is taken')")
    with pytest.raises(ChildFailed, match=r"child: ended with code 1 before the line /ready/\n.*\nport 80 is taken"):
        child.wait_for_line("ready", timeout_s=60)


def test_a_child_that_never_gets_ready_is_reported_at_the_deadline(supervisor: Supervisor) -> None:
    child = start_python(supervisor, SLEEPER)
    with pytest.raises(ChildFailed, match=r"not ready after 0\.2 s: no sign of the line /ready/"):
        child.wait_for_line("ready", timeout_s=0.2)


def test_the_last_words_of_a_child_count_even_if_it_has_ended(supervisor: Supervisor) -> None:
    child = start_python(supervisor, "print('ready')")
    wait_until(lambda: child.returncode is not None)
    assert child.wait_for_line("ready", timeout_s=1)[0] == "ready"


def test_a_missing_program_is_named(supervisor: Supervisor) -> None:
    with pytest.raises(ChildFailed, match="no program named no-such-program"):
        supervisor.start("child", ["no-such-program"])


def test_the_first_child_that_ends_is_found(supervisor: Supervisor) -> None:
    start_python(supervisor, SLEEPER)
    short = supervisor.start("short", [sys.executable, "-c", "raise SystemExit(3)"])
    ended = supervisor.wait_for_an_end()
    assert (ended, ended.returncode) == (short, 3)


def test_variables_are_added_to_the_environment(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_US", "1")
    code = "import os; print('got', os.environ['FROM_US'], os.environ['FROM_CALL'])"
    child = supervisor.start("child", [sys.executable, "-c", code], env={"FROM_CALL": "2"})
    assert child.wait_for_line(r"got (.*)", timeout_s=60)[1] == "1 2"
