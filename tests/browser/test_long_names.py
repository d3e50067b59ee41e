"""Names as long as the app takes them: links that lead somewhere, and nothing that only a mouse can reach."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.helpers.axe import violations
from tests.helpers.canned_app import MOMENT, PAGE, CannedApp, canned_app

LONG = "x" * 60 + "y" * 40
SOURCE = "s" * 63
RUN = {"runId": LONG, "epoch": 1, "state": "finished", "outcome": "completed", "triggeredBy": "http"}
RUN |= {"startedAt": MOMENT, "finishedAt": MOMENT, "sources": [], "reason": "r" * 5000}
WITHIN = "document.querySelectorAll('a details, a a, label details, button details').length"


@pytest.fixture
def app(browser: Browser) -> Iterator[CannedApp]:
    with canned_app(browser, viewport={"width": 320, "height": 600}) as canned:
        canned.answers["GET runs"] = {
            "runs": [RUN, {**RUN, "runId": f"{LONG[:-1]}z", "epoch": 2}],
            "continuation": None,
        }
        canned.answers[f"GET runs/{LONG}"] = RUN
        canned.answers[f"GET runs/{LONG}/failures"] = {"failures": [], "continuation": None}
        canned.answers[f"GET runs/{LONG}/batches"] = {"batches": [], "continuation": None}
        canned.has_datasets(SOURCE)
        yield canned


def test_a_click_on_a_long_run_id_opens_the_run(app: CannedApp) -> None:
    app.page.goto(f"{PAGE}#/runs")
    link = app.page.get_by_role("region", name="All runs").get_by_role("link").first
    expect(link).to_have_text(f"{'x' * 39}…{'y' * 20}")  # both ends, by which it is known from the next one
    expect(link.locator("bdi")).to_have_attribute("title", LONG)
    link.click()
    expect(app.page.get_by_role("heading", level=1)).to_contain_text(LONG)


@pytest.mark.parametrize("view", ["#/", "#/runs", "#/datasets", f"#/runs/{LONG}"])
def test_long_names_are_unfolded_in_no_link_and_all_can_be_reached(app: CannedApp, view: str) -> None:
    app.page.goto(f"{PAGE}{view}")
    expect(app.page.locator("#view .card").first).to_be_visible()
    app.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert app.page.evaluate(WITHIN) == 0
    assert violations(app.page) == []
    assert app.page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
