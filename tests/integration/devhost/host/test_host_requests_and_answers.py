"""What a function sees of a request, what its result becomes, and what /admin says: over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.helpers.host_process import RunningHost, running_host
from tests.helpers.processes import wait_until
from tests.helpers.tiny_apps import write_app

row = pytest.mark.row

CODE = """
    import json, logging, os
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    def shown(value):
        return func.HttpResponse(json.dumps(value), mimetype="application/json")

    def attempt(action):
        try:
            return action()
        except Exception as error:
            return type(error).__name__

    def assign(mapping):
        mapping["a"] = "b"

    @app.route("see/{first}/{second?}")
    def see(req):
        return shown({
            "method": req.method, "url": req.url, "body": req.get_body().decode("latin-1"),
            "header": req.headers.get("x-TWICE"), "params": dict(req.params), "route": dict(req.route_params),
            "params_write": attempt(lambda: assign(req.params)),
            "route_write": attempt(lambda: assign(req.route_params)),
            "headers_write": attempt(lambda: assign(req.headers)), "json": attempt(req.get_json),
        })

    @app.route("forms")
    def forms(req):
        files = {name: [one.filename, one.read().decode()] for name, one in req.files.items()}
        return shown({"form": dict(req.form), "files": files})

    @app.route("same/{*rest}", methods=["GET"])
    def a_get(req):
        return "a_get"

    @app.route("same/item", methods=["POST"])
    def b_post(req):
        return "b_post"

    @app.route("any/{*path}")
    def zz_any(req):
        return "zz_any"

    @app.route("any/literal")
    def literal(req):
        return "literal"

    @app.route("first/literal")
    def later(req):
        return "later"

    @app.route("first/{x}")
    def early(req):
        return "early"

    @app.route("result/{kind}")
    def result(req):
        return {
            "none": lambda: None, "bytes": lambda: b"x", "dict": lambda: {"a": 1}, "int": lambda: 7, "list": lambda: [],
            "response": lambda: func.HttpResponse("text"),
            "json": lambda: func.HttpResponse("{}", mimetype="application/json"),
            "typed": lambda: func.HttpResponse("x", headers={"Content-Type": "text/css"}, mimetype="text/html"),
            "twice": lambda: func.HttpResponse("x", headers={"X-A": "1", "x-a": "2"}),
            "cookies": lambda: cookies(),
            "text": lambda: "plain",
            "description": lambda: '{"Body": "tea", "statusCode": 418, "headers": {"X-A": "1"}}',
            "object": lambda: '{"a":1}', "true": lambda: "true", "string": lambda: '"abc"', "null": lambda: "null",
        }[req.route_params["kind"]]()

    def cookies():
        answer = func.HttpResponse("x")
        answer.headers.add("Set-Cookie", "a=1; Path=/x")
        answer.headers.add("Set-Cookie", "b=2")
        return answer

    @app.route("told")
    def told(req, context: func.Context):
        return shown({
            "name": context.function_name, "folder": context.function_directory, "id": context.invocation_id,
            "trace": context.trace_context.Traceparent, "retry": context.retry_context.retry_count,
            "local": context.thread_local_storage.invocation_id, "level": logging.getLogger().level,
            "environment": {name: os.environ.get(name) for name in ("AzureWebJobsScriptRoot", "WEBSITE_HOSTNAME")},
        })

    @app.route("by_hand")
    def by_hand(req):
        return "never"

    @app.timer_trigger("t", schedule="0 0 0 1 1 *")
    def nightly(t):
        logging.info("nightly ran with %s", t.past_due)
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    root = write_app(tmp_path_factory.mktemp("rows") / "app", CODE)
    (root / "function_app.py").rename(root / "main_app.py")
    with running_host(root, env={"PYTHON_SCRIPT_FILE_NAME": "main_app.py"}) as running:
        yield running


@pytest.fixture(scope="module")
def seen(host: RunningHost) -> dict[str, Any]:
    headers = {"X-Twice": "1, 2", "Content-Type": "text/plain"}
    body = b'{"a": "\xc3\xa9"}'
    answer: dict[str, Any] = host.call(
        "PATCH", "/api/see/a%2Fb%20c?x=1&X=2&empty=&y=%20z", body=body, headers=headers
    ).json()
    return answer


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        pytest.param("method", "PATCH", marks=row("host/2.3/methods-omitted")),
        pytest.param("header", "1, 2", marks=row("host/2.4/headers")),
        pytest.param("params", {"x": "1,2", "y": " z"}, marks=row("host/2.4/params")),
        pytest.param("params_write", "TypeError", marks=row("host/2.4/params-read-only")),
        pytest.param("route", {"first": "a%2Fb c"}, marks=row("host/2.4/route-params", "host/2.1/values")),
        pytest.param("route_write", "TypeError", marks=row("host/2.4/route-params")),
        pytest.param("headers_write", "TypeError"),
        pytest.param("body", '{"a": "Ã©"}', marks=row("host/2.4/body")),
        pytest.param("json", {"a": "é"}, marks=row("host/2.4/json")),
    ],
)
def test_function_sees_the_request(seen, member, expected):
    assert seen[member] == expected


@row("host/2.4/url")
def test_url_has_the_host_header_the_path_encoded_again_and_the_raw_query(host):
    found = host.call("GET", "/api/see/a%2Fb%20c?x=1&empty=&y=%20z", headers={"Host": "example.org"}).json()
    assert found["url"] == "http://example.org/api/see/a%2Fb%20c?x=1&empty=&y=%20z"


@row("host/2.4/body", "host/2.4/json")
def test_request_without_body_has_empty_bytes_and_no_json(host):
    found = host.get("/api/see/a").json()
    assert (found["body"], found["json"]) == ("", "ValueError")


@row("host/2.1/optional")
@pytest.mark.parametrize(
    ("path", "route"), [("/api/see/a", {"first": "a"}), ("/api/see/a/b", {"first": "a", "second": "b"})]
)
def test_optional_parameter_that_is_absent_is_missing(host, path, route):
    assert host.get(path).json()["route"] == route


@row("host/2.4/forms")
def test_urlencoded_form_is_read(host):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert host.call("POST", "/api/forms", body="a=1&b=x+y", headers=headers).json() == {
        "form": {"a": "1", "b": "x y"},
        "files": {},
    }


@row("host/2.4/forms")
def test_multipart_form_is_read_with_its_files(host):
    body = (
        '--cut\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
        '--cut\r\nContent-Disposition: form-data; name="f"; filename="f.txt"\r\n'
        "Content-Type: text/plain\r\n\r\ncontent\r\n--cut--\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=cut"}
    assert host.call("POST", "/api/forms", body=body, headers=headers).json() == {
        "form": {"a": "1"},
        "files": {"f": ["f.txt", "content"]},
    }


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        pytest.param("GET", "/api/same/item", b"a_get", marks=row("host/2.2/first-name-wins")),
        pytest.param("POST", "/api/same/item", b"b_post", marks=row("host/2.3/next-route")),
        pytest.param("GET", "/api/first/literal", b"early", marks=row("host/2.2/first-name-wins")),
        pytest.param("GET", "/api/any/literal", b"literal", marks=row("host/2.2/last-name-hides-nothing")),
        pytest.param("GET", "/api/any/other/x", b"zz_any", marks=row("host/2.2/last-name-hides-nothing")),
    ],
)
def test_first_matching_function_in_name_order_answers(host, method, path, expected):
    assert host.call(method, path).body == expected


TEXT = "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        pytest.param("response", (200, TEXT, b"text"), marks=row("host/2.5/response")),
        pytest.param("json", (200, "application/json", b"{}"), marks=row("host/2.5/response-json")),
        pytest.param("typed", (200, "text/css", b"x"), marks=row("host/2.5/response-content-type")),
        pytest.param("text", (200, TEXT, b"plain"), marks=row("host/2.5/text")),
        pytest.param("description", (418, TEXT, b"tea"), marks=row("host/2.5/text-response-object")),
        pytest.param("object", (200, TEXT, b'{\n  "a": 1\n}'), marks=row("host/2.5/text-json")),
        pytest.param("true", (200, TEXT, b"True"), marks=row("host/2.5/text-json")),
        pytest.param("string", (200, TEXT, b"abc"), marks=row("host/2.5/text-json")),
        pytest.param("null", (200, TEXT, b""), marks=row("host/2.5/text-json")),
        pytest.param("none", (500, None, b""), marks=row("host/2.5/unencodable")),
        pytest.param("bytes", (500, None, b""), marks=row("host/2.5/unencodable")),
        pytest.param("dict", (500, None, b""), marks=row("host/2.5/unencodable")),
        pytest.param("list", (500, None, b""), marks=row("host/2.5/unencodable")),
        pytest.param("int", (500, None, b""), marks=row("host/2.5/unencodable")),
    ],
)
def test_result_becomes_an_answer(host, kind, expected):
    answer = host.get(f"/api/result/{kind}")
    assert (answer.status, answer.headers["Content-Type"], answer.body) == expected


@row("host/2.5/response-headers")
@pytest.mark.parametrize(
    ("kind", "header", "values"), [("twice", "X-A", ["2"]), ("cookies", "Set-Cookie", ["a=1; path=/x", "b=2; path=/"])]
)
def test_last_of_equal_headers_survives_except_cookies(host, kind, header, values):
    assert host.get(f"/api/result/{kind}").headers.get_all(header) == values


@row("host/1.7/context")
def test_context_tells_the_run(host):
    told = host.get("/api/told").json()
    assert (told["name"], told["folder"].rpartition("/")[2], told["trace"], told["retry"]) == ("told", "app", "", 0)
    assert (len(told["id"]), told["local"]) == (36, told["id"])


@row("host/1.7/log-level")
def test_root_logger_of_the_app_is_at_information(host):
    assert host.get("/api/told").json()["level"] == 20


@row("host/1.7/log-level")
def test_root_logger_of_the_app_is_at_debug_when_asked_for(tmp_path):
    with running_host(write_app(tmp_path / "app", CODE), env={"PYTHON_ENABLE_DEBUG_LOGGING": "1"}) as running:
        assert running.get("/api/told").json()["level"] == 10


def test_app_knows_its_folder_and_address_from_the_environment(host):
    found = host.get("/api/told").json()
    assert found["environment"] == {
        "AzureWebJobsScriptRoot": found["folder"],
        "WEBSITE_HOSTNAME": host.url.removeprefix("http://"),
    }


@row("host/6/run", "host/6/run-timer")
@pytest.mark.parametrize("body", ['{"input": "text"}', '{"INPUT": "text"}', '{"input": null}'])
def test_run_over_admin_is_accepted_with_an_empty_answer(host, body):
    before = host.log().count("nightly ran with False")
    answer = host.call("POST", "/admin/functions/nightly", body=body)
    wait_until(lambda: host.log().count("nightly ran with False") > before)
    assert (answer.status, answer.body) == (202, b"")


@row("host/6/run-empty-object")
def test_run_with_an_empty_object_is_accepted(host):
    assert host.post("/admin/functions/nightly", {}).status == 202


@row("host/6/run-http")
def test_run_of_an_http_function_is_accepted_and_fails_inside(host):
    status = host.post("/admin/functions/by_hand", {"input": "x"}).status
    wait_until(lambda: "Executed 'Functions.by_hand' (Failed" in host.log())
    assert status == 202


@row("host/6/one")
def test_description_of_a_function_names_the_real_script(host):
    assert host.get("/admin/functions/NIGHTLY").json() == {
        "name": "nightly",
        "script_root_path_href": f"{host.url}/admin/vfs/",
        "script_href": f"{host.url}/admin/vfs/main_app.py",
        "config_href": None,
        "test_data_href": None,
        "href": f"{host.url}/admin/functions/nightly",
        "invoke_url_template": None,
        "language": "python",
        "config": {
            "name": "nightly",
            "scriptFile": "main_app.py",
            "entryPoint": "nightly",
            "language": "python",
            "functionDirectory": None,
            "bindings": [{"direction": "IN", "type": "timerTrigger", "name": "t", "schedule": "0 0 0 1 1 *"}],
        },
        "files": None,
        "test_data": None,
        "isDisabled": False,
        "isDirect": True,
        "isProxy": False,
    }


@row("host/6/host-status")
def test_status_of_the_host_has_every_field(host):
    found = host.get("/admin/host/status").json()
    assert list(found) == [
        "id",
        "state",
        "version",
        "versionDetails",
        "instanceId",
        "computerName",
        "processUptime",
        "errors",
        "extensionBundle",
    ]
    assert (found["state"], found["version"][:2], found["errors"], found["processUptime"] > 0) == (
        "Running",
        "4.",
        [],
        True,
    )


@row("host/2.2/admin-first")
def test_admin_and_webhooks_come_before_function_routes(tmp_path):
    code = """
    app = func.FunctionApp(http_auth_level="ANONYMOUS")
    @app.route("{*rest}")
    def everything(req):
        return "mine"
    """
    host_json = {"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}
    with running_host(write_app(tmp_path / "app", code, host_json=host_json)) as running:
        paths = ("/", "/x", "/admin/x", "/runtime/webhooks/durabletask/instances", "/runtime/x")
        assert [running.get(path).body for path in paths] == [b"mine", b"mine", b"", b"[]", b"mine"]


@row("host/2.3/failed-function")
def test_path_is_routed_without_its_dot_segments(host):
    found = host.get("/nowhere/../api/any/./literal/%2e%2e/../first/literal")
    assert (found.status, found.body) == (host.get("/api/first/literal").status, host.get("/api/first/literal").body)
    assert host.get("/api/../admin/host/ping").status == 200


def test_function_that_the_host_refuses_is_404(tmp_path):
    code = """
    app = func.FunctionApp(http_auth_level="ANONYMOUS")
    @app.function_name("1st")
    @app.route("first")
    def first(req):
        return "x"
    """
    with running_host(write_app(tmp_path / "app", code)) as running:
        answer = running.get("/api/first")
        assert (answer.status, answer.body, "The '1st' function is in error" in running.log()) == (404, b"", True)
        assert json.loads(running.get("/admin/functions").body) == []
