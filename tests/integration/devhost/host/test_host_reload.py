"""A host that starts again when a file of the app changes: same process, same port, nothing left of the old modules."""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.helpers.host_process import RunningHost, run_host_to_its_end, running_host
from tests.helpers.processes import is_alive, wait_until
from tests.helpers.tiny_apps import write_app

CODE = """
    import os
    import azure.durable_functions as df
    import neighbour

    app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    visits = []

    @app.route("answer")
    def answer(req: func.HttpRequest) -> str:
        return "first"

    @app.route("word")
    def word(req: func.HttpRequest) -> str:
        return neighbour.WORD

    @app.route("setting")
    def setting(req: func.HttpRequest) -> str:
        return str(os.environ.get("FROM_FILE"))

    @app.route("visits")
    def count(req: func.HttpRequest) -> str:
        visits.append(1)
        return f"visit {len(visits)}"

    @app.orchestration_trigger(context_name="context")
    def waits(context):
        first = yield context.call_activity("echo", "before")
        word = yield context.wait_for_external_event("go")
        return [first, word, (yield context.call_activity("echo", "after"))]

    @app.activity_trigger(input_name="text")
    def echo(text: str) -> str:
        return f"first {text}"
"""
WEBHOOKS = "/runtime/webhooks/durabletask"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = write_app(tmp_path / "app", CODE, settings={"FROM_FILE": "one"})
    (folder / "neighbour.py").write_text("WORD = 'one'\n")
    return folder


@pytest.fixture
def host(root: Path) -> Iterator[RunningHost]:
    with running_host(root, reload=True) as running:
        yield running


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def starts(host: RunningHost) -> int:
    """How often the host has come up."""
    return host.log().count("Listening on ")


def wait_for_start(host: RunningHost, number: int) -> None:
    wait_until(lambda: starts(host) >= number)


@pytest.mark.parametrize("workers", [1, 2])
def test_changed_route_answers_on_the_same_port_from_the_same_process(root: Path, workers: int):
    with running_host(root, reload=True, workers=workers) as host:
        change(root / "function_app.py", '"first"', '"second"')
        wait_for_start(host, 2)
        seen = (host.get("/api/answer").body, host.child.returncode, "Changed: function_app.py." in host.log())
        assert seen == (b"second", None, True)


def test_module_state_is_gone_after_a_reload(root: Path, host: RunningHost):
    assert [host.get("/api/visits").body for _ in range(2)] == [b"visit 1", b"visit 2"]
    change(root / "neighbour.py", "one", "two")
    wait_until(lambda: host.get("/api/word").body == b"two")
    assert host.get("/api/visits").body == b"visit 1"


def test_quick_saves_of_the_same_size_are_each_seen(root: Path, host: RunningHost):
    for word in ("two", "six", "ten"):
        (root / "neighbour.py").write_text(f"WORD = '{word}'\n")
        assert wait_until(lambda word=word: host.get("/api/word").body == word.encode())


def test_requests_are_answered_throughout_a_reload(root: Path, host: RunningHost):
    stop = []

    def ask_all_the_time() -> set[int]:
        statuses = set()
        while not stop:
            statuses.add(host.get("/api/answer").status)
        return statuses

    with ThreadPoolExecutor() as pool:
        asking = pool.submit(ask_all_the_time)
        change(root / "function_app.py", '"first"', '"second"')
        wait_until(lambda: host.get("/api/answer").body == b"second")
        stop.append(True)
        assert asking.result() == {200}


def test_changed_settings_are_read_again(root: Path, host: RunningHost):
    change(root / "local.settings.json", '"one"', '"two"')
    assert wait_until(lambda: host.get("/api/setting").body == b"two")


def test_changed_host_json_is_read_again(root: Path, host: RunningHost):
    (root / "host.json").write_text('{"version": "2.0", "extensions": {"http": {"routePrefix": "v2"}}}')
    assert wait_until(lambda: host.get("/v2/answer").body == b"first")


@pytest.mark.parametrize("name", ["words.txt", "shared/deep/words.bin", "../beside/words.txt"])
def test_file_that_host_json_names_counts(root: Path, name: str):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("one")
    (root / "host.json").write_text(
        '{"version": "2.0", "watchFiles": ["words.txt"], "watchDirectories": ["shared", "../beside"]}'
    )
    with running_host(root, reload=True) as host:
        path.write_text("two")
        wait_for_start(host, 2)


def test_module_in_a_new_folder_counts(root: Path, host: RunningHost):
    (root / "package").mkdir()
    (root / "package" / "inner.py").write_text("WORD = 'new'\n")
    wait_for_start(host, 2)
    (root / "package" / "inner.py").write_text("WORD = 'newer'\n")
    wait_for_start(host, 3)


def test_files_of_tools_do_not_count(root: Path, host: RunningHost):
    for folder in (".venv/lib", "node_modules/x", "__pycache__", ".git", ".devhost", ".pytest_cache"):
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / "module.py").write_text("")
    (root / "notes.txt").write_text("")
    change(root / "neighbour.py", "one", "two")
    wait_for_start(host, 2)
    assert re.findall(r"Changed: (.*)", host.log()) == ["neighbour.py. The host starts again."]


@pytest.mark.parametrize("workers", [1, 2])
def test_broken_file_is_503_until_it_is_mended(root: Path, workers: int):
    with running_host(root, reload=True, workers=workers) as host:
        good = (root / "function_app.py").read_text()
        (root / "function_app.py").write_text("raise ValueError('half done')")
        wait_until(lambda: host.get("/api/answer").status == 503)
        answer = host.get("/anything")
        (root / "function_app.py").write_text(good.replace('"first"', '"second"'))
        wait_until(lambda: host.get("/api/answer").body == b"second")
        assert (answer.status, answer.body) == (503, b"Function host is not running.")
        assert ("ValueError: half done" in host.log(), host.child.returncode) == (True, None)


def test_broken_host_json_is_503_until_it_is_mended(root: Path, host: RunningHost):
    (root / "host.json").write_text("{")
    wait_until(lambda: host.get("/api/answer").status == 503)
    (root / "host.json").write_text('{"version": "2.0"}')
    assert wait_until(lambda: host.get("/api/answer").status == 200)


def test_host_that_waits_for_a_cure_ends_with_0_when_told(root: Path, host: RunningHost):
    (root / "function_app.py").write_text("no python")
    wait_until(lambda: host.get("/api/answer").status == 503)
    os.kill(host.child.pid, signal.SIGTERM)
    wait_until(lambda: host.child.returncode is not None)
    assert host.child.returncode == 0


def test_first_start_that_fails_without_a_terminal_ends_with_1(tmp_path: Path):
    root = write_app(tmp_path / "app", "no python")
    code, _ = run_host_to_its_end(root, log_dir=tmp_path / "logs")
    assert code == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_running_orchestration_goes_on_after_a_reload(root: Path, workers: int):
    with running_host(root, reload=True, workers=workers) as host:
        host.post(f"{WEBHOOKS}/orchestrators/waits/one")
        one = f"{WEBHOOKS}/instances/one"
        wait_until(lambda: "TaskCompleted" in str(host.get(f"{one}?showHistory=true").body))
        change(root / "function_app.py", 'f"first {text}"', 'f"second {text}"')
        wait_for_start(host, 2)
        host.post(f"{one}/raiseEvent/go", "now")
        answer = wait_until(lambda: host.get(one).status == 200 and host.get(one).json())
        assert answer["output"] == ["first before", "now", "second after"]


@pytest.mark.parametrize("workers", [1, 2])
def test_restart_over_admin_loads_the_app_again(root: Path, workers: int):
    with running_host(root, workers=workers) as host:
        (root / "neighbour.py").write_text("WORD = 'another'\n")
        assert host.post("/admin/host/restart").status == 202
        wait_until(lambda: host.get("/api/word").body == b"another")


def test_changed_file_is_left_alone_without_reload(root: Path):
    with running_host(root) as host:
        change(root / "function_app.py", '"first"', '"second"')
        host.post("/admin/host/restart")
        wait_until(lambda: host.get("/api/answer").body == b"second")
        assert (starts(host), "Changed:" in host.log()) == (2, False)


def test_second_host_on_the_state_folder_is_refused_after_a_reload(root: Path, host: RunningHost):
    change(root / "neighbour.py", "one", "two")
    wait_for_start(host, 2)
    code, output = run_host_to_its_end(root, log_dir=root.parent / "logs")
    assert (code, f"in use by another host (process {host.child.pid})" in output) == (1, True)


def test_port_is_taken_throughout_a_reload(root: Path, host: RunningHost):
    port = urlsplit(host.url).port or 0
    change(root / "neighbour.py", "one", "two")
    assert wait_until(lambda: is_taken(port) and starts(host) == 2)


@pytest.mark.parametrize("address", ["localhost", "127.1", "0.0.0.0"])
def test_port_stays_however_the_address_is_written(root: Path, address: str):
    with running_host(root, reload=True, arguments=["--address", address]) as host:
        port = urlsplit(host.url).port or 0
        change(root / "neighbour.py", "one", "two")
        assert wait_until(lambda: is_taken(port) and starts(host) == 2)


def is_taken(port: int) -> bool:
    """True; raises an OSError if nobody listens."""
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        return True


def test_signal_during_a_reload_ends_the_host_with_0(root: Path, host: RunningHost):
    change(root / "neighbour.py", "one", "two")
    wait_until(lambda: "The host starts again" in host.log())
    os.kill(host.child.pid, signal.SIGTERM)
    wait_until(lambda: host.child.returncode is not None)
    assert host.child.returncode == 0


def test_old_workers_end_with_the_reload(root: Path):
    with running_host(root, reload=True, workers=2) as host:
        pattern = r"Worker process (\d+) is ready"
        wait_until(lambda: len(re.findall(pattern, host.log())) == 2)
        old = [int(pid) for pid in re.findall(pattern, host.log())]
        change(root / "neighbour.py", "one", "two")
        wait_for_start(host, 2)
        assert [is_alive(pid) for pid in old] == [False, False]
