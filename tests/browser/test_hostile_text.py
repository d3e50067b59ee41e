"""A site that wants to run something in the dashboard sees its text shown, as text."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, expect

from tests.helpers.dashboard_app import DashboardApp, dashboard_app
from tests.helpers.dashboard_page import Dashboard, dashboard_page
from tests.helpers.hostile_site import FLAG, VALUES, HostileSite
from tests.helpers.watched_page import DESK, PHONE

SHORT = {name: value for name, value in VALUES.items() if len(value) < 500 and name != "half"}
FORBIDDEN = "iframe, object, embed, base, animate, textarea, video, audio, form[action], meta[http-equiv]"
FOUND = """(forbidden) => ({
    forbidden: [...document.querySelectorAll(forbidden)].map((one) => one.outerHTML),
    attributes: [...document.querySelectorAll("*")].flatMap((one) => one.getAttributeNames())
        .filter((name) => name.startsWith("on") || name === "style" || name === "srcdoc"),
    protocols: [...new Set([...document.links].map((one) => one.protocol))].sort(),
    files: [...document.querySelectorAll("script, link, style, img, image, use")]
        .map((one) => one.getAttribute("src") ?? one.getAttribute("href")),
    hacked: window.hacked ?? null,
})"""
UNFOLD = "() => document.querySelectorAll('details').forEach((one) => { one.open = true; })"
SHOWN = """() => [
    document.title,
    document.querySelector("#view").textContent,
    ...[...document.querySelectorAll("[title], [aria-label]")].flatMap((one) => [one.title, one.ariaLabel]),
].join(" ")"""
INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
)


@dataclass(frozen=True)
class HostileWorld:
    """An app that has scraped the hostile site twice; everything has changed in between. `run_id` is the second run."""

    app: DashboardApp
    site: HostileSite
    run_id: str


@pytest.fixture(scope="module")
def hostile_world(azurite: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostileWorld]:
    folder = tmp_path_factory.mktemp("hostile")
    site = HostileSite(folder)
    with site.running():
        settings = {**site.settings, "AzureWebJobsStorage": azurite, "TABLE_PREFIX": f"t{uuid.uuid4().hex[:12]}"}
        with dashboard_app(folder, settings) as app:
            app.finished(app.start_run())
            site.changed = "!"
            run_id = app.start_run()
            app.finished(run_id)
            app.ask("POST", "start/evil", {"data": SHORT, "waitFor": ["constructor", "toString"]})
            yield HostileWorld(app, site, run_id)


@pytest.fixture(params=[PHONE, pytest.param(DESK, marks=pytest.mark.long)], ids=["phone", "desk"])
def dashboard(request: pytest.FixtureRequest, browser: Browser, hostile_world: HostileWorld) -> Iterator[Dashboard]:
    """With the key; what its policy had to stop would fail the test, since nothing must come so far."""
    with dashboard_page(browser, hostile_world.app, key=hostile_world.app.key, viewport=request.param) as opened:
        yield opened


def assert_harmless(dashboard: Dashboard) -> None:
    """Nothing of the site's text has become anything but text that can be seen, folded or unfolded."""
    dashboard.page.evaluate(UNFOLD)
    found = dashboard.page.evaluate(FOUND, FORBIDDEN)
    own = [
        name for name in found.pop("files") if not re.fullmatch(r"dashboard/[a-z]+/[a-z_]+\.(css|js|svg)", name or "")
    ]
    assert own == []
    assert set(found.pop("protocols")) <= {"http:"}
    assert found == {"forbidden": [], "attributes": [], "hacked": None}
    text = str(dashboard.page.evaluate(SHOWN)).replace("\n", " ")
    assert INVISIBLE.findall(text) == []
    assert dashboard.excess_width() == 0


def test_the_overview_is_harmless(dashboard: Dashboard) -> None:
    dashboard.show("#/")
    expect(dashboard.card("Datasets").get_by_role("row")).to_have_count(4)
    assert_harmless(dashboard)


def test_failures_tell_of_hostile_pages_as_text(dashboard: Dashboard, hostile_world: HostileWorld) -> None:
    dashboard.show(f"#/runs/{hostile_world.run_id}")
    failed = dashboard.card("Failed pages")
    expect(failed).to_contain_text(f"<script>{FLAG}</script>")
    expect(failed).to_contain_text("'javascript:window.hacked=true//")
    assert_harmless(dashboard)


@pytest.mark.parametrize("source", ["raw", "markup"])
def test_hostile_rows_and_their_changes_are_shown_as_text(dashboard: Dashboard, source: str) -> None:
    dashboard.show(f"#/datasets/{source}")
    for card in ("First rows", "Last diff"):
        told = dashboard.card(card)
        expect(told).to_contain_text(f"<script>{FLAG}</script>")
        expect(told).to_contain_text(VALUES["image"])
        expect(told).to_contain_text("</style><style>* { display: none !important }")
    assert_harmless(dashboard)


def test_hostile_runs_and_workflows_are_listed_harmlessly(dashboard: Dashboard) -> None:
    dashboard.show("#/runs")
    assert_harmless(dashboard)
    dashboard.show("#/workflows")
    expect(dashboard.card("Live workflows")).to_contain_text("toString")
    assert_harmless(dashboard)


def test_an_address_of_the_page_is_hostile_text_too(dashboard: Dashboard) -> None:
    dashboard.watched.expected.add(404)
    dashboard.show("#/runs/%3Cimg%20src=x%20onerror=window.hacked=true%3E%E2%80%AE")
    expect(dashboard.page.locator("#view")).to_contain_text("There is no such run")
    expect(dashboard.page.get_by_role("heading", level=1)).to_contain_text("<img src=x onerror=window.hacked=true>")
    assert_harmless(dashboard)


def test_a_hostile_answer_of_the_app_is_shown_as_text(dashboard: Dashboard) -> None:
    """As of a proxy in between, or of a text of the site that a refusal quotes."""
    problem = {"title": "no", "detail": VALUES["image"] + VALUES["rtl"], "holder": VALUES["script"]}
    dashboard.watched.expected.update({409, 500})
    dashboard.page.context.route("**/api/runs*", lambda route: route.fulfill(status=500, json=problem))
    dashboard.show("#/datasets")
    dashboard.page.get_by_role("link", name="Runs", exact=True).click()
    expect(dashboard.page.get_by_role("alert")).to_contain_text(VALUES["image"])
    assert_harmless(dashboard)


def test_hostile_starts_to_come_are_shown_as_text(dashboard: Dashboard) -> None:
    """As of a proxy in between, or made past the app's routes."""
    text = "".join(SHORT.values())
    hostile = dict.fromkeys(("startId", "orchestrator", "instanceId", "triggeredBy", "holder"), text)
    hostile |= {"startAt": "2026-11-20T06:00:00+00:00", "isDue": True, "sources": list(SHORT.values())}
    answer = {"starts": [{**hostile, "runId": run_id} for run_id in (text, None)], "isWhole": True}
    dashboard.page.context.route("**/api/starts", lambda route: route.fulfill(json=answer))
    for view in ("#/", "#/schedule"):
        dashboard.show(view)
        expect(dashboard.page.get_by_text(f"<script>{FLAG}</script>").first).to_be_attached()
        assert_harmless(dashboard)
    dashboard.page.get_by_role("button", name="Cancel").first.click()
    expect(dashboard.dialog("Cancel this start?")).to_be_visible()
    assert_harmless(dashboard)


def test_the_reason_of_a_terminated_run_is_shown_as_text(dashboard: Dashboard, hostile_world: HostileWorld) -> None:
    found = dashboard.page.context.request.get(
        f"{hostile_world.app.host.url}/api/runs/{hostile_world.run_id}",
        headers={"x-functions-key": hostile_world.app.key},
    ).json()
    hostile = {**found, "reason": "".join(VALUES.values()), "triggeredBy": VALUES["image"], "outcome": VALUES["script"]}
    dashboard.page.context.route(
        f"**/api/runs/{hostile_world.run_id}",
        lambda route: route.fulfill(body=json.dumps(hostile), content_type="application/json"),
    )
    dashboard.show(f"#/runs/{hostile_world.run_id}")
    expect(dashboard.card("State")).to_contain_text(VALUES["image"])
    assert_harmless(dashboard)
