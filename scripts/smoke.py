"""The smoke test of a deployment: is it up, do orchestrations run, and is a second start refused?

    python scripts/smoke.py URL [KEY]

URL is that of the app, with or without /api; KEY is a function key, also taken from SMOKE_KEY. It starts the
orchestration `welcome` and a workflow with names of their own, ends them, and touches no run and no data.
Standard library only, and nothing else of this checkout: the file may be copied anywhere. Ends with 0 or 1.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

ATTEMPTS_AT_ONCE = 5
POLL_S = 1.0
ONE_REQUEST_S = 60.0
WELCOMED = "Welcome One Welcome Two Welcome Three"
LIVE = {"Pending", "Running", "ContinuedAsNew", "Suspended"}


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
        except json.JSONDecodeError:
            return {}
        return document if isinstance(document, dict) else {}

    def __str__(self) -> str:
        return f"{self.status} {self.text[:300]}" if self.status else self.text


@dataclass
class Deployment:
    """An app at `url`, which ends before /api. `deadline` is one of `time.monotonic`."""

    url: str
    key: str = field(repr=False)
    deadline: float

    def ask(self, method: str, path: str, *, with_key: bool = True) -> Answer:
        """Ask a path below /api, or a whole URL."""
        url = path if path.startswith(("http://", "https://")) else f"{self.url}/api/{path}"
        headers = {"x-functions-key": self.key} if with_key and self.key else {}
        # The scheme was checked with the arguments, and management URLs are the app's own.
        request = urllib.request.Request(url, method=method, headers=headers, data=b"" if method == "POST" else None)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=ONE_REQUEST_S) as response:  # noqa: S310
                return Answer(response.status, response.read().decode(errors="replace"))
        except urllib.error.HTTPError as refusal:
            return Answer(refusal.code, refusal.read().decode(errors="replace"))
        except OSError as fault:
            return Answer(0, f"no answer: {fault}")

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
    answer = app.until(lambda answer: answer.status == 200, "GET", "health", with_key=False)
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
    status_url = start.document["statusQueryGetUri"]
    # A management URL brings a key of its own, and the host would look at ours first.
    ended = app.until(_has_ended, "GET", status_url, with_key=False)
    if (ended.document["runtimeStatus"], ended.document.get("output")) != ("Completed", WELCOMED):
        raise SmokeFailed(f"{instance_id} ended with {ended}")
    return f"{instance_id} said '{WELCOMED}' after {time.monotonic() - started:.1f} s"


def check_second_start(app: Deployment) -> str:
    """Of several starts at once of the same thing exactly one is accepted; all others get 409."""
    key = f"smoke-{secrets.token_hex(8)}"
    with ThreadPoolExecutor(ATTEMPTS_AT_ONCE) as at_once:
        starts = list(at_once.map(lambda _: app.ask("POST", f"start/{key}"), range(ATTEMPTS_AT_ONCE)))
    try:
        statuses = sorted(start.status for start in starts)
        if statuses != [202] + [409] * (ATTEMPTS_AT_ONCE - 1):
            others = "; ".join(str(start) for start in starts if start.status not in {202, 409})
            raise SmokeFailed(f"{ATTEMPTS_AT_ONCE} starts at once are answered with {statuses} {others}".rstrip())
    finally:
        app.until(_is_decided, "POST", f"stop/{key}")  # it would wait for ever
    ended = app.until(lambda answer: answer.document.get("outcome") is not None, "GET", f"check/{key}")
    refused = f"{ATTEMPTS_AT_ONCE - 1} times 409"
    return f"{ATTEMPTS_AT_ONCE} starts at once: one 202, {refused}; then {ended.document['outcome']}"


def _has_ended(status: Answer) -> bool:
    return status.document.get("runtimeStatus", "Pending") not in LIVE


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
    parser.add_argument("key", metavar="KEY", nargs="?", default=os.environ.get("SMOKE_KEY", ""), help="or SMOKE_KEY")
    parser.add_argument("--time-limit", type=float, default=300.0, help="seconds for all checks (300)")
    return parser.parse_args(arguments)


def _app_url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"'{text}' is no URL; it begins with https:// or http://")
    return text.rstrip("/").removesuffix("/api")


if __name__ == "__main__":
    sys.exit(main())
