"""Rows of host/2: routes, status codes, requests and responses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.http_app_client import HttpApp
from tests.helpers.host_process import RunningHost, running_host
from tests.helpers.tiny_apps import write_app

row = pytest.mark.row

WITHOUT_PREFIX = """
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("/")
    def root(req):
        return "root"

    @app.route("/{*path}")
    def zz_any(req):
        return "any " + req.route_params.get("path", "")
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    """A host without a route prefix whose app answers every path."""
    host_json = {"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}
    with running_host(write_app(tmp_path_factory.mktemp("bare") / "app", WITHOUT_PREFIX, host_json=host_json)) as host:
        yield host


@pytest.mark.parametrize(
    ("path", "found"),
    [
        pytest.param("/no_route", None, marks=row("host/2.1/prefix")),
        pytest.param("/api/no_route", ["no_route", {}], marks=row("host/2.1/route-none", "host/2.1/prefix")),
        pytest.param("/api/empty_route", ["empty_route", {}], marks=row("host/2.1/route-none")),
        pytest.param("/api", ["slash_route", {}], marks=row("host/2.1/route-slash")),
        pytest.param("/API/some/LITERAL", ["Literal", {}], marks=row("host/2.1/literals")),
        pytest.param("/api/some/literal/", ["Literal", {}], marks=row("host/2.1/slashes")),
        pytest.param("/api/some/literal//", None, marks=row("host/2.1/slashes")),
        pytest.param("/api//some/literal", None, marks=row("host/2.1/slashes")),
        pytest.param("/api/one/a", ["one_segment", {"x": "a"}], marks=row("host/2.1/parameter")),
        pytest.param("/api/one/a/b", None, marks=row("host/2.1/parameter")),
        pytest.param("/api/one", None, marks=row("host/2.1/parameter")),
        pytest.param("/api/optional", ["optional", {}], marks=row("host/2.1/optional")),
        pytest.param("/api/optional/a", ["optional", {"x": "a"}], marks=row("host/2.1/optional")),
        pytest.param("/api/default", ["with_default", {"x": "v"}], marks=row("host/2.1/default")),
        pytest.param("/api/default/a", ["with_default", {"x": "a"}], marks=row("host/2.1/default")),
        pytest.param("/api/later/a/b", ["n_any", {"any": "a/b"}], marks=row("host/2.1/catch-all")),
        pytest.param("/api/later", ["n_any", {}], marks=row("host/2.1/catch-all")),
        pytest.param("/api/mixed/1-2", ["mixed", {"a": "1", "b": "2"}], marks=row("host/2.1/mixed")),
        pytest.param("/api/one/a%20b%2Fc%C3%A9", ["one_segment", {"x": "a b%2Fcé"}], marks=row("host/2.1/values")),
        pytest.param("/api/one/7", ["one_segment", {"x": "7"}], marks=row("host/2.1/values")),
        pytest.param("/api/order/exact", ["aaa_any", {"any": "exact"}], marks=row("host/2.2/first-name-wins")),
        pytest.param("/api/later/exact", ["m_exact", {}], marks=row("host/2.2/last-name-hides-nothing")),
    ],
)
def test_a_path_finds_its_function_and_values(http: HttpApp, path: str, found: Any) -> None:
    assert http.route(path) == found


@pytest.mark.parametrize(
    ("number", "accepted", "refused"),
    [
        pytest.param(0, "-2147483648", "2147483648", marks=row("host/2.1/constraints/int")),
        pytest.param(1, "9223372036854775807", "9223372036854775808", marks=row("host/2.1/constraints/long")),
        pytest.param(2, "TRUE", "1", marks=row("host/2.1/constraints/bool")),
        pytest.param(3, "0123456789abcdef0123456789ABCDEF", "0123", marks=row("host/2.1/constraints/guid")),
        pytest.param(4, "1.5", "1e5", marks=row("host/2.1/constraints/decimal")),
        pytest.param(5, "1e5", "x", marks=row("host/2.1/constraints/double")),
        pytest.param(6, "-1.5e2", "1f", marks=row("host/2.1/constraints/float")),
        pytest.param(7, "2026-11-03T10:00:00Z", "2026-13-01", marks=row("host/2.1/constraints/datetime")),
        pytest.param(8, "ab", "a", marks=row("host/2.1/constraints/minlength")),
        pytest.param(9, "ab", "abc", marks=row("host/2.1/constraints/maxlength")),
        pytest.param(10, "ab", "abc", marks=row("host/2.1/constraints/length")),
        pytest.param(11, "abc", "abcd", marks=row("host/2.1/constraints/length")),
        pytest.param(12, "3", "2", marks=row("host/2.1/constraints/min")),
        pytest.param(13, "3", "4", marks=row("host/2.1/constraints/max")),
        pytest.param(14, "3", "4", marks=row("host/2.1/constraints/range")),
        pytest.param(14, "1", "0", marks=row("host/2.1/constraints/range")),
        pytest.param(15, "aZ", "a1", marks=row("host/2.1/constraints/alpha")),
        pytest.param(16, "Abc", "bac", marks=row("host/2.1/constraints/regex")),
        pytest.param(17, "x", "", marks=row("host/2.1/constraints/required")),
        pytest.param(18, "a.txt", "a", marks=row("host/2.1/constraints/file")),
        pytest.param(19, "a", "a.txt", marks=row("host/2.1/constraints/file")),
        pytest.param(20, "4", "6", marks=row("host/2.1/constraints/chained")),
        pytest.param(20, "3", "x", marks=row("host/2.1/constraints/chained", "host/2.1/constraint-failed")),
    ],
)
def test_a_constraint_takes_one_value_and_not_the_other(
    http: HttpApp, number: int, accepted: str, refused: str
) -> None:
    good, bad = (http.route(f"/api/constraint/{number}/{value}") for value in (accepted, refused))
    assert (good, bad) == ([f"constraint_{number}", {"x": accepted}], None)


@row("host/2.2/admin-first")
@pytest.mark.parametrize("path", ["/admin/host/ping", "/runtime/webhooks/durabletask/instances/x", "/admin/nothing"])
def test_a_function_that_takes_every_path_gets_none_of_the_hosts_own(bare: RunningHost, path: str) -> None:
    assert not bare.get(path).body.startswith(b"any")


@row("host/2.2/home-last", "host/2.1/route-slash")
def test_a_function_at_the_root_comes_before_the_home_page(bare: RunningHost) -> None:
    assert (bare.get("/").body, bare.get("/a/b").body) == (b"root", b"any a/b")


@row("host/2.1/prefix", "host/2.1/leading-slash")
def test_a_route_with_a_leading_slash_works_without_a_prefix(bare: RunningHost) -> None:
    assert bare.get("/api/x").body == b"any api/x"


@row("host/2.2/overlap-warning")
def test_overlapping_routes_are_warned_about(http: HttpApp) -> None:
    assert "'api/order/{any}' (aaa_any) and 'api/order/exact' (zzz_exact)" in http.host.log()


@row("host/2.3/no-route", "host/2.3/failed-function")
@pytest.mark.parametrize("path", ["/api/nowhere", "/nowhere", "/api/leading"])
def test_what_is_not_there_is_404_and_empty(http: HttpApp, path: str) -> None:
    answer = http.host.get(path)
    assert (answer.status, answer.headers["Content-Length"], answer.body) == (404, "0", b"")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("PUT", "/api/methods/get", 404, marks=row("host/2.3/wrong-method")),
        pytest.param("POST", "/api/methods/get", 200, marks=row("host/2.3/next-route")),
        pytest.param("HEAD", "/api/methods/get", 404, marks=row("host/2.3/head")),
        pytest.param("HEAD", "/api/head", 200, marks=row("host/2.3/head")),
        pytest.param("OPTIONS", "/api/methods/get", 404, marks=row("host/2.3/options")),
        pytest.param("OPTIONS", "/api/head", 200, marks=row("host/2.3/options")),
        pytest.param("PATCH", "/api/methods_all", 200, marks=row("host/2.3/methods-omitted")),
        pytest.param("DELETE", "/api/methods_all", 200, marks=row("host/2.3/methods-omitted")),
    ],
)
def test_a_method_is_served_or_404(http: HttpApp, method: str, path: str, status: int) -> None:
    assert http.host.call(method, path).status == status


@row("host/2.3/home-page")
def test_the_home_page_answers_the_root(http: HttpApp) -> None:
    answer = http.host.get("/")
    assert (answer.status, answer.headers.get_content_type()) == (200, "text/html")


def inspected(http: HttpApp, path: str = "x", **more: Any) -> Any:
    return http.host.call(more.pop("method", "GET"), f"/api/inspect/{path}", **more).json()


@row("host/2.4/method")
def test_a_method_is_in_upper_case(http: HttpApp) -> None:
    assert inspected(http, method="PATCH")["method"] == "PATCH"


@row("host/2.4/url")
def test_the_url_has_the_host_header_an_encoded_slash_and_the_raw_query(http: HttpApp) -> None:
    seen = inspected(http, "a%2Fb/c%20d?x=%20&y=", headers={"Host": "example.test:81"})
    assert seen["url"] == "http://example.test:81/api/inspect/a%2Fb/c%20d?x=%20&y="


@row("host/2.4/headers")
def test_headers_are_found_in_any_case_and_repeated_ones_are_joined(http: HttpApp) -> None:
    received = http.raw(
        "GET /api/inspect/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-GIVEN: 1\r\nx-given: 2\r\n\r\n"
    )
    assert b'"x": "1,2"' in received


@row("host/2.4/params")
def test_query_parameters_merge_and_empty_ones_are_dropped(http: HttpApp) -> None:
    assert inspected(http, "x?a=1&A=2&b=&c=3&c=4")["params"] == {"a": "1,2", "c": "3,4"}


@row("host/2.4/params-read-only", "host/2.4/route-params")
def test_query_and_route_parameters_are_read_only(http: HttpApp) -> None:
    assert http.json("/api/read_only/1?a=b") == ["TypeError", "TypeError"]


@row("host/2.4/route-params")
def test_route_parameters_are_texts(http: HttpApp) -> None:
    assert inspected(http, "7")["route"] == {"rest": "7"}


@row("host/2.4/body")
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_is_its_raw_bytes_whatever_its_type(http: HttpApp, content_type: str) -> None:
    seen = inspected(http, method="POST", body=b'{"a":\xff}', headers={"Content-Type": content_type})
    assert (seen["body"], seen["kind"]) == ('{"a":\xff}', "bytes")


@row("host/2.4/body")
def test_no_body_is_no_bytes(http: HttpApp) -> None:
    seen = inspected(http)
    assert (seen["body"], seen["kind"]) == ("", "bytes")


@row("host/2.4/body-chunked")
def test_a_chunked_body_arrives_empty(http: HttpApp) -> None:
    head = "POST /api/inspect/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    assert b'"body": ""' in http.raw(f"{head}4\r\ntext\r\n0\r\n\r\n")


@row("host/2.4/json")
@pytest.mark.parametrize(("body", "read"), [('{"a": 1}', {"a": 1}), ("{", "ValueError"), ("", "ValueError")])
def test_json_is_read_whatever_the_type_and_else_raises(http: HttpApp, body: str, read: Any) -> None:
    assert http.host.call("POST", "/api/json", body=body, headers={"Content-Type": "text/plain"}).json() == read


@row("host/2.4/forms")
def test_urlencoded_and_multipart_bodies_are_read(http: HttpApp) -> None:
    encoded = {"Content-Type": "application/x-www-form-urlencoded"}
    plain = http.host.call("POST", "/api/form", body="a=1&b=x+y", headers=encoded).json()
    body = (
        '--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
        '--B\r\nContent-Disposition: form-data; name="f"; filename="f.txt"\r\n\r\ntext\r\n--B--\r\n'
    )
    parts = http.host.call("POST", "/api/form", body=body, headers={"Content-Type": "multipart/form-data; boundary=B"})
    assert plain == {"form": {"a": "1", "b": "x y"}, "files": {}}
    assert parts.json() == {"form": {"a": "1"}, "files": {"f": "text"}}


@row("host/2.5/response")
def test_a_response_is_sent_as_it_is_with_its_defaults(http: HttpApp) -> None:
    given, default = http.host.get("/api/response/given"), http.host.get("/api/response/default")
    assert (given.status, given.body, given.headers["X-A"], given.headers.get_content_type()) == (
        299,
        b"\xff",
        "1",
        "image/x",
    )
    assert (default.status, default.body, default.headers["Content-Type"]) == (
        200,
        "é".encode(),
        "text/plain; charset=utf-8",
    )


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [
        pytest.param("json", "application/json", marks=row("host/2.5/response-json")),
        pytest.param("content_type", "text/css", marks=row("host/2.5/response-content-type")),
    ],
)
def test_the_content_type_is_as_it_was_given(http: HttpApp, kind: str, content_type: str) -> None:
    assert http.host.get(f"/api/response/{kind}").headers["Content-Type"] == content_type


@row("host/2.5/response-headers", "host/2.5/set-cookie")
def test_of_equal_headers_the_last_survives_and_every_cookie(http: HttpApp) -> None:
    headers = http.host.get("/api/response/headers").headers
    assert headers.get_all("X-A") == ["2"]
    assert [one.partition(";")[0] for one in headers.get_all("Set-Cookie") or []] == ["c1=v%20w", "c2=v%20w"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param("text", b"hello", marks=row("host/2.5/text")),
        pytest.param("array", b"[\n  1\n]", marks=row("host/2.5/text-json")),
        pytest.param("true", b"True", marks=row("host/2.5/text-json")),
        pytest.param("string", b"abc", marks=row("host/2.5/text-json")),
        pytest.param("null", b"", marks=row("host/2.5/text-json")),
    ],
)
def test_a_returned_text_is_plain_text(http: HttpApp, kind: str, body: bytes) -> None:
    answer = http.host.get(f"/api/returns/{kind}")
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (200, body, "text/plain; charset=utf-8")


@row("host/2.5/text-response-object")
def test_a_returned_json_object_with_a_body_is_a_response(http: HttpApp) -> None:
    answer = http.host.get("/api/returns/object")
    assert (answer.status, answer.body, answer.headers["X-A"]) == (418, b"tea", "1")


@row("host/2.5/unencodable", "host/2.3/unencodable")
@pytest.mark.parametrize(("kind", "name"), [("none", "NoneType"), ("bytes", "bytes"), ("dict", "dict"), ("int", "int")])
def test_any_other_returned_value_is_500_and_explained(http: HttpApp, kind: str, name: str) -> None:
    answer = http.host.get(f"/api/returns/{kind}")
    assert (answer.status, answer.body) == (500, b"")
    http.expect_logged(f'unable to encode outgoing TypedData: unsupported type "http" for Python type "{name}"')


@row("host/2.3/exception", "host/2.6/exception", "host/2.6/exception-log")
def test_an_exception_is_an_empty_500_and_told_in_the_log(http: HttpApp) -> None:
    answer = http.host.get("/api/boom")
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (500, b"", None)
    http.expect_logged("Executed 'Functions.boom' (Failed, Id=")
    http.expect_logged("Exception while executing function: Functions.boom")
    http.expect_logged("Result: Failure")
    http.expect_logged("Exception: ValueError: msg of boom")
