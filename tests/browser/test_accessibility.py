"""Every view can be used by everybody: what axe-core finds, by keyboard alone, on a phone, without motion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import World
from tests.helpers.axe import violations
from tests.helpers.dashboard_page import Dashboard, OpenDashboard
from tests.helpers.watched_page import DESK, PHONE

FOCUSED = "() => document.activeElement.textContent.trim()"
IN_DIALOG = "() => document.activeElement.closest('dialog') !== null || document.activeElement === document.body"
OUTLINE = "() => getComputedStyle(document.activeElement).outlineStyle"
MOVING = "() => document.getAnimations().filter((one) => one.playState === 'running').length"
LONGEST_ID = "x" * 100
LAST_BOOKS = tuple(f"/books/{number}" for number in range(21, 41))
LIGHT_DESK = pytest.param("light", DESK, id="light-desk")
DARK_PHONE = pytest.param("dark", PHONE, id="dark-phone")
MORE_ROOMS = [
    pytest.param("dark", DESK, id="dark-desk", marks=pytest.mark.long),
    pytest.param("light", PHONE, id="light-phone", marks=pytest.mark.long),
]


def views(world: World) -> list[str]:
    lists = ["#/", "#/runs", "#/datasets", "#/workflows", "#/schedule"]
    return [*lists, f"#/runs/{world.second}", "#/datasets/books"]


def unfold(dashboard: Dashboard) -> None:
    """Open everything that can be unfolded."""
    dashboard.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


def faults(dashboard: Dashboard, world: World) -> dict[str, list[str]]:
    """What is wrong with each view, as it is and unfolded."""
    found: dict[str, list[str]] = {}
    for view in views(world):
        dashboard.show(view)
        unfold(dashboard)
        wide = [f"{excess} px too wide" for excess in [dashboard.excess_width()] if excess > 0]
        found[view] = violations(dashboard.page) + wide
    return {view: told for view, told in found.items() if told}


@pytest.fixture
def start_to_come(world: World) -> Iterator[None]:
    """One that the schedule tells."""
    tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    run_id = world.app.ask("POST", "runs", {"startAt": tomorrow, "sources": ["books", "news"]})["runId"]
    yield
    world.app.ask("POST", f"starts/later:{run_id}/cancel")


@pytest.fixture(scope="module")
def run_with_a_long_id(world: World) -> None:
    """As long as the app takes one."""
    world.app.ask("POST", f"orchestrators/daily_scrape/{LONGEST_ID}", {"sources": ["news"]})
    world.app.finished(LONGEST_ID)


@pytest.mark.usefixtures("start_to_come", "run_with_a_long_id")
@pytest.mark.parametrize(("theme", "window"), [LIGHT_DESK, DARK_PHONE, *MORE_ROOMS])
def test_every_view_is_accessible_and_fits_its_window(
    open_dashboard: OpenDashboard, world: World, theme: str, window: Mapping[str, int]
) -> None:
    assert faults(open_dashboard(color_scheme=theme, viewport=window), world) == {}


@pytest.fixture
def live_run(world: World) -> Iterator[str]:
    """A run that stands still in its middle."""
    with world.site.holding(*LAST_BOOKS):
        run_id = world.app.start_run()
        yield run_id
    world.app.finished(run_id)


@pytest.mark.parametrize(("theme", "window"), [DARK_PHONE, *MORE_ROOMS])
def test_a_live_run_and_its_dialogs_are_accessible_and_fit(
    open_dashboard: OpenDashboard, live_run: str, theme: str, window: Mapping[str, int]
) -> None:
    dashboard = open_dashboard(color_scheme=theme, viewport=window)
    expect(dashboard.card("Now").get_by_role("progressbar", name="books")).to_be_visible()
    found = {"live": violations(dashboard.page)}
    dashboard.press("Start a run")
    found["start"] = violations(dashboard.page)
    dashboard.page.keyboard.press("Escape")
    dashboard.press("Stop")
    found["stop"] = violations(dashboard.page)
    dashboard.page.keyboard.press("Escape")
    dashboard.press("Key: set")
    found["key"] = violations(dashboard.page)
    assert found == {"live": [], "start": [], "stop": [], "key": []}
    assert dashboard.excess_width() == 0


def test_the_first_tab_leads_past_the_navigation(open_dashboard: OpenDashboard) -> None:
    dashboard = open_dashboard()
    dashboard.wait_until_shown()
    dashboard.page.keyboard.press("Tab")
    assert dashboard.page.evaluate(FOCUSED) == "Skip to the content"
    dashboard.page.keyboard.press("Enter")
    assert dashboard.page.evaluate("document.activeElement.id") == "main"
    dashboard.page.keyboard.press("Tab")
    assert dashboard.page.evaluate(FOCUSED) == "Start a run"


def test_tab_goes_through_the_page_in_the_order_in_which_it_is_read(open_dashboard: OpenDashboard) -> None:
    dashboard = open_dashboard()
    dashboard.wait_until_shown()
    told = []
    for _ in range(10):
        dashboard.page.keyboard.press("Tab")
        told.append(dashboard.page.evaluate(FOCUSED))
        assert dashboard.page.evaluate(OUTLINE) != "none"
    assert told[1:8] == ["daily-scrape", "Overview", "Runs", "Datasets", "Workflows", "Schedule", "Theme: auto"]
    assert told[8:] == ["Key: set", "Start a run"]


def test_a_run_is_started_by_keyboard_alone(dashboard: Dashboard, world: World) -> None:
    dashboard.show("#/")
    dashboard.page.get_by_role("button", name="Start a run").focus()
    dashboard.page.keyboard.press("Enter")
    dialog = dashboard.dialog("Start a run")
    expect(dialog).to_be_visible()
    inside = []
    for _ in range(8):
        dashboard.page.keyboard.press("Tab")
        inside.append(dashboard.page.evaluate(IN_DIALOG))
    assert inside == [True] * 8
    dashboard.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert dashboard.page.evaluate(FOCUSED) == "Start a run"
    before = world.app.newest_run()["runId"]
    dashboard.page.keyboard.press("Enter")
    dialog.get_by_label("news").focus()
    dashboard.page.keyboard.press("Space")
    dashboard.page.keyboard.press("Enter")
    expect(dashboard.page.get_by_text("Started: run-")).to_be_visible()
    started = world.app.newest_run()["runId"]
    assert started != before
    assert [one["source"] for one in world.app.finished(started)["sources"]] == ["news"]


def test_a_view_that_was_gone_to_has_the_focus_at_its_heading(dashboard: Dashboard) -> None:
    dashboard.show("#/")
    dashboard.page.get_by_role("link", name="Datasets", exact=True).press("Enter")
    dashboard.wait_until_shown()
    assert dashboard.page.evaluate("document.activeElement.tagName") == "H1"
    assert dashboard.page.title() == "Datasets · daily-scrape"
    expect(dashboard.page.get_by_role("link", name="Datasets", exact=True)).to_have_attribute("aria-current", "page")


def test_the_focus_stays_where_it_is_while_the_page_is_brought_up_to_date(dashboard: Dashboard, live_run: str) -> None:
    dashboard.show("#/")
    link = dashboard.card("Now").get_by_role("link", name=live_run)
    link.focus()
    with dashboard.page.expect_response("**/api/runs?*"), dashboard.page.expect_response(f"**/api/runs/{live_run}"):
        pass
    expect(link).to_be_focused()


def test_nothing_moves_for_those_who_do_not_want_it(open_dashboard: OpenDashboard, live_run: str) -> None:
    moving: dict[str, Any] = {}
    for wish in ("no-preference", "reduce"):
        dashboard = open_dashboard(reduced_motion=wish)
        expect(dashboard.card("Now").get_by_role("link", name=live_run)).to_be_visible()
        moving[wish] = dashboard.page.evaluate(MOVING)
    assert moving["no-preference"] > 0
    assert moving["reduce"] == 0
