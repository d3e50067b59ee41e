"""The app that a smoke test asks: every question and answer bounded in time and size. Standard library only."""

from __future__ import annotations

import html
import json
import re
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

_T = TypeVar("_T")

POLL_S = 1.0
ONE_REQUEST_S = 60.0
MOST_BYTES = 1_000_000
MOST_CHARACTERS = 400


class SmokeFailed(Exception):
    """The deployment does not do what it must; the message says what came instead."""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; status 0 is none at all."""

    status: int
    text: str

    @property
    def document(self) -> dict[str, Any]:
        """The JSON object of the body; empty if it is none."""
        try:
            document = json.loads(self.text)
        except (ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}

    def __str__(self) -> str:
        return f"{self.status} {self.text}" if self.status else self.text


class _AsItCame(urllib.request.HTTPErrorProcessor):
    """Raises for no status, and follows no redirect: urllib would take the key along to wherever it leads."""

    def http_response(self, request: urllib.request.Request, response: HTTPResponse) -> HTTPResponse:
        return response

    https_response = http_response


OPENER = urllib.request.build_opener(_AsItCame)


@dataclass
class Deployment:
    """An app at `url`, which ends before /api. `deadline` is one of `time.monotonic`."""

    url: str
    key: str = field(repr=False)
    deadline: float

    def ask(self, method: str, path: str, *, with_key: bool = True) -> Answer:
        """Ask a path below /api, or a whole URL; no answer once the time is up. Raises SmokeFailed for a redirect."""
        url = path if path.startswith(("http://", "https://")) else f"{self.url}/api/{path}"
        headers = {"x-functions-key": self.key} if with_key and self.key else {}
        # The scheme was checked with the arguments, and that of management URLs before they are asked.
        request = urllib.request.Request(url, method=method, headers=headers, data=b"" if method == "POST" else None)  # noqa: S310
        try:
            answer, target = _within(min(ONE_REQUEST_S, self.deadline - time.monotonic()), lambda: _exchange(request))
        except (OSError, HTTPException) as fault:
            return Answer(0, f"no answer: {str(fault) or type(fault).__name__}")
        if 300 <= answer.status < 400 and target is not None:
            hint = "redirects are not followed, since the key would go along: give the app's own URL"
            asked, target = path.partition("?")[0], target.partition("?")[0]
            raise SmokeFailed(f"{method} {asked} is redirected to '{target}'; {hint}")
        return answer

    def until(self, is_so: Callable[[Answer], bool], method: str, path: str, *, with_key: bool = True) -> Answer:
        """Ask again until it is so, or nobody lets us in, or the time is up; the last answer. Raises SmokeFailed."""
        while True:
            answer = self.ask(method, path, with_key=with_key)
            if is_so(answer):
                return answer
            if answer.status in {401, 403} or time.monotonic() + POLL_S > self.deadline:
                raise SmokeFailed(f"{method} {path.partition('?')[0]} answers {answer}")
            time.sleep(POLL_S)


def _exchange(request: urllib.request.Request) -> tuple[Answer, str | None]:
    """The answer, and where it redirects to. Raises OSError or HTTPException."""
    with OPENER.open(request, timeout=ONE_REQUEST_S) as response:
        body = response.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise OSError(f"it has more than {MOST_BYTES} bytes")
        missing = response.length  # read(n) does not complain of an end that came early
        if missing:
            raise OSError(f"{missing} bytes of it are missing")
        return Answer(response.status, body.decode(errors="replace")), response.headers.get("Location")


def _within(seconds: float, call: Callable[[], _T]) -> _T:
    """What the call returns or raises; or TimeoutError. The timeout of a socket begins anew with every byte."""
    if seconds <= 0:
        raise TimeoutError("the time is up")
    ended: Future[_T] = Future()

    def run() -> None:
        try:
            ended.set_result(call())
        except Exception as fault:  # noqa: BLE001 - it is raised below, for who waits
            ended.set_exception(fault)

    Thread(target=run, daemon=True).start()  # of a daemon the process does not wait for the end
    try:
        return ended.result(seconds)
    except TimeoutError as late:
        raise TimeoutError(str(late) or f"it is not complete after {seconds:.0f} s") from late


def one_line(text: str, key: str) -> str:
    """What may be printed of what somebody else said: no key, no control codes, no command to whoever reads the log."""
    forms = {key, quote(key, safe=""), html.escape(key), json.dumps(key)[1:-1]} - {""}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "***")
    text = re.sub(r"(?<=code=)[^&\s\"']+", "***", text)  # the key of a management URL
    text = "".join(one if " " <= one <= "~" else "?" for one in " ".join(text.split()))
    text = text.replace("##[", "# [")  # GitHub and Azure Pipelines obey it anywhere in a line
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}..."


def is_url(text: str) -> bool:
    """Whether it can be asked at all; urllib and sockets have an exception for each way in which it cannot."""
    if not (text.isascii() and text.isprintable()) or " " in text:
        return False
    try:
        parts = urlsplit(text)
        host, _ = (parts.hostname or "").encode("idna"), parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and host != b""
