"""A real Chromium, and the real app for it to look at: each started once for all tests of this folder.

Playwright's event loop lives in the thread of the tests while the browser is open, so nothing here may be `async`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from scripts.chromium import require_chromium
from tests.helpers.canned_app import CannedApp, canned_app
from tests.helpers.dashboard_app import DashboardApp, dashboard_app
from tests.helpers.dashboard_page import EMPTY, Dashboard, OpenDashboard, dashboard_page
from tests.helpers.held_site import HeldSite
from tests.helpers.watched_page import PATIENCE_MS


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


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium without a window; each test gets a page that knows nothing of the others."""
    expect.set_options(timeout=PATIENCE_MS)
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
def app(browser: Browser) -> Iterator[CannedApp]:
    """The page over made-up answers, without an address yet."""
    with canned_app(browser) as canned:
        yield canned


@pytest.fixture
def open_dashboard(browser: Browser, world: World) -> Iterator[OpenDashboard]:
    """Opens the dashboard with the options of a browser context; what went wrong in it fails the test at its end."""
    with ExitStack() as pages:

        def open_it(*, key: str | None = world.app.key, **options: Any) -> Dashboard:
            return pages.enter_context(dashboard_page(browser, world.app, key=key, **options))

        yield open_it


@pytest.fixture
def ends_its_runs(world: World) -> Iterator[None]:
    """Whatever a test leaves behind is none of the next one's business."""
    yield
    world.site.held.clear()
    world.site.broken.clear()
    world.app.end_runs()


@pytest.fixture
def dashboard(open_dashboard: OpenDashboard) -> Dashboard:
    """In a window of a desk, with the key, at a view without data: the test says which one it wants to see."""
    return open_dashboard(view=EMPTY)
