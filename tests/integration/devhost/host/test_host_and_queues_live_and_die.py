"""Queue functions of hosts that stop, are killed, have worker processes, or find no storage; retries of a timer."""

from __future__ import annotations

import random
import time
import uuid
from pathlib import Path

import pytest

from tests.helpers.host_process import run_host_to_its_end, running_host
from tests.helpers.storage_probe import StorageProbe, eventually
from tests.helpers.tiny_apps import write_app

COPY_APP = """
import time
app = func.FunctionApp()

@app.queue_trigger(arg_name="msg", queue_name="%IN%", connection="AzureWebJobsStorage")
@app.queue_output(arg_name="done", queue_name="%OUT%", connection="AzureWebJobsStorage")
def copy(msg: func.QueueMessage, done: func.Out[str]) -> None:
    time.sleep(float("%SECONDS%"))
    done.set(msg.get_body().decode())
"""


def copying_app(folder: Path, azurite: str, *, seconds: float) -> tuple[Path, str, str]:
    """An app that copies messages, taking its time, and its two queues."""
    name = uuid.uuid4().hex[:12]
    source, target = f"in-{name}", f"out-{name}"
    code = COPY_APP.replace("%SECONDS%", str(seconds))
    settings = {"AzureWebJobsStorage": azurite, "IN": source, "OUT": target}
    host_json = {
        "version": "2.0",
        "extensions": {"queues": {"batchSize": 4, "newBatchThreshold": 2, "maxDequeueCount": 50}},
    }
    return write_app(folder / "app", code, settings=settings, host_json=host_json), source, target


def test_a_host_killed_again_and_again_handles_every_message(azurite: str, tmp_path: Path) -> None:
    app, source, target = copying_app(tmp_path, azurite, seconds=0.05)
    probe, dice = StorageProbe(azurite), random.Random(5)
    expected = {str(number) for number in range(60)}
    probe.send(source, *sorted(expected))
    env = {"DEVHOST_QUEUE_LEASE_SECONDS": "2"}
    unfinished = []
    for life in range(4):
        with running_host(app, log_dir=tmp_path / f"life-{life}", env=env) as host:
            time.sleep(dice.uniform(0.05, 0.3))
            unfinished.append(probe.count(source))
            host.child.kill()
    assert unfinished[-1] > 0, "every kill is to hit a host at work"
    seen: list[str] = []

    def take() -> set[str]:
        seen.extend(probe.take(target))
        return set(seen)

    with running_host(app, log_dir=tmp_path / "last-life", env=env):
        eventually(take, lambda found: found == expected, timeout_s=60)
        eventually(lambda: probe.count(source), lambda count: count == 0, timeout_s=60)
    assert probe.stored(f"{source}-poison") == []
    print(f"60 messages, {len(seen)} runs that ended, {unfinished} left at the kills")


def test_a_stopped_host_shows_the_message_of_a_cut_run_to_the_next_one_at_once(azurite: str, tmp_path: Path) -> None:
    app, source, _ = copying_app(tmp_path, azurite, seconds=60)
    probe = StorageProbe(azurite)
    probe.send(source, "cut")
    with running_host(app) as host:
        eventually(host.log, lambda log: "Executing 'Functions.copy'" in log)
        host.child.stop()
    assert probe.take(source) == ["cut"]


def test_queue_functions_run_in_worker_processes(azurite: str, tmp_path: Path) -> None:
    app, source, target = copying_app(tmp_path, azurite, seconds=0)
    probe = StorageProbe(azurite)
    probe.send(source, *(str(number) for number in range(20)))
    seen: list[str] = []

    def take() -> list[str]:
        seen.extend(probe.take(target))
        return sorted(seen, key=int)

    with running_host(app, arguments=["--workers", "2"]):
        eventually(take, lambda found: found == [str(number) for number in range(20)])


def test_without_storage_the_host_says_so_once_and_serves_the_rest(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:1/devstoreaccount1"
    text = f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=QQ==;QueueEndpoint={nowhere}"
    code = COPY_APP.replace("%SECONDS%", "0").replace("%IN%", "in-queue").replace("%OUT%", "out-queue")
    code += """
@app.route(route="alive", auth_level=func.AuthLevel.ANONYMOUS)
def alive(req: func.HttpRequest) -> str:
    return "yes"
"""
    app = write_app(tmp_path / "app", code, settings={"AzureWebJobsStorage": text})
    with running_host(app) as host:
        eventually(host.log, lambda log: "start Azurite, or correct the connection in 'AzureWebJobsStorage'" in log)
        assert host.get("/api/alive").body == b"yes"
        assert host.log().count("cannot be received") == 1


@pytest.mark.row("host/1.7/retry-timer")
def test_a_failing_timer_runs_again_as_its_policy_says(tmp_path: Path) -> None:
    code = """
import logging
app = func.FunctionApp()

@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True)
@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:01")
def nightly(timer: func.TimerRequest, context: func.Context) -> None:
    retry = context.retry_context
    logging.info("attempt %s of %s after %s", retry.retry_count, retry.max_retry_count, retry.exception)
    if retry.retry_count < retry.max_retry_count:
        raise ValueError("not yet")
"""
    with running_host(write_app(tmp_path / "app", code)) as host:
        log = eventually(host.log, lambda log: "attempt 2 of 2 after" in log and "(Succeeded" in log)
    assert "attempt 0 of 2 after None" in log
    assert "The function 'nightly' runs again in 1 s: retry 1 of 2." in log
    assert "ValueError: not yet" in log


def test_a_bad_retry_policy_stops_the_app_with_the_cure(tmp_path: Path) -> None:
    code = """
app = func.FunctionApp()

@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
@app.retry(strategy="fixed_delay", max_retry_count="2")
def nightly(timer: func.TimerRequest) -> None:
    pass
"""
    exit_code, output = run_host_to_its_end(write_app(tmp_path / "app", code), log_dir=tmp_path / "logs")
    assert exit_code == 1
    assert "cannot load the nightly function: in @app.retry, delay_interval is 'None'; write hh:mm:ss" in output


def test_a_bad_option_for_queues_stops_the_host_with_the_cure(tmp_path: Path) -> None:
    host_json = {"version": "2.0", "extensions": {"queues": {"batchSize": 99}}}
    app = write_app(tmp_path / "app", "app = func.FunctionApp()\n", host_json=host_json)
    exit_code, output = run_host_to_its_end(app, log_dir=tmp_path / "logs")
    assert exit_code == 1
    assert "'extensions.queues.batchSize' is 99; write a whole number from 1 to 32" in output
