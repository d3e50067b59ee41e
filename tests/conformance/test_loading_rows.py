"""Rows of host/1 that a caller of a running host can see: what is loaded, what is left out, how functions run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conformance.conftest import WORKERS
from tests.conformance.http_app_client import HttpApp
from tests.helpers.host_process import run_host_to_its_end
from tests.helpers.tiny_apps import write_app

row = pytest.mark.row

APP = "app = func.FunctionApp()\n"
GOOD = APP + "@app.route('a')\ndef a(req): ...\n"


@row("host/1.1/one-import")
def test_the_script_is_imported_once_in_each_worker_process(http: HttpApp) -> None:
    imports = http.noted("imports")
    assert len(imports) == len(set(imports))


@row("host/1.1/list-after-ready")
def test_the_functions_are_listed_after_the_import(http: HttpApp) -> None:
    log = http.host.log()
    assert 0 <= log.index("the app is being imported") < log.index("Functions:") < log.index("\tinspect:")


@row("host/1.1/sorted")
def test_functions_are_sorted_by_name_ignoring_case(http: HttpApp) -> None:
    names = [one["name"] for one in http.json("/admin/functions")]
    assert names == sorted(names, key=str.lower)
    assert names.index("lists_head") < names.index("Literal") < names.index("logs_in_threads")


@row("host/1.2/function-name", "host/1.2/route-default")
def test_a_function_is_named_by_function_name_and_its_route_after_it(http: HttpApp) -> None:
    assert http.host.get("/api/by_function_name").body == b"renamed"
    assert http.json("/admin/functions/renamed")["config"]["entryPoint"] == "python_name"
    assert http.json("/api/no_route") == ["no_route", {}]


@row("host/1.2/methods", "host/1.2/auth-text")
def test_methods_and_the_level_of_a_route_may_have_any_case(http: HttpApp) -> None:
    trigger = http.json("/admin/functions/any_case")["config"]["bindings"][0]
    assert (trigger["methods"], trigger["authLevel"]) == (["POST"], "FUNCTION")
    assert http.host.call("POST", "/api/upper").body == b"any case"


@row("host/1.4/none-load", "host/1.4/ends-with-1", "host/1.4/log")
def test_one_wrong_signature_keeps_the_whole_app_from_loading(tmp_path: Path) -> None:
    root = write_app(tmp_path / "app", GOOD + "@app.route('b')\ndef b(req: dict[str, int]): ...\n")
    code, output = run_host_to_its_end(root, log_dir=tmp_path / "logs")
    assert (code, "cannot load the b function" in output, "/api/a" in output) == (1, True, False)


@row("host/1.4/worker-dies")
def test_workers_that_die_at_their_start_are_given_up_after_three_failures_each(tmp_path: Path) -> None:
    imports = tmp_path / "imports"
    code = f"import os\nwith open({str(imports)!r}, 'a') as file:\n    file.write('x')\nos._exit(7)\n"
    root = write_app(tmp_path / "app", code)
    exit_code, output = run_host_to_its_end(root, log_dir=tmp_path / "logs", arguments=["--workers", "2"])
    assert (exit_code, "Worker processes have failed 6 times" in output) == (1, True)
    assert imports.read_text() == "x" * 6


@pytest.mark.parametrize(
    ("name", "path", "reason"),
    [
        pytest.param("bad_schedule", None, "every day", marks=row("host/1.5/bad-schedule", "host/4.1/neither")),
        pytest.param("no_setting", None, "%NOWHERE%", marks=row("host/1.5/unresolved-setting", "host/4.1/setting")),
        pytest.param("dup_b", None, "dup_a", marks=row("host/1.5/duplicate-route")),
        pytest.param("on_admin", "/api/administrators/x", "admin", marks=row("host/1.5/reserved-route")),
        pytest.param("host", "/api/named_host", "reserved", marks=row("host/1.5/function-name")),
        pytest.param("double_slash", "/api/leading", "api//leading", marks=row("host/2.1/leading-slash")),
    ],
)
def test_a_refused_function_is_named_and_absent_and_the_others_load(
    http: HttpApp, name: str, path: str | None, reason: str
) -> None:
    lines = [line for line in http.host.log().splitlines() if f"The '{name}' function is in error:" in line]
    assert (len(lines), reason in "".join(lines)) == (1, True)
    assert path is None or http.host.get(path).status == 404
    assert name not in [one["name"] for one in http.json("/admin/functions") if not one.get("isDisabled")]


@row("host/1.7/plain-functions")
def test_plain_functions_share_as_many_threads_as_the_setting_says(http: HttpApp) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: http.json("/api/crowd"), range(6)))
    assert (max(most for most, _ in answers), len({thread for _, thread in answers})) == (2, 2)


@row("host/1.7/async-functions")
def test_async_functions_share_one_loop_in_each_process(http: HttpApp) -> None:
    assert len({tuple(http.json("/api/loop")) for _ in range(6)}) == WORKERS


@row("host/1.7/return-without-binding")
def test_a_timer_that_returns_a_value_is_failed(http: HttpApp) -> None:
    http.host.post("/admin/functions/returns_a_value", {})
    http.expect_logged("Executed 'Functions.returns_a_value' (Failed,")


@row("host/1.7/context")
def test_the_context_tells_of_the_run(http: HttpApp) -> None:
    found = http.json("/api/context")
    assert found["name"] == "shows_context"
    assert (Path(found["directory"]).name, len(found["invocation_id"]), found["local"]) == ("app", 36, True)
    assert (found["trace"], found["retry"]) == ("TraceContext", "RetryContext")
    assert http.json("/api/context")["invocation_id"] != found["invocation_id"]


@row("host/1.7/logging-thread")
def test_a_thread_of_the_app_logs_for_the_run_that_it_is_tied_to(http: HttpApp) -> None:
    assert http.host.get("/api/thread_log").body == b"logged"
    http.expect_logged("from a loose thread")
    assert "from a tied thread" not in http.host.log()


@row("host/1.7/log-level")
def test_the_root_logger_is_at_info(http: HttpApp) -> None:
    assert http.host.get("/api/root_level").body == b"level 20"


@row("host/1.7/retry-http")
def test_a_retry_policy_on_an_http_function_does_not_count(http: HttpApp) -> None:
    assert http.host.get("/api/retried_http").status == 500
    http.expect_logged("Executed 'Functions.retried_http' (Failed")
    assert http.notes("retried_http") == ["attempt"]
