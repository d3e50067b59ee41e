"""scripts/smoke.py against the app under a host that asks for keys, and against apps that are broken."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

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
def broken_app(answers: dict[str, tuple[int, object]]) -> Iterator[str]:
    """A server with one answer for each beginning of a path below /api; 404 for all others."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.removeprefix("/api/")
            status, document = next((one for start, one in answers.items() if path.startswith(start)), (404, {}))
            body = json.dumps(document).replace("{url}", f"http://127.0.0.1:{self.server.server_address[1]}").encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
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
    assert done.returncode == 1
    assert told.format(url=url) in done.stdout


def test_nobody_who_answers_is_a_failure_and_no_crash() -> None:
    done = smoke("http://127.0.0.1:1", "--time-limit", "0")
    assert (done.returncode, done.stderr) == (1, "the deployment does not work\n")
    assert "FAILED  health: GET health answers no answer" in done.stdout


def test_what_is_no_url_is_refused() -> None:
    done = smoke("file:///etc/passwd")
    assert done.returncode == 2
    assert "is no URL" in done.stderr
