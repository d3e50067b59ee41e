"""A second click of the same hand, on a button that means something else by then, does nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.helpers.canned_app import PAGE, SCHEDULE, CannedApp, canned_app


@pytest.fixture
def app(browser: Browser) -> Iterator[CannedApp]:
    with canned_app(browser) as canned:
        yield canned


def test_a_second_click_does_not_resume_what_the_first_has_paused(app: CannedApp) -> None:
    app.page.clock.install(time="2026-11-20T05:00:00Z")
    app.answers["PUT schedule"] = {**SCHEDULE, "paused": True}
    app.page.goto(f"{PAGE}#/schedule")
    pause = app.page.get_by_role("button", name="Pause", exact=True)
    expect(pause).to_be_visible()
    app.page.clock.pause_at("2026-11-20T05:59:00Z")
    pause.click()
    expect(app.page.get_by_text("The schedule is paused")).to_be_visible()
    expect(pause).to_have_attribute("aria-busy", "true")
    expect(pause).to_be_disabled()  # for a screen reader, too
    pause.dispatch_event("click")
    app.page.clock.run_for(1000)
    expect(pause).to_be_enabled()
    assert app.asked.count("PUT schedule") == 1


def test_a_double_click_on_older_goes_one_page_on(app: CannedApp) -> None:
    app.answers["GET skips"] = {"skips": [], "continuation": "older"}
    app.page.goto(f"{PAGE}#/schedule")
    pages = app.page.get_by_role("navigation", name="Pages of skips")
    pages.get_by_role("button", name="Older").dblclick()
    expect(pages.get_by_role("button", name="Newer")).to_be_visible()
    expect(pages).to_contain_text("Page 2")
    pages.get_by_role("button", name="Newer").click()
    expect(pages).to_contain_text("Page 1")
