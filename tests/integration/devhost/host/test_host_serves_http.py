from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.helpers.host_process import RunningHost, running_host
from tests.helpers.processes import wait_until
from tests.helpers.tiny_apps import write_app

CODE = """
    import logging, os, sys, threading
    import neighbour

    seen_at_import = {name: os.environ.get(name) for name in (
        "AZURE_FUNCTIONS_ENVIRONMENT", "FUNCTIONS_CORETOOLS_ENVIRONMENT", "WEBSITE_HOSTNAME", "FROM_FILE")}
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("echo/{id:int}", methods=["GET", "POST"])
    def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        import json
        return func.HttpResponse(json.dumps({
            "method": req.method, "url": req.url, "params": dict(req.params), "route": dict(req.route_params),
            "body": req.get_body().decode(), "function": context.function_name, "header": req.headers.get("x-a"),
        }), mimetype="application/json")

    @app.route("settings")
    async def settings(req: func.HttpRequest) -> str:
        return ";".join(f"{name}={value}" for name, value in sorted(seen_at_import.items()))

    @app.route("place")
    async def place(req):
        return f"{os.getcwd()}|{neighbour.WORD}|{threading.current_thread().name}|{sys.path[-2:]}"

    @app.route("boom")
    def boom(req):
        raise ValueError("nobody told the caller")

    @app.route("leave")
    async def leave(req):
        sys.exit(7)

    @app.route("leave_thread")
    def leave_thread(req):
        sys.exit(7)

    @app.route("nothing")
    def nothing(req):
        return None

    @app.route("out", binding_arg_name="answer")
    def out(req: func.HttpRequest, answer: func.Out[func.HttpResponse]) -> None:
        answer.set(func.HttpResponse("set", status_code=201))

    @app.route("text_request")
    def text_request(req: str):
        return "never"

    @app.route("off")
    def off(req):
        return "still here"

    @app.route("typed/{kind}")
    def typed(req):
        given = {"given": {"Content-Type": "application/xml"}, "none": {}}[req.route_params["kind"]]
        return func.HttpResponse(status_code=204 if given else 200, headers=given)

    @app.route("odd_header")
    def odd_header(req):
        return func.HttpResponse("x", headers={"X N": "1"})

    @app.route("switching")
    def switching(req):
        return func.HttpResponse("x", status_code=101)

    @app.timer_trigger("timer", schedule="0 0 0 1 1 *")
    def off_timer(timer: func.TimerRequest):
        logging.info("disabled timer ran, past due: %s", timer.past_due)

    @app.timer_trigger("timer", schedule="%WHEN%")
    def by_hand(timer: func.TimerRequest):
        logging.info("timer ran, past due: %s", timer.past_due)

    @app.timer_trigger("timer", schedule="0 0 0 1 1 *")
    def as_text(timer: str):
        logging.info("timer text: %s", timer)

    @app.timer_trigger("timer", schedule="0 0 0 1 1 *")
    def returns_one(timer):
        return 1

    @app.timer_trigger("timer", schedule="%MISSING%")
    def unresolved(timer):
        raise AssertionError
"""
BODY_LIMIT = 200_000


@pytest.fixture(scope="module", params=[1, 2], ids=["in the host", "two workers"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    root = tmp_path_factory.mktemp("http") / "app"
    settings = {"WHEN": "0 0 0 1 1 *", "FROM_FILE": "yes", "AzureWebJobs.off.Disabled": "true"}
    settings["AzureWebJobs.off_timer.Disabled"] = "true"
    write_app(root, CODE, settings=settings)
    (root / "neighbour.py").write_text("WORD = 'mine'\n")
    with running_host(
        root, env={"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": str(BODY_LIMIT)}, workers=request.param
    ) as running:
        yield running


def expect_logged(host: RunningHost, text: str) -> None:
    wait_until(lambda: text in host.log())


def test_request_reaches_the_function(host: RunningHost):
    answer = host.call("POST", "/API/echo/7/?a=1&A=2&b=", body="text", headers={"X-A": "h"})
    assert answer.json() == {
        "method": "POST",
        "url": f"{host.url}/API/echo/7/?a=1&A=2&b=",
        "params": {"a": "1,2"},
        "route": {"id": "7"},
        "body": "text",
        "function": "echo",
        "header": "h",
    }


def test_content_type_of_the_response_is_kept(host: RunningHost):
    assert host.get("/api/echo/7").headers["Content-Type"] == "application/json"


@pytest.mark.row("host/2.1/constraint-failed")
def test_failed_constraint_is_404(host: RunningHost):
    assert host.get("/api/echo/x").status == 404


@pytest.mark.row("host/2.3/wrong-method", "host/2.3/options")
@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH"])
def test_wrong_method_is_404_with_an_empty_body(host: RunningHost, method: str):
    answer = host.call(method, "/api/echo/7")
    assert (answer.status, answer.headers["Content-Length"], answer.headers["Content-Type"]) == (404, "0", None)


@pytest.mark.row("host/2.3/head")
def test_head_is_not_implied_by_get(host: RunningHost):
    assert host.call("HEAD", "/api/echo/7").status == 404


def exchange(host: RunningHost, sent: bytes) -> bytes:
    """Everything that comes back until the host closes the connection."""
    own = urlsplit(host.url)
    with socket.create_connection((own.hostname or "", own.port or 0), timeout=10) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.row("host/2.4/body-chunked")
def test_chunked_body_arrives_empty(host: RunningHost):
    received = exchange(
        host,
        b"POST /api/echo/7 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        b"4\r\ntext\r\n0\r\n\r\n",
    )
    assert b'"body": ""' in received


@pytest.mark.parametrize("line", [b"OPTIONS *", b"CONNECT example.org:443"])
def test_target_that_is_no_path_is_404_with_an_empty_body(host: RunningHost, line: bytes):
    received = exchange(host, line + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    head, _, body = received.partition(b"\r\n\r\n")
    assert (head.startswith(b"HTTP/1.1 404 "), b"content-type" in head.lower(), body) == (True, False, b"")


def test_connect_does_not_keep_its_connection(host: RunningHost):
    received = exchange(host, b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 404 ")


def test_absolute_target_reaches_the_function_as_its_url(host: RunningHost):
    received = exchange(host, b"GET http://x:1/api/echo/7?q=1 HTTP/1.1\r\nHost: x:1\r\nConnection: close\r\n\r\n")
    assert b'"url": "http://x:1/api/echo/7?q=1"' in received


def test_method_that_few_know_is_served_by_a_route_without_methods(host: RunningHost):
    assert host.call("PROPFIND", "/api/off").status == 200


@pytest.mark.parametrize(
    ("kind", "content_type"), [("given", "application/xml"), ("none", "text/plain; charset=utf-8")]
)
def test_content_type_of_an_empty_response_is_kept(host: RunningHost, kind: str, content_type: str):
    answer = host.get(f"/api/typed/{kind}")
    assert (answer.headers["Content-Type"], answer.body) == (content_type, b"")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/api/odd_header", "'X N' is no valid name of a header"),
        ("/api/switching", "the status code '101' is not a number from 200 to 999"),
    ],
)
def test_response_that_cannot_be_sent_is_500_and_explained_on_the_console(host: RunningHost, path: str, reason: str):
    answer = host.get(path)
    assert (answer.status, answer.body) == (500, b"")
    expect_logged(host, reason)


@pytest.mark.row("host/2.3/body-limit")
def test_body_at_the_limit_is_accepted(host: RunningHost):
    assert len(host.call("POST", "/api/echo/7", body="x" * BODY_LIMIT).json()["body"]) == BODY_LIMIT


@pytest.mark.row("host/2.3/body-limit")
def test_body_over_the_limit_is_413(host: RunningHost):
    assert host.call("POST", "/api/echo/7", body="x" * (BODY_LIMIT + 1)).status == 413


@pytest.mark.row("host/2.3/exception", "host/2.6/exception")
def test_exception_is_500_with_an_empty_body(host: RunningHost):
    answer = host.get("/api/boom")
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (500, b"", None)


@pytest.mark.row("host/2.6/exception-log")
def test_exception_is_on_the_console_with_its_place(host: RunningHost):
    host.get("/api/boom")
    expect_logged(host, 'raise ValueError("nobody told the caller")')


@pytest.mark.row("host/1.6/executing")
def test_runs_are_announced_and_closed(host: RunningHost):
    host.get("/api/boom")
    expect_logged(host, "Executed 'Functions.boom' (Failed, Id=")


@pytest.mark.parametrize("path", ["/api/leave", "/api/leave_thread"])
def test_function_that_leaves_does_not_take_the_host_along(host: RunningHost, path: str):
    host.get(path)
    assert host.get("/api/echo/7").status == 200


@pytest.mark.row("host/2.3/unencodable")
def test_none_as_result_is_500(host: RunningHost):
    assert host.get("/api/nothing").status == 500


@pytest.mark.row("host/2.5/unencodable")
def test_none_as_result_is_explained_on_the_console(host: RunningHost):
    host.get("/api/nothing")
    expect_logged(host, 'unable to encode outgoing TypedData: unsupported type "http" for Python type "NoneType"')


def test_out_binding_answers(host: RunningHost):
    answer = host.get("/api/out")
    assert (answer.status, answer.body) == (201, b"set")


@pytest.mark.row("host/1.3/raw-text")
def test_request_annotated_as_text_loads_and_fails_when_called(host: RunningHost):
    assert host.get("/api/text_request").status == 500


@pytest.mark.row("host/1.1/settings-first")
def test_settings_are_there_when_the_app_is_imported(host: RunningHost):
    port = urlsplit(host.url).port
    assert host.get("/api/settings").body.decode() == (
        "AZURE_FUNCTIONS_ENVIRONMENT=Development;FROM_FILE=yes;"
        f"FUNCTIONS_CORETOOLS_ENVIRONMENT=true;WEBSITE_HOSTNAME=localhost:{port}"
    )


def test_app_runs_in_its_own_folder_and_off_the_hosts_loop(host: RunningHost):
    folder, word, thread, _ = host.get("/api/place").body.decode().split("|")
    assert (Path(folder).name, word, thread) == ("app", "mine", "function-loop")


@pytest.mark.row("host/1.5/disabled-http-local")
def test_disabled_function_still_runs_locally(host: RunningHost):
    assert host.get("/api/off").body == b"still here"


@pytest.mark.row("host/1.5/disabled")
def test_disabled_function_is_listed_as_such(host: RunningHost):
    assert "off is disabled." in host.log()


@pytest.mark.row("host/1.5/unresolved-setting", "host/1.5/message", "host/1.1/bad-ones-dropped")
def test_function_with_a_missing_setting_is_left_out_by_name(host: RunningHost):
    assert "The 'unresolved' function is in error: '%MISSING%' does not resolve" in host.log()


@pytest.mark.row("host/2.3/home-page")
def test_home_page(host: RunningHost):
    assert (host.get("/").status, host.get("/").headers["Content-Type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.row("host/2.3/no-route")
def test_unknown_path_is_404(host: RunningHost):
    assert host.get("/nowhere").status == 404


@pytest.mark.row("host/6/run-timer")
def test_admin_runs_a_timer(host: RunningHost):
    assert host.post("/admin/functions/BY_HAND", {}).status == 202
    expect_logged(host, "timer ran, past due: False")


def test_admin_runs_a_disabled_timer(host: RunningHost):
    host.post("/admin/functions/off_timer", {})
    expect_logged(host, "disabled timer ran, past due: False")


@pytest.mark.row("host/1.3/raw-text")
def test_timer_as_text_gets_json(host: RunningHost):
    host.post("/admin/functions/as_text", {})
    expect_logged(host, 'timer text: {"Schedule"')


@pytest.mark.row("host/1.7/return-without-binding")
def test_timer_that_returns_a_value_fails(host: RunningHost):
    host.post("/admin/functions/returns_one", {})
    expect_logged(host, "function returns_one without a $return binding returned a non-None value")


@pytest.mark.row("host/6/run-input-object", "host/6/run-no-json")
@pytest.mark.parametrize(
    "body",
    [None, "text", '{"input": {}}', "[]", "[" * 100_000],
    ids=["none", "no JSON", "nested input", "no object", "nested too deep"],
)
def test_admin_refuses_a_body_that_is_no_input(host: RunningHost, body: str | None):
    assert host.call("POST", "/admin/functions/by_hand", body=body).status == 400


@pytest.mark.row("host/6/run-unknown")
def test_admin_knows_no_other_function(host: RunningHost):
    assert host.post("/admin/functions/unheard_of", {}).status == 404


@pytest.mark.row("host/6/list", "host/1.1/sorted")
def test_admin_lists_the_functions_in_name_order(host: RunningHost):
    assert [one["name"] for one in host.get("/admin/functions").json()][:4] == ["as_text", "boom", "by_hand", "echo"]


def test_admin_shows_one_function(host: RunningHost):
    found = host.get("/admin/functions/echo").json()
    assert (found["invoke_url_template"], found["isDisabled"]) == (f"{host.url}/api/echo/{{id:int}}", False)


@pytest.mark.row("host/6/status")
def test_admin_names_the_fault_of_a_function_that_was_left_out(host: RunningHost):
    assert "%MISSING%" in host.get("/admin/functions/unresolved/status").json()["errors"][0]


@pytest.mark.row("host/6/status")
def test_admin_has_no_fault_for_a_good_function(host: RunningHost):
    assert host.get("/admin/functions/echo/status").json() == {}


def test_host_status_is_running(host: RunningHost):
    assert host.get("/admin/host/status").json()["state"] == "Running"


@pytest.mark.row("host/6/ping")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_ping(host: RunningHost, method: str):
    assert host.call(method, "/admin/host/ping").status == 200


@pytest.mark.row("host/3/unknown-webhook")
def test_webhook_of_another_extension_is_404(host: RunningHost):
    assert host.get("/runtime/webhooks/blobs/x").status == 404


@pytest.mark.row("host/2.2/webhook-methods")
def test_webhooks_take_no_patch(host: RunningHost):
    assert host.call("PATCH", "/runtime/webhooks/durabletask/instances/x").status == 404
