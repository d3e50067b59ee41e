"""A page of a real browser that fails its test when anything goes wrong in it, seen or unseen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, Route

PATIENCE_MS = 20_000
"""A busy machine is no fault of the page."""
DESK = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}
THEMES = ("light", "dark")

# Before anything of the page runs: violations of its policy would otherwise only be a line for people.
TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
    console.error(`policy violated: ${event.violatedDirective} by ${event.blockedURI} ${event.sample}`));
"""
NOT_LOADED = "Failed to load resource: "
NO_ANSWER = 0
"""The status of an answer that did not come."""
CALLED_OFF = "net::ERR_ABORTED"
"""By the page itself, which wants something else now."""


class WatchedPage:
    """A page, and what went wrong in it. `expected` are statuses of answers that the test provokes."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.origin = origin
        self.expected: set[int] = set()
        self.problems: list[str] = []
        self.requests: list[Request] = []
        self._refused: list[tuple[int, str]] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.problems.append(f"uncaught error: {error}\n{error.stack}"))
        page.on("crash", lambda _: self.problems.append("the page crashed"))
        page.on("request", self._on_request)
        page.on("response", self._on_response)
        page.on("requestfailed", self._on_no_answer)

    def assert_nothing_went_wrong(self) -> None:
        """No error in the console, none uncaught, no policy violated, nothing refused that the test did not provoke."""
        self.page.evaluate("0")  # what the browser has told before its answer has arrived then
        refused = [f"{status} for {url}" for status, url in self._refused if status not in self.expected]
        wrong = [*self.problems, *refused]
        assert not wrong, "\n".join(wrong)

    def _on_request(self, request: Request) -> None:
        self.requests.append(request)

    def _on_console(self, message: ConsoleMessage) -> None:
        # The answers themselves are looked at below, with their statuses.
        if message.type in {"error", "warning"} and not message.text.startswith(NOT_LOADED):
            self.problems.append(f"console {message.type}: {message.text}")

    def _on_no_answer(self, request: Request) -> None:
        if request.failure != CALLED_OFF:
            self._refused.append((NO_ANSWER, f"{request.url}: {request.failure}"))

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self._refused.append((response.status, response.url))


@contextmanager
def watched_page(browser: Browser, origin: str, **options: Any) -> Iterator[WatchedPage]:
    """A page of a browser that knows nothing yet, in which only `origin` can be reached; checked as the block ends."""
    context = browser.new_context(**{"viewport": DESK, "base_url": origin, "accept_downloads": True, **options})
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(TELL_VIOLATIONS)
    watched = WatchedPage(context.new_page(), origin)

    def only_own(route: Route) -> None:
        if _origin_of(route.request.url) == origin:
            route.continue_()
        else:
            watched.problems.append(f"asked another origin: {route.request.url[:200]}")
            route.abort()

    context.route("**/*", only_own)
    try:
        yield watched
        watched.assert_nothing_went_wrong()
    finally:
        context.close()


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
