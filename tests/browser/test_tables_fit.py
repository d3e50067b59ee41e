"""Tables on a desk and on a phone: nothing that matters lies beyond the edge of its box."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from storage.ledger.skips import SkipReason
from tests.helpers.canned_app import MOMENT, PAGE, RUN, CannedApp, canned_app
from tests.helpers.dashboard_page import WIDTHS
from tests.helpers.watched_page import DESK, PHONE

SOURCE = "second-hand-antiques"
RUNS = ["run-20261121T232201Z-5f3a9c", "retry-20261121T231544Z-0b7d1e", "daily-2026-11-21"]
RULE = "gate: max_failed_percent: 57.5 percent of the pages failed, more than 5.0; see GET runs/{runId}/failures"
SITE = "https://antiques.example.org/catalogue/furniture/chairs/a-chair-of-the-eighteenth-century-1234.html"
COUNTS = {"pages": 12_345, "loaded": 12_000, "unchanged": 11_000, "failed": 1_234, "rows": 123_456}
CHANGES = {"added": 12_345, "removed": 1_234, "changed": 10_234}
VIEWS = ["#/", "#/runs", f"#/runs/{RUNS[0]}", "#/datasets", f"#/datasets/{SOURCE}", "#/workflows", "#/schedule"]
TOO_WIDE = """() => [...document.querySelectorAll(".table-box")].filter((box) => box.scrollWidth > box.clientWidth)
    .map((box) => `${box.getAttribute("aria-label")}: ${box.scrollWidth} px in ${box.clientWidth}`)"""
RIGHT_EDGE = "(one) => [one.getBoundingClientRect().right, innerWidth]"
UNFOLD = "document.querySelectorAll('details.as-table').forEach((one) => { one.open = true; })"


def fill(app: CannedApp) -> None:
    """Everything that has a table, with the longest of what a usual app says."""
    runs = [
        {**RUN, "runId": run_id, "epoch": 9 - place, "totals": COUNTS, "reason": RULE}
        for place, run_id in enumerate(RUNS)
    ]
    skip = {"at": MOMENT, "scheduledFor": MOMENT, "trigger": "timer"}
    skips = [
        {**skip, "runId": run_id, "reason": reason, "holder": holder,
         "detail": f"'daily_scrape' is held by the instance '{holder}'; only one runs at a time."}
        for run_id, holder in itertools.product(RUNS, RUNS) for reason in SkipReason
    ]  # fmt: skip
    start = {"startId": "later:x", "orchestrator": "daily_scrape", "instanceId": RUNS[0], "runId": RUNS[0]}
    start |= {
        "startAt": MOMENT,
        "triggeredBy": "startAt",
        "isDue": True,
        "holder": RUNS[1],
        "sources": [SOURCE, "books"],
    }
    published = {"runId": RUNS[1], "epoch": 8, "publishedAt": MOMENT, "publishedBy": "somebody@example.org"}
    published |= {**COUNTS, "overridden": RULE}
    snapshots = [
        {**COUNTS, **CHANGES, "runId": run["runId"], "epoch": run["epoch"], "startedAt": MOMENT, "isComplete": True,
         "outcome": "refused" if run["epoch"] > 7 else "published", "reason": RULE, "isPublished": run["epoch"] == 8}
        for run in runs
    ]  # fmt: skip
    source = {**COUNTS, **CHANGES, "source": SOURCE, "state": "refused", "reason": RULE, "failedByReason": {}}
    failure = {"url": SITE, "source": SOURCE, "reason": "robots_unreachable", "status": 503, "attempts": 5}
    failure["detail"] = "the field 'price' is not there: nothing matches '.product-price .amount'"
    row = {"title": "A chair of the eighteenth century", "price": "1234.50", "_url": SITE, "_position": 0}
    change = {"change": "changed", "row": row, "fields": {"price": {"old": "1234.50", "new": "1334.50"}}}
    workflow = {"input": "order-1234567", "runtimeStatus": "Running", "startedAt": MOMENT, "deadline": MOMENT}
    workflow |= {"waitFor": ["paid", "packed"], "mode": "all"}
    app.answers |= {
        "GET runs": {"runs": runs, "continuation": None},
        f"GET runs/{RUNS[0]}": {**runs[0], "reason": RULE, "sources": [source]},
        f"GET runs/{RUNS[0]}/failures": {"failures": [failure], "continuation": None},
        f"GET runs/{RUNS[0]}/batches": {"batches": [], "continuation": None},
        "GET skips": {"skips": skips, "continuation": None},
        "GET starts": {"starts": [start], "isWhole": True},
        "GET datasets": {"datasets": [{"source": SOURCE, "published": published}]},
        f"GET datasets/{SOURCE}": {
            "source": SOURCE, "continuation": None, "published": published, "publications": [published] * 2,
            "snapshots": snapshots, "newestRun": snapshots[0],
        },
        f"GET datasets/{SOURCE}/rows": {"rows": [row]},
        f"GET datasets/{SOURCE}/diff": {**CHANGES, "unchanged": 100_000, "changes": [change]},
        "GET workflows": {"workflows": [workflow], "isWhole": True},
    }  # fmt: skip


def too_wide(app: CannedApp) -> dict[str, Any]:
    """By view, the tables that are wider than their boxes."""
    found: dict[str, Any] = {}
    for view in VIEWS:
        app.page.goto(f"{PAGE}{view}")
        expect(app.page.locator("#view .table-box").first).to_be_attached()
        app.page.evaluate(UNFOLD)
        wide, shown = app.page.evaluate(WIDTHS)
        found[view] = app.page.evaluate(TOO_WIDE) + [f"the page: {wide} px in {shown}"] * (wide > shown)
    return {view: told for view, told in found.items() if told}


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
def test_every_table_of_every_view_fits_its_box(browser: Browser, window: dict[str, int]) -> None:
    with canned_app(browser, viewport=window) as app:
        fill(app)
        assert too_wide(app) == {}


def test_on_a_phone_a_row_is_a_block_whose_values_have_names(browser: Browser) -> None:
    with canned_app(browser, viewport=PHONE) as app:
        fill(app)
        app.page.goto(f"{PAGE}#/datasets/{SOURCE}")
        line = app.page.get_by_role("region", name="Snapshots", exact=True).get_by_role("row").nth(1)
        right, edge = line.get_by_role("button", name="Force publish").evaluate(RIGHT_EDGE)
        assert right <= edge
        names = line.locator("[data-label]").evaluate_all(
            "(all) => all.map((one) => getComputedStyle(one, '::before').content)"
        )
        assert names == [
            f'"{name}"' for name in ("Run", "State", "Rows", "Failed", "Against the data before", "Action")
        ]
