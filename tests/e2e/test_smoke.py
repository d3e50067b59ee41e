"""scripts/smoke.py against the app under a host that asks for keys, and what it takes as URL and key."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

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
    (tmp_path / "scripts").mkdir()
    for file in (ROOT / "scripts").glob("smoke*.py"):
        shutil.copy(file, tmp_path / "scripts")
    done = smoke(f"{app.host.url}/api/", script=tmp_path / "scripts/smoke.py", key=app.key)
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
