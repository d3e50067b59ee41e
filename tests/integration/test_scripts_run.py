"""`make run` and `make demo`, as far as they need no host: settings, ports, refusals, what is shown."""

from __future__ import annotations

import re
import shlex
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts import functions_host, run, run_folder
from scripts.checkout import ROOT, file_lock
from scripts.functions_host import FunctionsHost, on_first_free_port, start_func
from scripts.http_json import Answer, Unreachable, ask
from scripts.processes import ChildFailed, Supervisor
from scripts.progress_view import LineView, progress_line
from scripts.run import needs_azurite, what_to_do_next
from tests.helpers.processes import wait_until

BOOKS = {"source": "books", "state": "scraping", "pages": 40, "loaded": 9, "failed": 1, "rows": 9}


@pytest.fixture
def free_ports(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[socket.socket, int]]:
    """A taken port as the usual one, and the number of it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(functions_host, "USUAL_PORT", taken.getsockname()[1])
        yield taken, taken.getsockname()[1]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, True),
        ({"AzureWebJobsStorage": ""}, True),
        ({"AzureWebJobsStorage": "UseDevelopmentStorage=true;"}, True),
        ({"AzureWebJobsStorage": "DefaultEndpointsProtocol=https;AccountName=mine;AccountKey=a2V5"}, False),
        ({"AzureWebJobsStorage__accountName": "mine"}, False),
        ({"AzureWebJobsStorage__accountName": ""}, True),
        ({"AzureWebJobsStorage__tableServiceUri": "https://mine.table.core.windows.net"}, False),
    ],
)
def test_azurite_is_started_only_when_no_account_is_named(settings: dict[str, str], expected: bool) -> None:
    assert needs_azurite(settings) is expected


def test_the_command_that_reads_the_rows_is_shown_with_the_storage_that_was_started() -> None:
    emulator = "AccountName=devstoreaccount1;AccountKey=a2V5;TableEndpoint=http://127.0.0.1:1/devstoreaccount1;"
    lines = what_to_do_next("http://127.0.0.1:7071", logs=Path(".run/run-1"), emulator=emulator)
    command = shlex.split(next(line for line in lines if line.startswith("tables:")))
    assert command == ["tables:", f"AzureWebJobsStorage={emulator}", ".venv/bin/python", "-m", "storage", "datasets"]


def test_every_line_of_make_run_that_the_documents_name_is_shown() -> None:
    shown = {line.split(":")[0] for line in what_to_do_next("http://x", logs=Path("x"), emulator="x")}
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    named = re.findall(r"line\s+`(\w+):`\s+that\s+`make run`", "\n".join(page.read_text("utf-8") for page in pages))
    assert named
    assert set(named) <= shown


def test_a_storage_account_of_the_user_is_not_shown() -> None:
    lines = what_to_do_next("http://127.0.0.1:7071", logs=Path(".run/run-1"), emulator=None)
    first_words = ["logs", "health", "start", "watch", "data", "Ctrl-C stops everything.", "", "dashboard"]
    assert [line.split(":")[0] for line in lines] == first_words


def test_a_taken_port_is_passed_over(supervisor: Supervisor, free_ports: tuple[socket.socket, int]) -> None:
    tried: list[int] = []

    def start(port: int) -> FunctionsHost:
        tried.append(port)
        return FunctionsHost(f"http://127.0.0.1:{port}", supervisor.start("host", [sys.executable, "-c", ""]))

    on_first_free_port(supervisor, start)
    assert tried[0] > free_ports[1]


def test_a_port_that_is_lost_to_a_faster_one_is_passed_over(supervisor: Supervisor) -> None:
    tried: list[int] = []

    def start(port: int) -> FunctionsHost:
        tried.append(port)
        child = supervisor.start("host", [sys.executable, "-c", ""])
        wait_until(lambda: child.returncode is not None)
        if len(tried) == 1:
            rival.bind(("127.0.0.1", port))
            rival.listen()
            raise ChildFailed("host", "the port is taken", "")
        return FunctionsHost(f"http://127.0.0.1:{port}", child)

    with socket.socket() as rival:
        on_first_free_port(supervisor, start)
    assert tried[1] > tried[0]
    assert len(supervisor.children) == 1


def test_a_host_that_fails_for_another_reason_is_not_tried_again(supervisor: Supervisor) -> None:
    def start(port: int) -> FunctionsHost:
        raise ChildFailed("host", "the app cannot be loaded", "")

    with pytest.raises(ChildFailed, match="cannot be loaded"):
        on_first_free_port(supervisor, start)


def test_missing_core_tools_are_named_with_the_cure(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_found(name: str) -> None:
        return None

    monkeypatch.setattr(shutil, "which", not_found)
    with pytest.raises(ChildFailed, match=r"no `func` on PATH; install .*, or leave HOST=func out"):
        start_func(supervisor, port=7071, env={})


def test_a_second_run_on_the_same_state_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "new_run_folder", lambda command: tmp_path)
    with file_lock(tmp_path / ".azurite/make-run.lock"):
        code = run.main(["--state", str(tmp_path)])
    assert code == 1
    assert "another `make run` uses the state" in capsys.readouterr().out


def test_old_run_folders_are_removed_but_not_those_of_living_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_folder, "RUN_DIR", tmp_path)
    (tmp_path / "demo-20200101T000000-1").mkdir()  # PID 1 always lives
    for second in range(6):
        (tmp_path / f"demo-20200102T00000{second}-99999999").mkdir()
    run_folder.new_run_folder("demo")
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept[:2] == ["demo-20200101T000000-1", "demo-20200102T000002-99999999"]
    assert len(kept) == 6


def test_nobody_listening_is_unreachable(free_ports: tuple[socket.socket, int]) -> None:
    taken, port = free_ports
    taken.close()
    with pytest.raises(Unreachable, match=f"no answer from http://127.0.0.1:{port}/x"):
        ask("GET", f"http://127.0.0.1:{port}/x")


def test_a_line_tells_the_state_of_every_source() -> None:
    listing = {**BOOKS, "source": "listing", "state": "planning", "pages": 0, "loaded": 0, "failed": 0, "rows": 0}
    assert progress_line([BOOKS, listing]) == (
        "  books scraping 10/40 pages, 9 rows | listing planning 0/0 pages, 0 rows"
    )


def test_off_a_terminal_lines_come_seldom_but_the_last_one_always(capsys: pytest.CaptureFixture[str]) -> None:
    view = LineView()
    view.show([BOOKS])
    view.show([{**BOOKS, "loaded": 20}])
    view.show([{**BOOKS, "loaded": 39, "rows": 39, "state": "published"}])
    assert capsys.readouterr().out.splitlines() == [
        "  books scraping 10/40 pages, 9 rows",
        "  books published 40/40 pages, 39 rows",
    ]


def test_a_port_that_is_asked_for_and_taken_is_refused_with_the_variable_that_make_takes(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    free_ports: tuple[socket.socket, int],
) -> None:
    monkeypatch.setattr(run, "new_run_folder", lambda command: ROOT / ".run" / tmp_path.name)
    assert run.main(["--state", str(tmp_path), "--port", str(free_ports[1])]) == 1
    said = capsys.readouterr()
    assert f"run failed: port {free_ports[1]} is taken; name another with PORT=" in said.err
    assert "starting" not in said.out


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(503, {"faults": {"settings": "/x/nowhere.toml: no such file"}}, ""), "settings: /x/nowhere.toml"),
        (Answer(200, {"faults": {}}, ""), None),
        (Answer(404, None, ""), None),
        (Unreachable("http://h", OSError("gone")), None),
    ],
)
def test_what_is_wrong_with_the_app_that_came_up_is_shown(
    answer: Answer | Unreachable, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(method: str, url: str) -> Answer:
        assert (method, url) == ("GET", "http://h/api/health/details")
        if isinstance(answer, Unreachable):
            raise answer
        return answer

    monkeypatch.setattr(run, "ask", asked)
    lines = run.what_is_wrong("http://h")
    assert [line.startswith(f"warning: {expected}") for line in lines] == ([True] if expected else [])
