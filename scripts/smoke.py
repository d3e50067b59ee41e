"""The smoke test of a deployment: is it up, do orchestrations run, and is a second start refused?

    python scripts/smoke.py URL [KEY]

URL is that of the app, with or without /api; KEY is a function key, also taken from SMOKE_KEY. It starts the
orchestration `welcome` and a workflow with names of their own, ends them, and touches no run and no data.
Standard library only, and nothing else of this checkout: the file may be copied anywhere. Ends with 0 or 1, and with
2 if URL or KEY cannot be one. No redirect is followed, and the key is never printed.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import secrets
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

ATTEMPTS_AT_ONCE = 5
POLL_S = 1.0
ONE_REQUEST_S = 60.0
WELCOMED = "Welcome One Welcome Two Welcome Three"
LIVE = {"Pending", "Running", "ContinuedAsNew", "Suspended"}
HEALTHY = {"ok", "degraded"}


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
        return f"{self.status} {self.text[:300]}" if self.status else self.text


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
        """Ask a path below /api, or a whole URL. Raises SmokeFailed for a redirect."""
        url = path if path.startswith(("http://", "https://")) else f"{self.url}/api/{path}"
        headers = {"x-functions-key": self.key} if with_key and self.key else {}
        # The scheme was checked with the arguments, and that of management URLs before they are asked.
        request = urllib.request.Request(url, method=method, headers=headers, data=b"" if method == "POST" else None)  # noqa: S310
        try:
            with OPENER.open(request, timeout=ONE_REQUEST_S) as response:
                answer = Answer(response.status, response.read().decode(errors="replace"))
                target = response.headers.get("Location")
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
            if answer.status in {401, 403} or time.monotonic() > self.deadline:
                raise SmokeFailed(f"{method} {path.partition('?')[0]} answers {answer}")
            time.sleep(POLL_S)


def check_health(app: Deployment) -> str:
    """The app answers, and its settings, storage and hub are well. A deployment may need a minute to come up."""
    answer = app.until(_is_healthy, "GET", "health", with_key=False)
    return f"{answer.document.get('status')}, {answer.document.get('checks')}"


def check_key(app: Deployment) -> str:
    """The key opens what health does not show to everybody."""
    answer = app.ask("GET", "health/details")
    if answer.status == 401:
        raise SmokeFailed("the key is refused; `az functionapp keys list` shows the ones there are")
    if answer.status != 200:
        raise SmokeFailed(f"GET health/details answers {answer}")
    without = app.ask("GET", "health/details", with_key=False)
    hint = ", so nobody is asked for one here" if without.status == 200 else ""
    return f"accepted; without it the answer is {without.status}{hint}"


def check_welcome(app: Deployment) -> str:
    """An orchestration with retried activities, one after the other and side by side, comes to its end."""
    started = time.monotonic()
    instance_id = f"smoke-{secrets.token_hex(8)}"
    start = app.ask("POST", f"orchestrators/welcome/{instance_id}")
    if start.status != 202:
        raise SmokeFailed(f"its start is answered with {start}")
    status_url = str(start.document.get("statusQueryGetUri"))
    if not _is_url(status_url):
        raise SmokeFailed("its start is answered with 202, but without a URL at which to ask for its end")
    # A management URL brings a key of its own, and the host would look at ours first.
    ended = app.until(_has_ended, "GET", status_url, with_key=False)
    if (ended.document["runtimeStatus"], ended.document.get("output")) != ("Completed", WELCOMED):
        raise SmokeFailed(f"{instance_id} ended with {ended}")
    return f"{instance_id} said '{WELCOMED}' after {time.monotonic() - started:.1f} s"


def check_second_start(app: Deployment) -> str:
    """Of several starts at once of the same thing exactly one is accepted; all others get 409."""
    key = f"smoke-{secrets.token_hex(8)}"
    try:
        with ThreadPoolExecutor(ATTEMPTS_AT_ONCE) as at_once:
            starts = list(at_once.map(lambda _: app.ask("POST", f"start/{key}"), range(ATTEMPTS_AT_ONCE)))
        statuses = sorted(start.status for start in starts)
        if statuses != [202] + [409] * (ATTEMPTS_AT_ONCE - 1):
            others = "; ".join(str(start) for start in starts if start.status not in {202, 409})
            raise SmokeFailed(f"{ATTEMPTS_AT_ONCE} starts at once are answered with {statuses} {others}".rstrip())
    finally:
        app.until(_is_decided, "POST", f"stop/{key}")  # it would wait for ever
    ended = app.until(lambda answer: answer.document.get("outcome") is not None, "GET", f"check/{key}")
    refused = f"{ATTEMPTS_AT_ONCE - 1} times 409"
    return f"{ATTEMPTS_AT_ONCE} starts at once: one 202, {refused}; then {ended.document['outcome']}"


def _is_healthy(health: Answer) -> bool:
    """Not any page that is 200: an app that is coming up may have one of the platform at its address."""
    return health.status == 200 and str(health.document.get("status")) in HEALTHY


def _has_ended(status: Answer) -> bool:
    return str(status.document.get("runtimeStatus", "Pending")) not in LIVE


def _is_decided(stop: Answer) -> bool:
    """Whether there is no use in another stop; a 409 without an outcome means that the first step is still to come."""
    is_early = stop.status == 409 and stop.document.get("outcome") is None
    return not is_early and 0 < stop.status < 500


CHECKS: dict[str, Callable[[Deployment], str]] = {
    "health": check_health,
    "key": check_key,
    "welcome": check_welcome,
    "second start": check_second_start,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all checks, in their order; 0 if all are well, else 1. What comes after a failed one is not tried."""
    options = _parse(arguments)
    app = Deployment(options.url, options.key, time.monotonic() + options.time_limit)
    if options.key and not _is_private(options.url):
        print("warning: http:// sends the key in plain text; use https://", file=sys.stderr, flush=True)
    print(f"smoke test of {app.url}", flush=True)
    for name, check in CHECKS.items():
        try:
            print(f"  ok      {name}: {check(app)}", flush=True)
        except SmokeFailed as failure:
            print(f"  FAILED  {name}: {failure}", flush=True)
            print("the deployment does not work", file=sys.stderr)
            return 1
    print("the deployment works")
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="smoke.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "url", metavar="URL", type=_app_url, help="of the app, such as https://func-x.azurewebsites.net"
    )
    default = os.environ.get("SMOKE_KEY", "")
    parser.add_argument("key", metavar="KEY", nargs="?", type=_key, default=default, help="or SMOKE_KEY")
    parser.add_argument("--time-limit", type=float, default=300.0, help="seconds for all checks (300)")
    options, others = parser.parse_known_args(arguments)
    if others:  # not shown, since the key may be among them
        parser.error("there is more than URL and KEY; a key that begins with - is given as SMOKE_KEY")
    return options


# What is refused is not repeated: it may be the key, at the wrong place.
def _app_url(text: str) -> str:
    if not _is_url(text):
        raise argparse.ArgumentTypeError("this is no URL; one is https:// or http://, a host in ASCII, perhaps a port")
    if set(text) & set("?#@"):
        raise argparse.ArgumentTypeError("give the URL without user name, and with nothing behind its path")
    return text.rstrip("/").removesuffix("/api")


def _key(text: str) -> str:
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise argparse.ArgumentTypeError("a key has neither blanks nor line breaks, nor anything beyond ASCII")
    return text


def _is_url(text: str) -> bool:
    """Whether it can be asked at all; urllib and sockets have an exception for each way in which it cannot."""
    if not (text.isascii() and text.isprintable()) or " " in text:
        return False
    try:
        parts = urlsplit(text)
        host, _ = (parts.hostname or "").encode("idna"), parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and host != b""


def _is_private(url: str) -> bool:
    """Whether nobody on the way reads what is sent there: by https, or on this very machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        is_local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = host == "localhost"
    return parts.scheme == "https" or is_local


if __name__ == "__main__":
    sys.exit(main())
