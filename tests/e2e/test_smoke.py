"""scripts/smoke.py against the app under a host that asks for keys, and against apps that are broken."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from scripts import smoke as smoke_script
from scripts.checkout import ROOT
from tests.helpers.described_app import DescribedApp, described_app


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, azurite: str) -> Iterator[DescribedApp]:
    with described_app(tmp_path_factory.mktemp("smoke"), azurite, TABLE_PREFIX="smoke") as running:
        yield running


def smoke(*arguments: str, script: Path = ROOT / "scripts/smoke.py", key: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"SMOKE_KEY": key} if key else {}
    command = [sys.executable, "-I", str(script), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_an_app_that_works_passes_with_one_202_of_five_starts(app: DescribedApp, tmp_path: Path) -> None:
    """Also from another folder, since it needs nothing of this checkout, and with the key in the environment."""
    alone = Path(shutil.copy(ROOT / "scripts/smoke.py", tmp_path))
    done = smoke(f"{app.host.url}/api/", script=alone, key=app.key)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split(":")[0].strip() for line in lines[1:-1]] == [
        *["ok      health", "ok      key", "ok      welcome", "ok      second start"]
    ]
    assert "accepted; without it the answer is 401" in lines[2]
    assert "said 'Welcome One Welcome Two Welcome Three'" in lines[3]
    assert "one 202, 4 times 409; then completed" in lines[4]
    assert lines[-1] == "the deployment works"
    assert app.key not in done.stdout


def test_a_wrong_key_is_named_as_the_fault(app: DescribedApp) -> None:
    done = smoke(app.host.url, "not-the-key")
    assert done.returncode == 1
    assert "FAILED  key: the key is refused" in done.stdout
    assert done.stderr == "the deployment does not work\n"


@contextmanager
def broken_app(
    answers: dict[str, tuple[int, object]], *, garbage: list[bytes] | None = None, keys: list[str] | None = None
) -> Iterator[str]:
    """A server with one answer for each beginning of a path below /api; 404 for all others.

    A document with `location` is a redirect to there. The first requests are answered with `garbage`, as it is;
    `keys` gets the keys that came.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if keys is not None and "x-functions-key" in self.headers:
                keys.append(self.headers["x-functions-key"])
            if garbage:
                self.wfile.write(garbage.pop(0))
                self.close_connection = True
                return
            path = self.path.removeprefix("/api/")
            status, document = next((one for start, one in answers.items() if path.startswith(start)), (404, {}))
            body = json.dumps(document).replace("{url}", f"http://127.0.0.1:{self.server.server_address[1]}").encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if isinstance(document, dict) and "location" in document:
                self.send_header("Location", document["location"])
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the name that the server looks for

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


WELCOMED = {"runtimeStatus": "Completed", "output": "Welcome One Welcome Two Welcome Three"}
WORKING: dict[str, tuple[int, object]] = {
    "health": (200, {"status": "ok"}),
    "orchestrators/welcome/": (202, {"statusQueryGetUri": "{url}/api/instance"}),
    "instance": (200, WELCOMED),
    "start/": (409, {}),
    "stop/": (202, {}),
    "check/": (200, {"outcome": "completed"}),
}


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ({"health": (503, {"status": "unhealthy"})}, "health: GET health answers 503"),
        ({"health": (200, "a page of somebody else")}, "health: GET health answers 200"),
        ({"health": (200, {"status": "parked"})}, "health: GET health answers 200"),
        ({"orchestrators/welcome/": (202, {})}, "welcome: its start is answered with 202, but without a URL"),
        ({"orchestrators/welcome/": (202, {"statusQueryGetUri": "http://[bad"})}, "with 202, but without a URL"),
        ({"orchestrators/welcome/": (500, {})}, "welcome: its start is answered with 500"),
        ({"instance": (200, {"runtimeStatus": "Failed", "output": "five times"})}, "ended with 200"),
        ({"instance": (202, {"runtimeStatus": "Running"})}, "welcome: GET {url}/api/instance answers 202"),
        ({"start/": (202, {})}, "second start: 5 starts at once are answered with [202, 202, 202, 202, 202]"),
        ({"start/": (500, {"detail": "no storage"})}, "[500, 500, 500, 500, 500] 500"),
        ({}, "second start: 5 starts at once are answered with [409, 409, 409, 409, 409]"),
    ],
)
def test_what_is_broken_is_told_and_ends_with_one(broken: dict[str, tuple[int, object]], told: str) -> None:
    with broken_app({**WORKING, **broken}) as url:
        done = smoke(url, "key", "--time-limit", "0")
    assert (done.returncode, done.stderr) == (1, "the deployment does not work\n")
    assert told.format(url=url) in done.stdout


def test_nobody_who_answers_is_a_failure_and_no_crash() -> None:
    done = smoke("http://127.0.0.1:1", "--time-limit", "0")
    assert (done.returncode, done.stderr) == (1, "the deployment does not work\n")
    assert "FAILED  health: GET health answers no answer" in done.stdout


@pytest.mark.parametrize("status", [302, 308])
@pytest.mark.parametrize("path", ["health", "health/details"])
def test_a_redirect_is_refused_and_the_key_goes_to_nobody_else(path: str, status: int) -> None:
    keys: list[str] = []
    with broken_app(WORKING, keys=keys) as elsewhere:
        target = f"{elsewhere}/api/{path}"
        redirect: dict[str, tuple[int, object]] = {path: (status, {"location": target})}
        with broken_app({**redirect, **{one: WORKING[one] for one in WORKING if one != path}}) as url:
            done = smoke(url, "the-key", "--time-limit", "0")
    assert (done.returncode, done.stderr) == (1, "the deployment does not work\n")
    assert f"GET {path} is redirected to '{target}'; redirects are not followed" in done.stdout
    assert keys == []


def test_an_app_that_answers_with_no_http_or_half_a_body_is_not_there_yet() -> None:
    garbage = [b"not at all\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", b""]
    with broken_app(WORKING, garbage=garbage) as url:
        done = smoke(url, "key", "--time-limit", "60")
    assert "ok      health: ok" in done.stdout
    assert garbage == []


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("file:///etc/passwd", "is no URL"),
        ("http://exa mple", "is no URL"),
        ("http://[bad", "is no URL"),
        ("http://127.0.0.1:notaport", "is no URL"),
        ("http://127.0.0.1:70000", "is no URL"),
        ("https://", "is no URL"),
        ("https://.example", "is no URL"),
        ("https://ex\u00e4mple.com", "is no URL"),
        ("https://secret:secret@example.com", "nothing behind its path"),
        ("https://example.com/api/health?code=secret", "nothing behind its path"),
        ("secret", "is no URL"),
    ],
)
def test_what_is_no_url_is_refused_and_not_repeated(url: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It may be the key, at the wrong place."""
    error = usage_error(capsys, url)
    assert told in error.splitlines()[-1]
    assert "secret" not in error


def usage_error(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        smoke_script.main(arguments)
    printed = capsys.readouterr()
    assert (ended.value.code, printed.out) == (2, "")
    return printed.err


@pytest.mark.parametrize("where", ["argument", "environment"])
@pytest.mark.parametrize("key", ["secret\nline", "secret\r", "secret word", "s\u00e9cret", "secret\u2028"])
def test_a_key_that_is_none_is_refused_and_never_shown(
    key: str, where: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SMOKE_KEY", key if where == "environment" else "")
    error = usage_error(capsys, "http://127.0.0.1:1", *([key] if where == "argument" else []))
    assert "a key has neither blanks nor line breaks, nor anything beyond ASCII" in error
    assert re.findall("secret|cret|line$|word", error) == []


def test_a_key_that_looks_like_an_option_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    error = usage_error(capsys, "http://127.0.0.1:1", "-secret")
    assert "SMOKE_KEY" in error.splitlines()[-1]
    assert "secret" not in error


@pytest.mark.parametrize(
    ("url", "is_warned"),
    [
        ("http://func-x.example.com", True),
        ("http://192.0.2.1:7071", True),
        ("https://func-x.example.com", False),
        *[(f"http://{host}:7071", False) for host in ("127.0.0.1", "localhost", "[::1]")],
    ],
)
def test_a_key_in_plain_text_over_the_network_is_warned_of(
    url: str, is_warned: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(smoke_script, "CHECKS", {})
    assert smoke_script.main([url, "key"]) == 0
    assert ("warning: http:// sends the key in plain text" in capsys.readouterr().err) is is_warned
