"""What a smoke test looks at, one function each. Standard library only."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from scripts.smoke_app import Answer, Deployment, SmokeFailed, is_url

ATTEMPTS_AT_ONCE = 5
CLEANING_UP_S = 5.0
WELCOMED = "Welcome One Welcome Two Welcome Three"
LIVE = {"Pending", "Running", "ContinuedAsNew", "Suspended"}
HEALTHY = {"ok", "degraded"}


def check_health(app: Deployment) -> str:
    """The app answers, and its settings, storage and hub are well. A deployment may need a minute to come up."""
    answer = app.until(_is_healthy, "GET", "health", with_key=False)
    return f"{answer.document.get('status')}, {answer.document.get('checks')}"


def check_key(app: Deployment) -> str:
    """The key opens what health does not show to everybody; without it that stays shut, if one is given."""
    answer = app.ask("GET", "health/details")
    if answer.status == 401:
        fault = "the key is refused" if app.key else "a key is asked for, and none is given"
        raise SmokeFailed(f"{fault}; `az functionapp keys list` shows the ones there are")
    if answer.status != 200:
        raise SmokeFailed(f"GET health/details answers {answer}")
    if not app.key:
        return "none is given, and none is asked for"
    without = app.ask("GET", "health/details", with_key=False)
    if without.status != 401:
        raise SmokeFailed(f"GET health/details without the key answers {without.status} instead of 401")
    return "accepted; without it the answer is 401"


def check_welcome(app: Deployment) -> str:
    """An orchestration with retried activities, one after the other and side by side, comes to its end."""
    started = time.monotonic()
    instance_id = f"smoke-{secrets.token_hex(8)}"
    start = app.ask("POST", f"orchestrators/welcome/{instance_id}")
    if start.status != 202:
        raise SmokeFailed(f"its start is answered with {start}")
    status_url = str(start.document.get("statusQueryGetUri"))
    if not is_url(status_url):
        raise SmokeFailed("its start is answered with 202, but without a URL at which to ask for its end")
    # A management URL brings a key of its own, and the host would look at ours first.
    ended = app.until(_has_ended, "GET", status_url, with_key=False)
    if (ended.document["runtimeStatus"], ended.document.get("output")) != ("Completed", WELCOMED):
        raise SmokeFailed(f"{instance_id} ended with {ended}")
    return f"{instance_id} said '{WELCOMED}' after {time.monotonic() - started:.1f} s"


def check_second_start(app: Deployment) -> str:
    """Of several starts at once of the same thing exactly one is accepted; all others get 409."""
    key = f"smoke-{secrets.token_hex(8)}"
    fault = _start_at_once(app, key)
    try:
        # It would wait for ever, so there is time for this also when there is none.
        _with_time_to_clean_up(app).until(_is_decided, "POST", f"stop/{key}")
    except SmokeFailed as left:
        raise SmokeFailed(f"{fault}; and {left}" if fault else str(left)) from None
    if fault:
        raise SmokeFailed(fault)
    app.until(_is_completed, "GET", f"check/{key}")
    return f"{ATTEMPTS_AT_ONCE} starts at once: one 202, {ATTEMPTS_AT_ONCE - 1} times 409; then completed"


def _start_at_once(app: Deployment, key: str) -> str:
    """What is wrong with the answers to several starts at once; empty if nothing is."""
    try:
        with ThreadPoolExecutor(ATTEMPTS_AT_ONCE) as at_once:
            starts = list(at_once.map(lambda _: app.ask("POST", f"start/{key}"), range(ATTEMPTS_AT_ONCE)))
    except SmokeFailed as redirected:
        return str(redirected)
    statuses = sorted(start.status for start in starts)
    if statuses == [202] + [409] * (ATTEMPTS_AT_ONCE - 1):
        return ""
    others = "; ".join(str(start) for start in starts if start.status not in {202, 409})
    return f"{ATTEMPTS_AT_ONCE} starts at once are answered with {statuses} {others}".rstrip()


def _with_time_to_clean_up(app: Deployment) -> Deployment:
    return replace(app, deadline=max(app.deadline, time.monotonic() + CLEANING_UP_S))


def _is_healthy(health: Answer) -> bool:
    """Not any page that is 200: an app that is coming up may have one of the platform at its address."""
    return health.status == 200 and str(health.document.get("status")) in HEALTHY


def _has_ended(status: Answer) -> bool:
    return str(status.document.get("runtimeStatus", "Pending")) not in LIVE


def _is_completed(workflow: Answer) -> bool:
    return workflow.document.get("outcome") == "completed"


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
