"""The dashboard in a browser, as an operator uses it: by what is written on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect

from tests.helpers.dashboard_app import DashboardApp
from tests.helpers.watched_page import WatchedPage, watched_page

OVERVIEW = "#/"
EMPTY = "#/nowhere"
"""A view that asks the app for nothing."""
REMEMBER_KEY = "sessionStorage.setItem('functions-key', '{key}')"
LATER = "() => new Promise((done) => { setTimeout(done, 0); })"
WIDTHS = "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"


class Dashboard:
    """An open dashboard."""

    def __init__(self, watched: WatchedPage, app: DashboardApp) -> None:
        self.watched = watched
        self.app = app

    @property
    def page(self) -> Page:
        return self.watched.page

    def show(self, view: str) -> None:
        """Go to a view, such as `#/runs`, and wait until it is there."""
        self.page.goto(f"{self.app.url}{view}")
        self.page.evaluate(LATER)  # the page hears of a new address a moment after the browser has it
        self.wait_until_shown()

    def wait_until_shown(self) -> None:
        """Return when the view has its data."""
        expect(self.page.locator("#view .loading")).to_have_count(0)
        expect(self.page.locator("#view h1")).to_be_visible()

    def card(self, title: str) -> Locator:
        """The section with this heading."""
        return self.page.get_by_role("region", name=title, exact=True).first

    def press(self, name: str) -> None:
        """Click the button with this name."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def dialog(self, title: str) -> Locator:
        """The open dialog with this title."""
        return self.page.get_by_role("dialog", name=title)

    def answer(self, title: str, button: str) -> None:
        """Press a button of the dialog with this title, which is gone then."""
        dialog = self.dialog(title)
        dialog.get_by_role("button", name=button, exact=True).click()
        expect(dialog).to_have_count(0)

    def excess_width(self) -> int:
        """How many pixels the page is wider than its window: more than none needs scrolling sideways."""
        wide, shown = self.page.evaluate(WIDTHS)
        return int(wide) - int(shown)


OpenDashboard = Callable[..., Dashboard]


@contextmanager
def dashboard_page(
    browser: Browser, app: DashboardApp, *, view: str = OVERVIEW, key: str | None = None, **options: Any
) -> Iterator[Dashboard]:
    """A view in a new browser; a `key` is there as if it had been entered before."""
    with watched_page(browser, app.host.url, **options) as watched:
        if key is not None:
            watched.page.context.add_init_script(REMEMBER_KEY.format(key=key))
        watched.page.goto(f"{app.url}{view}")
        yield Dashboard(watched, app)
