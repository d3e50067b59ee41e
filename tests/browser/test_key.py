"""The function key: asked for once, kept in this tab's session storage and nowhere else."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.conftest import World
from tests.helpers.dashboard_page import Dashboard, OpenDashboard

PLACES = """() => ({
    session: Object.values({...sessionStorage}), local: Object.values({...localStorage}),
    cookie: document.cookie, address: location.href, markup: document.documentElement.outerHTML,
})"""


def places(page: Page) -> dict[str, Any]:
    """Everything that a page may have written a key into."""
    found: dict[str, Any] = page.evaluate(PLACES)
    return {**found, "cookies": page.context.cookies()}


def enter(dashboard: Dashboard, key: str) -> None:
    dialog = dashboard.dialog("Function key")
    dialog.get_by_label("Key", exact=True).fill(key)
    dialog.get_by_role("button", name="Use this key").click()


def test_the_key_is_asked_for_once_and_kept_in_session_storage_only(
    open_dashboard: OpenDashboard, world: World
) -> None:
    dashboard = open_dashboard(key=None)
    dashboard.watched.expected.add(401)
    expect(dashboard.dialog("Function key")).to_contain_text("The app asks for a key.")
    enter(dashboard, world.app.key)
    dashboard.wait_until_shown()
    dashboard.page.reload()
    dashboard.show("#/runs")
    found = places(dashboard.page)
    assert world.app.key in found["session"]
    assert found["local"] == []
    assert found["cookie"] == ""
    assert found["cookies"] == []
    assert world.app.key not in found["address"] + found["markup"]
    asked = [request.url for request in dashboard.watched.requests]
    assert [url for url in asked if world.app.key in url] == []


def test_a_wrong_key_is_told_and_another_one_asked_for(open_dashboard: OpenDashboard, world: World) -> None:
    dashboard = open_dashboard(key="wrong")
    dashboard.watched.expected.add(401)
    expect(dashboard.dialog("Function key")).to_contain_text("has refused the key")
    enter(dashboard, world.app.key)
    dashboard.wait_until_shown()
    expect(dashboard.page.get_by_role("alert")).to_be_empty()


def test_without_a_key_nothing_is_shown_and_the_page_says_why(open_dashboard: OpenDashboard) -> None:
    dashboard = open_dashboard(key=None)
    dashboard.watched.expected.add(401)
    dashboard.answer("Function key", "Cancel")
    expect(dashboard.page.get_by_role("alert")).to_contain_text("wants a function key")
    expect(dashboard.page.get_by_role("table")).to_have_count(0)
    expect(dashboard.page.get_by_role("button", name="Enter the key")).to_be_visible()


def test_a_key_can_be_forgotten(dashboard: Dashboard, world: World) -> None:
    dashboard.show("#/")
    dashboard.watched.expected.add(401)
    dashboard.press("Key: set")
    enter(dashboard, "")
    expect(dashboard.page.get_by_role("button", name="Key: none")).to_have_count(1)
    assert world.app.key not in places(dashboard.page)["session"]
