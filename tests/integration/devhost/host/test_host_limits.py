"""What the host itself answers: cross-origin requests, limits, the home page, and being away."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.helpers.host_process import RunningHost, run_host_to_its_end, running_host
from tests.helpers.processes import wait_until
from tests.helpers.tiny_apps import write_app

CODE = """
    import logging, threading
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    released = threading.Event()

    @app.route("echo")
    def echo(req):
        return func.HttpResponse(req.get_body(), headers={"X-Method": req.method})

    @app.route("boom")
    def boom(req):
        raise ValueError

    @app.route("hold")
    def hold(req):
        logging.info("holding")
        released.wait(20)
        return "held"

    @app.timer_trigger("t", schedule="0 0 0 1 1 *")
    def release(t):
        released.set()

    @app.timer_trigger("t", schedule="* * * * * *")
    def tick(t):
        logging.info("tick")
"""
HOST_JSON = {"version": "2.0", "extensions": {"http": {"maxOutstandingRequests": 1}}}
PAGE = "http://localhost:3000"
BODY_LIMIT = 1000


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    root = write_app(tmp_path_factory.mktemp("limits") / "app", CODE, host_json=HOST_JSON)
    env = {"AzureWebJobsDisableHomepage": "true", "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": str(BODY_LIMIT)}
    arguments = ["--cors", f"{PAGE},http://b.example", "--cors-credentials"]
    with running_host(root, arguments=arguments, env=env) as running:
        yield running


def exchange(host: RunningHost, sent: bytes) -> bytes:
    """Everything that comes back until the host closes the connection."""
    own = urlsplit(host.url)
    with socket.create_connection((own.hostname or "", own.port or 0), timeout=10) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.row("host/2.7/preflight")
@pytest.mark.parametrize("path", ["/api/echo", "/nowhere", "/admin/host/status", "/runtime/webhooks/durabletask/x"])
def test_preflight_is_answered_before_routing(host: RunningHost, path: str):
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-a"}
    answer = host.call("OPTIONS", path, headers=asked)
    assert (answer.status, answer.body, answer.headers["Access-Control-Allow-Methods"]) == (204, b"", "PUT")


@pytest.mark.row("host/2.7/origins", "host/2.7/credentials")
@pytest.mark.parametrize(("path", "status"), [("/api/echo", 200), ("/api/boom", 500), ("/nowhere", 404)])
def test_every_answer_tells_the_browser_that_the_page_may_read_it(host: RunningHost, path: str, status: int):
    answer = host.call("GET", path, headers={"Origin": PAGE})
    names = ("Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Vary")
    assert (answer.status, *(answer.headers[name] for name in names)) == (status, PAGE, "true", "Origin")


def test_page_of_another_origin_gets_an_answer_that_its_browser_keeps_from_it(host: RunningHost):
    answer = host.call("GET", "/api/echo", headers={"Origin": "http://evil.example"})
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, None)


def test_options_without_a_question_goes_to_the_function(host: RunningHost):
    assert host.call("OPTIONS", "/api/echo").headers["X-Method"] == "OPTIONS"


@pytest.mark.row("host/2.7/origins")
def test_origins_of_local_settings_are_obeyed(tmp_path):
    root = write_app(tmp_path / "app", CODE)
    settings = {"IsEncrypted": False, "Host": {"CORS": "*"}}
    (root / "local.settings.json").write_text(json.dumps(settings))
    with running_host(root) as running:
        answer = running.call("GET", "/api/echo", headers={"Origin": "http://any.example"})
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_any_origin_with_credentials_ends_the_start(tmp_path):
    root = write_app(tmp_path / "app", CODE)
    code, output = run_host_to_its_end(root, log_dir=tmp_path / "logs", arguments=["--cors", "*", "--cors-credentials"])
    assert (code, "CORS with credentials needs origins by name" in output) == (1, True)


@pytest.mark.row("host/2.7/off")
def test_without_cors_options_no_header_is_added(tmp_path):
    with running_host(write_app(tmp_path / "app", CODE)) as running:
        answer = running.call("GET", "/api/echo", headers={"Origin": PAGE})
        assert (answer.headers["Access-Control-Allow-Origin"], answer.headers["Vary"]) == (None, None)


@pytest.mark.row("host/2.3/too-many-requests")
def test_request_over_max_outstanding_requests_is_429(host: RunningHost):
    answers = []
    held = threading.Thread(target=lambda: answers.append(host.get("/api/hold")))
    held.start()
    wait_until(lambda: "holding" in host.log())
    refused = host.get("/api/echo")
    host.post("/admin/functions/release", {})
    held.join(20)
    assert (refused.status, refused.body, refused.headers["X-FUNCTION-SCALEOUT"]) == (429, b"", "1")
    assert (answers[0].status, host.get("/api/echo").status) == (200, 200)


@pytest.mark.row("host/2.3/home-page-off")
def test_switched_off_home_page_is_204(host: RunningHost):
    assert (host.get("/").status, host.get("/").body) == (204, b"")


@pytest.mark.row("host/2.2/home-last")
@pytest.mark.parametrize("method", ["HEAD", "POST"])
def test_home_page_answers_get_only(host: RunningHost, method: str):
    assert host.call(method, "/").status == 404


def test_head_of_a_route_that_serves_it_has_no_body(host: RunningHost):
    answer = host.call("HEAD", "/api/echo")
    assert (answer.status, answer.headers["X-Method"], answer.body) == (200, "HEAD", b"")


@pytest.mark.row("host/2.3/body-limit")
def test_chunked_body_over_the_limit_is_413(host: RunningHost):
    chunk = b"3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n"
    head = b"POST /api/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    assert exchange(host, head + chunk).startswith(b"HTTP/1.1 413 ")


def test_chunked_body_at_the_limit_is_accepted(host: RunningHost):
    chunk = b"3e8\r\n" + b"x" * 1000 + b"\r\n0\r\n\r\n"
    head = b"POST /api/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    assert exchange(host, head + chunk).startswith(b"HTTP/1.1 200 ")


def test_compressed_body_reaches_the_function_as_it_was_sent(host: RunningHost):
    body = gzip.compress(b"text", mtime=0)
    assert host.call("POST", "/api/echo", body=body, headers={"Content-Encoding": "gzip"}).body == body


def test_body_limit_that_is_no_number_ends_the_start(tmp_path):
    root = write_app(tmp_path / "app", CODE)
    env = {"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "10MB"}
    code, output = run_host_to_its_end(root, log_dir=tmp_path / "logs", env=env)
    assert (code, "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT is '10MB'" in output) == (1, True)


def test_method_that_no_parser_knows_is_404_with_an_empty_body(host: RunningHost):
    received = exchange(host, b"FROBNICATE /api/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    head, _, body = received.partition(b"\r\n\r\n")
    assert (b" 404 " in head.splitlines()[0], b"content-type" in head.lower(), body) == (True, False, b"")


def test_what_is_no_http_gets_an_empty_400_and_one_line_on_the_console(host: RunningHost):
    received = exchange(host, b"GET /api/echo HTTP/1.1\r\nContent-Length: many\r\n\r\n")
    head, _, body = received.partition(b"\r\n\r\n")
    wait_until(lambda: "cannot be read" in host.log())
    assert (b" 400 " in head.splitlines()[0], b"content-type" in head.lower(), body) == (True, False, b"")
    assert [line.partition("] ")[2] for line in host.log().splitlines() if "Content-Length" in line] == [
        "A request from 127.0.0.1 cannot be read: Invalid character in Content-Length"
    ]


@pytest.mark.parametrize(
    "head", [b"Content-Length: 10\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n4\r\n"], ids=["counted", "chunked"]
)
def test_caller_that_leaves_within_its_body_is_no_fault_of_the_host(host: RunningHost, head: bytes):
    own = urlsplit(host.url)
    with socket.create_connection((own.hostname or "", own.port or 0), timeout=10) as connection:
        connection.sendall(b"POST /api/echo HTTP/1.1\r\nHost: x\r\n" + head + b"ab")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
    assert (host.get("/api/echo").status, "failed inside the host" in host.log()) == (200, False)


def put_state(host: RunningHost, text: str) -> int:
    return host.call("PUT", "/admin/host/state", body=text, headers={"Content-Type": "application/json"}).status


@pytest.mark.row("host/2.3/not-running", "host/6/run-not-running", "host/6/restart")
def test_host_that_is_offline_answers_503_until_it_is_running_again(host: RunningHost):
    went = put_state(host, '"offline"')
    away, state = host.get("/api/echo"), host.get("/admin/host/status").json()["state"]
    run = host.post("/admin/functions/release", {}).status
    came = put_state(host, '"Running"')
    assert (went, away.status, away.body, state, run, came, host.get("/api/echo").status) == (
        202,
        503,
        b"Function host is not running.",
        "Offline",
        503,
        202,
        200,
    )


def test_state_that_the_host_is_in_already_changes_nothing(host: RunningHost):
    assert put_state(host, '"running"') == 200


@pytest.mark.parametrize("text", ["", "offline", '"stopped"', "{}", '"Starting"'])
def test_other_states_are_refused(host: RunningHost, text: str):
    assert put_state(host, text) == 400


@pytest.mark.row("host/6/restart")
def test_drained_host_starts_no_timer_until_it_is_resumed(host: RunningHost):
    wait_until(lambda: "] tick" in host.log())
    drained = host.call("POST", "/admin/host/drain").status
    seen = host.log().count("] tick")
    http = host.get("/api/echo").status
    resumed = host.call("POST", "/admin/host/resume")
    between = host.log().count("] tick")
    wait_until(lambda: host.log().count("] tick") > between)
    assert (drained, http, resumed.status, resumed.json(), between - seen) == (202, 200, 200, {"state": "Running"}, 0)


@pytest.mark.row("host/6/restart")
def test_restarted_host_answers_on_the_same_port_with_the_same_keys(tmp_path):
    root = write_app(tmp_path / "app", CODE)
    with running_host(root, arguments=["--enable-auth"]) as running:
        master = {"x-functions-key": json.loads((root / ".devhost" / "keys.json").read_text())["master"]}

        def instance_id() -> str:
            try:
                answer = running.call("GET", "/admin/host/status", headers=master)
            except OSError:
                return ""
            return str(answer.json()["instanceId"])

        before = instance_id()
        answer = running.call("POST", "/admin/host/restart", headers=master)
        wait_until(lambda: instance_id() not in {"", before})
        assert (answer.status, answer.body, running.get("/api/echo").status) == (202, b"", 200)
