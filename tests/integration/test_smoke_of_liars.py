"""scripts/smoke.py against servers that answer nearly as a deployment does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from threading import Event

import pytest

from scripts import smoke, smoke_app, smoke_checks
from tests.helpers.lying_app import KEY, Script, lying_app

Printed = tuple[int, str, str]
Smoke = Callable[..., Printed]


@pytest.fixture
def smoked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Smoke:
    """Runs a smoke test: status, output, errors. Without `again` the first answer that is not as it must be ends it."""
    monkeypatch.delenv("SMOKE_KEY", raising=False)

    def run(url: str, key: str = KEY, *, again: bool = False, time_limit: float = 30) -> Printed:
        monkeypatch.setattr(smoke_app, "POLL_S", 0.01 if again else 3600)
        status = smoke.main([url, *([key] if key else []), "--time-limit", str(time_limit)])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


BROKEN = (1, "the deployment does not work\n")


def test_an_app_that_works_passes_and_gets_the_key_where_it_is_needed_only(smoked: Smoke) -> None:
    with lying_app() as app:
        status, out, err = smoked(app.url)
    assert (status, err, out.splitlines()[-1]) == (0, "", "the deployment works")
    with_key = {path.partition("/smoke-")[0] for path, has_key in app.asked if has_key}
    assert with_key == {"health/details", "orchestrators/welcome", "start", "stop", "check"}
    without = [path for path, has_key in app.asked if not has_key]
    assert without == ["health", "health/details", "instance?code=theirs"]


def test_an_app_that_asks_nobody_for_a_key_passes_if_none_is_given(smoked: Smoke) -> None:
    with lying_app(asks_for_keys=False) as app:
        status, out, _ = smoked(app.url, "")
    assert (status, "none is given, and none is asked for" in out) == (0, True)


@pytest.mark.parametrize(
    ("lies", "told"),
    [
        ({"health": (503, {"status": "unhealthy"})}, "health: GET health answers 503"),
        ({"health": (200, {"status": "unhealthy"})}, "health: GET health answers 200"),
        ({"health": (200, "a page of somebody else")}, "health: GET health answers 200"),
        ({"health": (200, {"status": "parked"})}, "health: GET health answers 200"),
        ({"health/details": (404, {})}, "key: GET health/details answers 404"),
        ({"health/details": (503, {})}, "key: GET health/details answers 503"),
        ({"orchestrators/welcome/": (202, {})}, "welcome: its start is answered with 202, but without a URL"),
        ({"orchestrators/welcome/": (202, {"statusQueryGetUri": "http://[bad"})}, "with 202, but without a URL"),
        ({"orchestrators/welcome/": (500, {})}, "welcome: its start is answered with 500"),
        ({"instance": (200, {"runtimeStatus": "Failed", "output": "five times"})}, "ended with 200"),
        ({"instance": (200, {"runtimeStatus": "Completed", "output": "Welcome One"})}, "ended with 200"),
        ({"instance": (202, {"runtimeStatus": "Running"})}, "welcome: GET {url}/api/instance answers 202"),
        ({"start/": (202, {})}, "5 starts at once are answered with [202, 202, 202, 202, 202]"),
        ({"start/": [(202, {}), (202, {}), (409, {})]}, "5 starts at once are answered with [202, 202, 409, 409, 409]"),
        ({"start/": (500, {"detail": "no storage"})}, "[500, 500, 500, 500, 500] 500"),
        ({"start/": (409, {})}, "second start: 5 starts at once are answered with [409, 409, 409, 409, 409]"),
        ({"stop/": (500, {})}, "second start: POST stop/smoke-"),
        ({"check/": (200, {"outcome": None})}, "second start: GET check/smoke-"),
        ({"check/": (200, {"outcome": "timed_out"})}, "second start: GET check/smoke-"),
    ],
)
def test_what_is_broken_is_told_and_ends_with_one(lies: dict[str, Script], told: str, smoked: Smoke) -> None:
    with lying_app(lies) as app:
        status, out, err = smoked(app.url)
    assert (status, err) == BROKEN
    assert told.format(url=app.url) in out


def test_a_key_that_everybody_has_is_none(smoked: Smoke) -> None:
    with lying_app(asks_for_keys=False) as app:
        status, out, err = smoked(app.url)
    assert (status, err) == BROKEN
    assert "FAILED  key: GET health/details without the key answers 200 instead of 401" in out


def test_an_app_that_asks_for_a_key_says_so_if_none_is_given(smoked: Smoke) -> None:
    with lying_app() as app:
        status, out, _ = smoked(app.url, "")
    assert (status, "FAILED  key: a key is asked for, and none is given" in out) == (1, True)


def test_nobody_who_answers_is_a_failure_and_no_crash(smoked: Smoke) -> None:
    status, out, err = smoked("http://127.0.0.1:1")
    assert (status, err) == BROKEN
    assert "FAILED  health: GET health answers no answer" in out


def test_the_end_of_the_workflow_is_awaited(smoked: Smoke) -> None:
    check: list[tuple[int, object]] = [(200, {"outcome": None}), (404, {}), (200, {"outcome": "completed"})]
    with lying_app({"check/": check}) as app:
        status, out, _ = smoked(app.url, again=True)
    assert (status, "then completed" in out) == (0, True)
    assert sum(path.startswith("check/") for path, _ in app.asked) == 3


def test_a_stop_that_fails_as_well_is_told_after_the_fault(smoked: Smoke, monkeypatch: pytest.MonkeyPatch) -> None:
    with lying_app({"start/": (202, {}), "stop/": (500, {"detail": "stop broken"})}) as app:
        _, out, _ = smoked(app.url)
    assert re.search(r"FAILED  second start: 5 starts at once are answered with .*; and POST stop/.* answers 500", out)


def test_the_workflow_is_stopped_also_when_the_time_is_up(smoked: Smoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "CHECKS", {"second start": smoke_checks.check_second_start})
    with lying_app() as app:
        status, out, _ = smoked(app.url, time_limit=0)
    assert (status, "no answer: the time is up" in out) == (1, True)
    assert [path.partition("/")[0] for path, _ in app.asked] == ["stop"]


@pytest.mark.parametrize("status", [302, 308])
@pytest.mark.parametrize("path", ["health", "health/details"])
def test_a_redirect_is_refused_and_the_key_goes_to_nobody_else(path: str, status: int, smoked: Smoke) -> None:
    with lying_app() as elsewhere:
        target = f"{elsewhere.url}/api/{path}"
        with lying_app({path: (status, {"location": target})}) as app:
            ended, out, err = smoked(app.url)
    assert (ended, err) == BROKEN
    assert f"GET {path} is redirected to '{target}'; redirects are not followed" in out
    assert elsewhere.asked == []


def raw(answer: bytes) -> Script:
    def send(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(answer)
        request.close_connection = True

    return send


@pytest.mark.parametrize("garbage", [b"not at all\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", b""])
def test_an_app_that_answers_with_no_http_or_half_a_body_is_not_there_yet(garbage: bytes, smoked: Smoke) -> None:
    with lying_app({"health": raw(garbage)}) as app:
        assert "FAILED  health: GET health answers no answer" in smoked(app.url)[1]
        app.scripts["health"] = [raw(garbage), (200, {"status": "ok"})]  # type: ignore[list-item]
        assert smoked(app.url, again=True)[0] == 0


def test_what_the_app_says_is_one_short_line_without_control_codes_and_without_the_key(smoked: Smoke) -> None:
    """A 500 may show the request; and what stands at the beginning of a line is a command to GitHub's runner."""

    def echo(request: BaseHTTPRequestHandler) -> None:
        shown = [KEY, "the%2Bkey%2Fof-this_app%3D%3D", json.dumps(dict(request.headers)), "?code=theirs&a=b"]
        request.send_response(500)
        request.end_headers()
        text = "\n::error::injected\r\x1b[31m ##[error] \u2028\u202e\x85" + " ".join(shown)
        request.wfile.write(f"{text}{'a' * 10_000}".encode())

    with lying_app({"health/details": echo}) as app:
        status, out, err = smoked(app.url)
    assert (status, err) == BROKEN
    assert re.findall("the.{0,3}key|this_app|theirs", out) == []
    assert "##[" not in out
    assert [line for line in out.splitlines() if line.startswith("::")] == []
    assert len(out.splitlines()) == 3
    assert max(len(line) for line in out.splitlines()) < 500
    assert {one for one in out if not " " <= one <= "~"} == {"\n"}
    assert "::error::injected ?[31m # [error] ? *** *** {" in out


def test_a_key_where_the_line_is_cut_is_not_shown_in_part_either() -> None:
    cut = smoke_app.MOST_CHARACTERS
    shown = {smoke_app.one_line("." * before + KEY, KEY).strip("*.") for before in range(cut - 30, cut + 1)}
    assert shown == {""}


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_an_answer_that_never_ends_but_drips_does_not_outlast_the_time_limit(head: bytes, smoked: Smoke) -> None:
    """Each byte begins the timeout of a socket anew. The drip ends by itself, with an answer that is told otherwise."""
    is_enough = Event()

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(head)
        for _ in range(100):
            request.wfile.write(b"a")
            if is_enough.wait(0.1):
                break

    with lying_app({"health": drip}) as app:
        status, out, _ = smoked(app.url, time_limit=0.3)
        is_enough.set()
    assert (status, "no answer: it is not complete after 0 s" in out) == (1, True)


def test_an_answer_without_end_is_given_up(smoked: Smoke) -> None:
    def pour(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        for _ in range(20):
            request.wfile.write(b" " * 1_000_000)

    with lying_app({"health": pour}) as app:
        status, out, _ = smoked(app.url)
    assert (status, "no answer: it has more than 1000000 bytes" in out) == (1, True)
