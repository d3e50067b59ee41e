import azure.functions as func
import pytest
from azure.functions.http import HttpRequestConverter

from devhost.web.paths import decode_path, split_target, without_dot_segments
from devhost.web.request import http_datum, query_values


def request(raw_target: str = "/api/a", *, headers=(), body: bytes = b"", route_values=None) -> func.HttpRequest:
    datum = http_datum(
        method="post",
        scheme="http",
        host="localhost:7071",
        raw_target=raw_target,
        headers=headers,
        route_values=route_values or {},
        body=body,
    )
    return HttpRequestConverter.decode(datum, trigger_metadata=None)


@pytest.mark.row("host/2.4/params")
@pytest.mark.parametrize(
    ("raw_query", "values"),
    [
        ("a=&b=1", {"b": "1"}),
        ("a=1&a=2", {"a": "1,2"}),
        ("a=1&A=2", {"a": "1,2"}),
        ("a=&a=2", {"a": "2"}),
        ("a", {}),
        ("a=x+y%20z", {"a": "x y z"}),
        ("", {}),
    ],
)
def test_query_values(raw_query, values):
    assert query_values(raw_query) == values


@pytest.mark.row("host/2.4/method")
def test_method_is_upper_case():
    assert request().method == "POST"


def test_url_keeps_the_raw_query_and_an_encoded_slash():
    assert request("/api/a%2fb/%41 c?x=%20&y=").url == "http://localhost:7071/api/a%2fb/A%20c?x=%20&y="


def test_repeated_headers_are_joined():
    assert request(headers=[("X-A", "1"), ("x-a", "2")]).headers["x-A"] == "1,2"


def test_route_values_are_passed_on():
    assert dict(request(route_values={"id": "7"}).route_params) == {"id": "7"}


def test_body_is_bytes():
    assert request(body=b"\xff\x00").get_body() == b"\xff\x00"


def test_empty_body_is_not_json():
    with pytest.raises(ValueError, match="does not contain valid JSON"):
        request().get_json()


def test_path_is_decoded_except_for_slashes():
    assert decode_path("/a%20b/c%2Fd%C3%A9") == "/a b/c%2Fdé"


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        ("/api/a?b=http://x", (None, "/api/a?b=http://x")),
        ("//api/a", (None, "//api/a")),
        ("http://other:80/api/a?b=1", ("other:80", "/api/a?b=1")),
        ("HTTPS://other", ("other", "/")),
        ("http://other?b=1", ("other", "/?b=1")),
        ("*", (None, None)),
        ("other:443", (None, None)),
        ("", (None, None)),
    ],
)
def test_target_is_split_into_authority_and_path(target, parts):
    assert split_target(target) == parts


def test_url_of_an_absolute_target_is_that_target():
    assert request("http://other:81/api/a?b=1").url == "http://other:81/api/a?b=1"


@pytest.mark.parametrize(
    ("raw_path", "path"),
    [
        ("/", "/"),
        ("/api/a.b/..c/...", "/api/a.b/..c/..."),
        ("/api/a/./b", "/api/a/b"),
        ("/api/a/../b", "/api/b"),
        ("/api/a/%2E%2e/b", "/api/b"),
        ("/api/a/..", "/api/"),
        ("/api/a/.", "/api/a/"),
        ("/../../api", "/api"),
        ("/..", "/"),
        ("/a//../b", "/a/b"),
        ("/a/..%2Fb", "/a/..%2Fb"),
    ],
)
def test_path_has_no_dot_segments(raw_path, path):
    assert without_dot_segments(raw_path) == path


def test_url_has_no_dot_segments_but_in_its_query():
    assert request("/api/a/../b?next=/x/../y").url == "http://localhost:7071/api/b?next=/x/../y"
