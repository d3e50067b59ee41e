"""A host whose app runs in two worker processes: what goes through them, and what happens when they die."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.host_process import Answer, RunningHost, host_command, run_host_to_its_end, running_host
from tests.helpers.processes import Supervisor, is_alive, wait_until
from tests.helpers.tiny_apps import write_app

CODE = """
    import hashlib, logging, os, subprocess, sys, time
    from pathlib import Path
    import azure.durable_functions as df

    print(f"imported by {os.getpid()}")
    app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    made = Path(os.environ["MADE_DIR"])
    seen = []

    class Loud(str):
        pass

    class Secret:
        pass

    @app.route("pid")
    def pid(req: func.HttpRequest) -> str:
        return f"pid {os.getpid()}"

    @app.route("busy")
    def busy(req: func.HttpRequest) -> str:
        while True:
            pass

    @app.route("wait/{name}")
    async def wait(req: func.HttpRequest) -> str:
        import asyncio
        (made / req.route_params["name"]).write_text(str(os.getpid()))
        await asyncio.sleep(600)

    @app.route("large")
    def large(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(req.get_body()[::-1], mimetype="application/octet-stream")

    @app.route("loud")
    def loud(req: func.HttpRequest) -> str:
        return Loud("a str of the app's own class")

    @app.route("secret")
    def secret(req: func.HttpRequest) -> func.HttpResponse:
        answer = func.HttpResponse("x")
        answer.get_body = Secret
        return answer

    @app.route("cookies")
    def cookies(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse("x", headers={"Set-Cookie": "a=1; Path=/"})

    @app.route("log")
    def log(req: func.HttpRequest) -> str:
        logging.info("one line of the app")
        logging.debug("hidden line of the app")
        print("printed by the app")
        return "logged"

    @app.route("die")
    def die(req: func.HttpRequest) -> str:
        os._exit(3)

    @app.route("spawn")
    def spawn(req: func.HttpRequest) -> str:
        sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
        return f"{os.getpid()} {subprocess.Popen(sleeper).pid}"

    @app.timer_trigger("timer", schedule="0 0 0 1 1 *")
    @app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:01")
    def stubborn(timer: func.TimerRequest, context: func.Context) -> None:
        retry = context.retry_context
        logging.info("attempt %s after %s", retry.retry_count, retry.exception and retry.exception.message)
        if retry.retry_count < 2:
            raise ValueError("not yet")

    @app.activity_trigger(input_name="number")
    def square(number: int) -> int:
        time.sleep(0.02)
        return number * number

    @app.activity_trigger(input_name="name")
    def die_once(name: str) -> str:
        try:
            (made / name).touch(exist_ok=False)
        except FileExistsError:
            return "second run"
        os._exit(4)

    @app.orchestration_trigger(context_name="context")
    def squares(context):
        numbers = yield context.task_all([context.call_activity("square", n) for n in range(120)])
        return sum(numbers)

    @app.orchestration_trigger(context_name="context")
    def outlives_one(context):
        return (yield context.call_activity("die_once", context.instance_id))

    @app.orchestration_trigger(context_name="context")
    def replay_dies_once(context):
        try:
            (made / context.instance_id).touch(exist_ok=False)
        except FileExistsError:
            return "second replay"
        os._exit(5)
"""
WEBHOOKS = "/runtime/webhooks/durabletask"


@pytest.fixture
def made_dir(tmp_path: Path) -> Path:
    (tmp_path / "made").mkdir()
    return tmp_path / "made"


@pytest.fixture
def host(tmp_path: Path, made_dir: Path) -> Iterator[RunningHost]:
    """A host of the test's own, to be harmed."""
    with two_workers(tmp_path, made_dir) as running:
        yield running


@pytest.fixture(scope="module")
def unharmed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    """One host for all tests that leave it as it is."""
    folder = tmp_path_factory.mktemp("unharmed")
    with two_workers(folder, folder) as running:
        yield running


@contextmanager
def two_workers(folder: Path, made_dir: Path) -> Iterator[RunningHost]:
    root = write_app(folder / "app", CODE)
    with running_host(root, env={"MADE_DIR": str(made_dir)}, workers=2) as running:
        wait_until(lambda: len(started_workers(running)) == 2)
        yield running


def started_workers(host: RunningHost) -> list[int]:
    """Process IDs of all workers that were ever ready, oldest first."""
    return [int(pid) for pid in re.findall(r"Worker process (\d+) is ready", host.log())]


def finished(host: RunningHost, instance_id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        answer = host.get(f"{WEBHOOKS}/instances/{instance_id}")
        return answer.json() if answer.status in {200, 500} else None

    return wait_until(look)


def start(host: RunningHost, name: str, instance_id: str) -> None:
    assert host.post(f"{WEBHOOKS}/orchestrators/{name}/{instance_id}").status == 202


def test_app_is_imported_by_each_worker_and_not_by_the_host(unharmed: RunningHost):
    importers = {int(pid) for pid in re.findall(r"imported by (\d+)", unharmed.log())}
    assert (importers, unharmed.child.pid in importers) == (set(started_workers(unharmed)), False)


def test_idle_workers_take_turns(unharmed: RunningHost):
    pids = [int(unharmed.get("/api/pid").body.removeprefix(b"pid ")) for _ in range(4)]
    assert (set(pids[:2]), pids[:2]) == (set(started_workers(unharmed)), pids[2:])


def test_busy_worker_gets_no_further_call(host: RunningHost, made_dir: Path):
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(host.get, "/api/wait/first")
        wait_until((made_dir / "first").exists)
        busy = int((made_dir / "first").read_text())
        pids = {int(host.get("/api/pid").body.removeprefix(b"pid ")) for _ in range(4)}
        assert pids == set(started_workers(host)) - {busy}
        os.kill(busy, signal.SIGKILL)
        waiting.result()


def test_payload_of_many_megabytes_passes_in_both_directions(unharmed: RunningHost):
    body = bytes(range(256)) * (24 * 4096)
    answer = unharmed.call("POST", "/api/large", body=body)
    expected = hashlib.sha256(body[::-1]).hexdigest()
    assert (len(answer.body), hashlib.sha256(answer.body).hexdigest()) == (25_165_824, expected)


def test_str_of_a_class_of_the_app_arrives_as_text(unharmed: RunningHost):
    assert unharmed.get("/api/loud").body == b"a str of the app's own class"


def test_value_that_cannot_leave_the_worker_fails_the_run_and_is_named(unharmed: RunningHost):
    answer = unharmed.get("/api/secret")
    wait_until(lambda: "a value of the class Secret cannot leave its process" in unharmed.log())
    assert (answer.status, answer.body) == (500, b"")


def test_cookie_passes(unharmed: RunningHost):
    assert unharmed.get("/api/cookies").headers["Set-Cookie"] == "a=1; path=/"


def test_timer_that_is_run_again_is_told_which_attempt_it_is(unharmed: RunningHost):
    unharmed.post("/admin/functions/stubborn", {})
    wait_until(lambda: "attempt 2 after ValueError: not yet" in unharmed.log())
    assert "attempt 0 after None" in unharmed.log()


def test_logs_and_prints_of_workers_are_on_the_console_in_its_format(unharmed: RunningHost):
    unharmed.get("/api/log")
    wait_until(lambda: "printed by the app" in unharmed.log())
    stamped = re.search(r"^\[[0-9TZ:.-]+\] one line of the app$", unharmed.log(), re.MULTILINE)
    assert (stamped is not None, "hidden line" in unharmed.log()) == (True, False)


def test_call_in_a_worker_that_is_killed_is_500_and_another_worker_takes_its_place(host: RunningHost, made_dir: Path):
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(host.get, "/api/wait/killed")
        wait_until((made_dir / "killed").exists)
        os.kill(int((made_dir / "killed").read_text()), signal.SIGKILL)
        answer = waiting.result()
    wait_until(lambda: len(started_workers(host)) == 3)
    assert (answer.status, answer.body, "has ended: killed by SIGKILL" in host.log()) == (500, b"", True)


def test_activity_whose_worker_ends_runs_again(host: RunningHost):
    start(host, "outlives_one", "one")
    assert finished(host, "one")["output"] == "second run"


def test_replay_whose_worker_ends_runs_again(host: RunningHost):
    start(host, "replay_dies_once", "one")
    assert finished(host, "one")["output"] == "second replay"


def test_workers_killed_under_load_lose_nothing(host: RunningHost):
    for name in ("a", "b", "c"):
        start(host, "squares", name)
    with ThreadPoolExecutor() as pool:
        for _ in range(5):
            before = len(started_workers(host))
            answers = [pool.submit(host.get, "/api/pid") for _ in range(8)]
            os.kill(started_workers(host)[-1], signal.SIGKILL)
            statuses = {answer.result().status for answer in answers}
            assert statuses <= {200, 500}
            wait_until(lambda before=before: len(started_workers(host)) > before)
    outputs = [finished(host, name)["output"] for name in ("a", "b", "c")]
    assert outputs == [sum(n * n for n in range(120))] * 3


def test_app_that_keeps_ending_its_process_ends_the_host_with_the_reason(host: RunningHost):
    def ask() -> bool:
        try:
            host.get("/api/die")
        except OSError:
            return True
        return host.child.returncode is not None

    wait_until(ask)
    wait_until(lambda: host.child.returncode is not None)
    text = r"Worker processes have failed 6 times without answering one run, the last one \(process \d+\): exit code 3"
    assert (host.child.returncode, re.search(text, host.log()) is not None) == (1, True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_the_host(host: RunningHost, number: int):
    with ThreadPoolExecutor() as pool:
        for _ in range(2):
            pool.submit(cut_or_answered, host, "/api/busy")
        wait_until(lambda: host.log().count("Executing 'Functions.busy'") == 2)
        os.kill(host.child.pid, number)
        wait_until(lambda: host.child.returncode is not None)
        assert wait_until(lambda: not any(is_alive(pid) for pid in started_workers(host)))


def cut_or_answered(host: RunningHost, path: str) -> Answer | None:
    try:
        return host.get(path)
    except OSError:
        return None


def test_host_that_is_stopped_while_both_workers_are_busy_for_ever_ends_with_0(host: RunningHost):
    with ThreadPoolExecutor() as pool:
        for _ in range(2):
            pool.submit(cut_or_answered, host, "/api/busy")
        wait_until(lambda: host.log().count("Executing 'Functions.busy'") == 2)
        os.kill(host.child.pid, signal.SIGTERM)
        wait_until(lambda: host.child.returncode is not None)
        assert host.child.returncode == 0


def test_second_signal_ends_the_host_at_once(host: RunningHost):
    with ThreadPoolExecutor() as pool:
        pool.submit(cut_or_answered, host, "/api/wait/long")
        wait_until(lambda: "Executing 'Functions.wait'" in host.log())
        os.kill(host.child.pid, signal.SIGINT)
        wait_until(lambda: "Stopping." in host.log(), every_s=0.005)
        os.kill(host.child.pid, signal.SIGINT)
        wait_until(lambda: host.child.returncode is not None)
        # The first signal alone waits a second for the function, and says at last that it has stopped.
        assert (host.child.returncode, "Stopped" in host.log()) == (0, False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_process_that_a_worker_has_started_ends_with_the_host(host: RunningHost, number: int):
    child = int(host.get("/api/spawn").body.split()[1])
    os.kill(host.child.pid, number)
    assert wait_until(lambda: not is_alive(child))


def test_process_that_a_worker_has_started_ends_with_the_worker(host: RunningHost):
    worker, child = map(int, host.get("/api/spawn").body.split())
    os.kill(worker, signal.SIGKILL)
    assert wait_until(lambda: not is_alive(child))


def test_worker_that_is_still_importing_ends_with_a_killed_host(tmp_path: Path):
    code = "import os, time\nprint('importing', os.getpid(), flush=True)\ntime.sleep(600)"
    with Supervisor(tmp_path / "logs") as supervisor:
        command = host_command(write_app(tmp_path / "app", code), arguments=["--workers", "2"])
        child = supervisor.start("host", command)
        worker = int(child.wait_for_line(r"importing (\d+)", timeout_s=60)[1])
        os.kill(child.pid, signal.SIGKILL)
        assert wait_until(lambda: not is_alive(worker))


def test_app_that_cannot_be_loaded_shows_its_traceback_once_and_the_cure(tmp_path: Path):
    root = write_app(tmp_path / "app", "import no_such_package_here")
    code, output = run_host_to_its_end(root, log_dir=tmp_path / "logs", arguments=["--workers", "2"])
    assert (code, output.count("Traceback"), "add it to requirements.txt" in output) == (1, 1, True)


def test_app_that_ends_its_process_while_it_is_imported_is_given_up(tmp_path: Path):
    root = write_app(tmp_path / "app", "import os\nos._exit(9)")
    code, output = run_host_to_its_end(root, log_dir=tmp_path / "logs", arguments=["--workers", "2"])
    assert (code, "Worker processes have failed 6 times" in output, "exit code 9" in output) == (1, True, True)


def test_setting_of_the_app_chooses_the_number_of_workers(tmp_path: Path, made_dir: Path):
    settings = {"FUNCTIONS_WORKER_PROCESS_COUNT": "2"}
    command = host_command(write_app(tmp_path / "app", CODE, settings=settings))
    with Supervisor(tmp_path / "logs") as supervisor:
        child = supervisor.start("host", command, env={"MADE_DIR": str(made_dir)})
        text = "is ready"
        child.wait_until(lambda: child.log_path.read_text().count(text) == 2, timeout_s=60, what="two workers")


@pytest.mark.parametrize("text", ["0", "11", "two", "-1", "²"])
def test_setting_that_is_no_number_from_1_to_10_is_refused_with_the_cure(tmp_path: Path, text: str):
    root = write_app(tmp_path / "app", "app = func.FunctionApp()", settings={"FUNCTIONS_WORKER_PROCESS_COUNT": text})
    code, output = run_host_to_its_end(root, log_dir=tmp_path / "logs")
    sentence = f"FUNCTIONS_WORKER_PROCESS_COUNT is '{text}'; set it to a whole number from 1 to 10, or remove it."
    assert (code, sentence in output) == (1, True)


@pytest.mark.parametrize("text", ["0", "11", "two"])
def test_flag_that_is_no_number_from_1_to_10_is_a_wrong_argument(tmp_path: Path, text: str):
    command = [sys.executable, "-m", "devhost", "start", "--script-root", str(tmp_path), "--workers", text]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, f"'{text}' is not a whole number from 1 to 10" in ended.stderr) == (3, True)
