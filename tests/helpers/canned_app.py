"""The dashboard's page over answers that a test makes up: for what a sound app does not say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Browser, Page, Route

from tests.helpers.watched_page import NO_ANSWER, WatchedPage, watched_page
from triggers.dashboard.files import INDEX, page_files
from triggers.dashboard.page import HEADERS

ORIGIN = "http://app.localhost"
PAGE = f"{ORIGIN}/api/dashboard"
MOMENT = "2026-11-20T06:00:00+00:00"
SCHEDULE = {
    "schedule": "0 0 6 * * *", "timeZone": "UTC", "paused": False, "nextTick": MOMENT, "lastTicks": [],
    "overlapPolicy": "skip", "catchupWindowMinutes": 720, "changedAt": MOMENT,
}  # fmt: skip

RUN: dict[str, Any] = {
    "runId": "looked-again", "epoch": 1, "state": "finished", "outcome": "completed", "triggeredBy": "http",
    "startedAt": MOMENT, "finishedAt": MOMENT,
}  # fmt: skip


HANGS = -1


@dataclass(frozen=True)
class Canned:
    """An answer that is more than a JSON of status 200. With `NO_ANSWER` it breaks off, with `HANGS` it never comes."""

    status: int = 200
    body: str = ""
    json: Any = None


class CannedApp:
    """Answers by `METHOD path` below /api; each a JSON, or a `Canned`. What is not among them is 404.

    Those of a run are of all its epochs but those that have their own.
    """

    def __init__(self, watched: WatchedPage) -> None:
        self.watched = watched
        self.asked: list[str] = []
        self.answers: dict[str, Any] = {
            "GET runs": {"runs": [], "continuation": None},
            "GET skips": {"skips": [], "continuation": None},
            "GET schedule": SCHEDULE,
            "GET starts": {"starts": [], "isWhole": True},
            "GET datasets": {"datasets": []},
            "GET health/details": {},
        }

    @property
    def page(self) -> Page:
        """In which it is looked at."""
        return self.watched.page

    def has_datasets(self, *sources: str) -> None:
        """Each of these has been published once."""
        run = {"runId": "first", "epoch": 1, "rows": 5, "pages": 5, "failed": 0}
        published = {**run, "publishedAt": MOMENT, "publishedBy": "run"}
        self.answers["GET datasets"] = {"datasets": [{"source": name, "published": published} for name in sources]}
        snapshot = {**run, "outcome": "published", "isPublished": True, "added": 3, "removed": 1, "changed": 2}
        newest = {"runId": "first", "epoch": 1, "outcome": "published", "reason": ""}
        history = {"published": published, "publications": [published] * 2, "snapshots": [snapshot]}
        history["newestRun"] = newest
        for name in sources:
            self.answers[f"GET datasets/{name}"] = {"source": name, "continuation": None, **history}

    def answer(self, route: Route) -> None:
        """Of the page's files, or what the test wants."""
        path = unquote(urlsplit(route.request.url).path).removeprefix("/api/")
        file = page_files().get(INDEX if path == "dashboard" else path.removeprefix("dashboard/"))
        if file is not None:
            route.fulfill(body=file.body, headers={**HEADERS, "Content-Type": file.content_type})
            return
        asked = f"{route.request.method} {path}"
        self.asked.append(asked)
        newest = self.answers.get(re.sub(r"@\d+", "", asked), Canned(404, json={"title": "Not Found"}))
        answer = self.answers.get(asked, newest)
        if isinstance(answer, Canned) and answer.status == HANGS:
            return
        if isinstance(answer, Canned) and answer.status == NO_ANSWER:
            route.abort("connectionreset")
        elif not isinstance(answer, Canned):
            route.fulfill(json=answer)
        elif answer.json is not None:
            route.fulfill(status=answer.status, json=answer.json)
        else:
            route.fulfill(status=answer.status, body=answer.body, content_type="text/plain")


@contextmanager
def canned_app(browser: Browser, **options: Any) -> Iterator[CannedApp]:
    """A page without an address yet; what goes wrong in it fails the test at its end."""
    with watched_page(browser, ORIGIN, **options) as watched:
        app = CannedApp(watched)
        watched.page.context.route(f"{ORIGIN}/**", app.answer)
        yield app
