"""A real Chromium, and the real app for it to look at: each started once for all tests of this folder.

Playwright's event loop lives in the thread of the tests while the browser is open, so nothing here may be `async`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from scripts.chromium import require_chromium
from tests.helpers.axe import TALLY
from tests.helpers.dashboard_app import DashboardApp, dashboard_app
from tests.helpers.held_site import HeldSite
from tests.helpers.watched_page import WatchedPage, watched_page


@dataclass(frozen=True)
class World:
    """The app, the site that it scrapes, and the runs that it has behind it.

    `second` has published new prices of the books, and its news were refused; `failed` are the pages that failed in it.
    """

    app: DashboardApp
    site: HeldSite
    first: str
    second: str
    failed: tuple[str, ...]


OpenPage = Callable[..., WatchedPage]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium without a window; each test gets a page that knows nothing of the others."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=require_chromium())
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def world(azurite: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Thirty days of past, then two runs of a small site."""
    folder = tmp_path_factory.mktemp("dashboard")
    site = HeldSite(folder)
    with site.running():
        settings = {**site.settings, "AzureWebJobsStorage": azurite, "TABLE_PREFIX": f"t{uuid.uuid4().hex[:12]}"}
        past = {"books": len(site.books), "news": len(site.news)}
        with dashboard_app(folder, settings, past=past) as app:
            first = app.start_run()
            app.finished(first)
            site.prices = {"/books/1": "12.50", "/books/2": "13.00"}
            failed = ("/books/7", "/news/1", "/news/2", "/news/3")
            site.broken = set(failed)
            second = app.start_run()
            app.finished(second)
            site.broken = set()
            yield World(app, site, first, second, failed)


@pytest.fixture
def open_page(browser: Browser, world: World) -> Iterator[OpenPage]:
    """Opens the dashboard with the options of a browser context; what went wrong in it fails the test at its end."""
    with ExitStack() as pages:

        def open_it(**options: Any) -> WatchedPage:
            watched = pages.enter_context(watched_page(browser, world.app.host.url, **options))
            watched.page.goto(world.app.url)
            return watched

        yield open_it


def pytest_sessionfinish(session: pytest.Session) -> None:
    """One line on how much was looked at."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if TALLY.views and reporter is not None:
        reporter.write_line("")
        reporter.write_line(TALLY.line())
