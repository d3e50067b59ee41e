import azure.functions as func
import pytest
from azure.functions.http import HttpResponseConverter
from azure.functions.meta import Datum

from devhost.web.response import BadResult, write_response


def answer(value):
    return write_response(HttpResponseConverter.encode(value, expected_type=None), function_name="f")


def test_http_response_is_sent_as_given():
    response = answer(func.HttpResponse("é", status_code=201, headers={"X-A": "1"}))
    assert (response.status, response.body, response.headers["X-A"]) == (201, "é".encode(), "1")


def test_default_content_type_is_text_with_charset():
    assert answer(func.HttpResponse("a")).headers["Content-Type"] == "text/plain; charset=utf-8"


def test_json_mimetype_gets_no_charset():
    assert answer(func.HttpResponse("{}", mimetype="application/json")).headers["Content-Type"] == "application/json"


def test_explicit_content_type_wins():
    response = answer(func.HttpResponse("a", headers={"Content-Type": "text/css"}, mimetype="text/html"))
    assert response.headers["Content-Type"] == "text/css"


def test_last_of_equal_header_names_survives():
    given = func.HttpResponse("a")
    given.headers.add("X-A", "1")
    given.headers.add("x-a", "2")
    assert answer(given).headers.getall("X-A") == ["2"]


@pytest.mark.row("host/2.5/set-cookie")
def test_each_cookie_gets_its_own_header():
    given = func.HttpResponse("a")
    given.headers.add("Set-Cookie", "a=1; Path=/x; HttpOnly")
    given.headers.add("Set-Cookie", 'b="x y"; Secure; SameSite=Lax; Max-Age=5')
    assert answer(given).headers.getall("Set-Cookie") == [
        "a=1; path=/x; httponly",
        "b=x%20y; max-age=5; path=/; secure; samesite=lax",
    ]


@pytest.mark.row("host/2.5/set-cookie")
def test_cookie_expiry_in_rfc_1123_form_is_kept():
    given = func.HttpResponse("a", headers={"Set-Cookie": "a=1; expires=Tue, 03 Nov 2026 10:00:00 GMT"})
    assert answer(given).headers.getall("Set-Cookie") == ["a=1; expires=Tue, 03 Nov 2026 10:00:00 GMT; path=/"]


@pytest.mark.row("host/2.5/set-cookie")
def test_cookie_expiry_in_another_form_is_refused():
    with pytest.raises(BadResult, match="expires="):
        answer(func.HttpResponse("a", headers={"Set-Cookie": "a=1; expires=Tue, 03-Nov-2026 10:00:00 GMT"}))


@pytest.mark.row("host/2.5/text", "host/2.5/text-json")
@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("hello", b"hello"),
        ("", b""),
        ('{"a":1}', b'{\n  "a": 1\n}'),
        ("[1]", b"[\n  1\n]"),
        ("true", b"True"),
        ('"abc"', b"abc"),
        ("1.50", b"1.5"),
        ("null", b""),
    ],
)
def test_str_result_is_plain_text_and_json_is_written_again(text, body):
    response = answer(text)
    assert (response.status, response.body or b"", response.headers["Content-Type"]) == (
        200,
        body,
        "text/plain; charset=utf-8",
    )


def test_str_that_describes_a_response_is_taken_as_one():
    response = answer('{"statusCode": 418, "BODY": "tea", "headers": {"X-A": "1"}}')
    assert (response.status, response.body, response.headers["X-A"]) == (418, b"tea", "1")


def test_impossible_status_is_refused():
    with pytest.raises(BadResult, match="status code"):
        answer(func.HttpResponse("a", status_code=7))


def test_line_break_in_a_header_is_refused():
    datum = {"status_code": Datum("200", "string"), "headers": {"X": Datum("a\r\nSet-Cookie: b", "string")},
             "cookies": None, "body": Datum(b"", "bytes")}  # fmt: skip
    with pytest.raises(BadResult, match="line break"):
        write_response(Datum(datum, "http"), function_name="f")


@pytest.mark.parametrize("status", [100, 101, 199, "²²²"])
def test_status_that_ends_no_request_is_refused(status):
    with pytest.raises(BadResult, match="is not a number from 200 to 999"):
        answer(func.HttpResponse("a", status_code=status))


@pytest.mark.parametrize("name", ["X N", "X:Y", "", "Grüße", "X\t", "(x)"])
def test_header_name_that_is_no_token_is_refused(name):
    with pytest.raises(BadResult, match="is no valid name of a header"):
        answer(func.HttpResponse("a", headers={name: "1"}))


@pytest.mark.parametrize("value", ["ü", "a\x00b", "a\x7f"])
def test_header_value_that_is_not_printable_ascii_is_refused(value):
    with pytest.raises(BadResult, match="the value of the header 'X-A' holds"):
        answer(func.HttpResponse("a", headers={"X-A": value}))


def test_header_value_may_hold_a_tab():
    assert answer(func.HttpResponse("a", headers={"X-A": "a\tb"})).headers["X-A"] == "a\tb"


def test_str_result_nested_too_deep_stays_plain_text():
    assert answer("[" * 100_000).body == b"[" * 100_000


def test_str_that_cannot_be_written_as_utf_8_is_refused():
    with pytest.raises(BadResult, match="half of a surrogate pair"):
        answer("a \ud800 b")
