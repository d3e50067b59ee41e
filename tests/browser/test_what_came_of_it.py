"""An action whose end is open is not called a failure, and one that failed is not passed over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from storage.account.tables import PATIENCE
from tests.helpers.canned_app import PAGE, Canned, CannedApp, canned_app
from tests.helpers.watched_page import NO_ANSWER

TELL_PATIENCE = """
window.patience = [];
const timeout = AbortSignal.timeout.bind(AbortSignal);
AbortSignal.timeout = (ms) => (window.patience.push(ms), timeout(ms));
"""

# As a browser does when a connection is cut behind the head of an answer.
CUT_ONCE = """
const { blob } = Response.prototype;
Response.prototype.blob = function () {
    Response.prototype.blob = blob;
    return Promise.reject(new TypeError("network error"));
};
"""


@pytest.fixture
def app(browser: Browser) -> Iterator[CannedApp]:
    with canned_app(browser) as canned:
        yield canned


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        (Canned(NO_ANSWER), "Done or not?"),
        (Canned(503, json={"detail": "The storage account does not answer."}), "Done or not?"),
        (Canned(500), "Done or not?"),
        (Canned(400, json={"detail": "no such source"}), "That did not work"),
    ],
)
def test_only_what_the_app_has_refused_is_said_not_to_have_worked(app: CannedApp, answer: Canned, title: str) -> None:
    app.watched.expected.add(answer.status)
    app.answers["PUT schedule"] = answer
    app.page.goto(f"{PAGE}#/schedule")
    app.page.get_by_role("button", name="Pause", exact=True).click()
    told = app.page.get_by_role("dialog", name=title)
    expect(told).to_be_visible()
    expect(told.get_by_text("It may have been done all the same.")).to_have_count(int(title == "Done or not?"))


def test_the_page_waits_longer_than_the_app_waits_for_its_storage(app: CannedApp) -> None:
    app.page.add_init_script(TELL_PATIENCE)
    app.page.goto(f"{PAGE}#/schedule")
    expect(app.page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    app_waits_s = PATIENCE["read_timeout"] * (1 + PATIENCE["retry_total"])
    _health, shortest_ms, *_ = sorted(app.page.evaluate("window.patience"))  # the health keeps a limit of its own
    assert shortest_ms > 1000 * (app_waits_s + 10)  # and pauses between its attempts


def begin_download(app: CannedApp) -> None:
    """Of a dataset of one part."""
    app.has_datasets("books")
    app.answers["GET datasets/books/diff"] = {"changes": []}
    app.answers.setdefault("GET datasets/books/rows", {"rows": []})
    app.page.goto(f"{PAGE}#/datasets/books")
    app.page.get_by_role("button", name="Download CSV").click()


def test_a_download_that_breaks_off_is_told_and_goes_on_if_wanted(app: CannedApp, tmp_path: Path) -> None:
    app.page.add_init_script(CUT_ONCE)
    begin_download(app)
    told = app.page.get_by_role("dialog", name="The download has broken off")
    expect(told).to_contain_text("The connection was cut, or is too slow.")
    with app.page.expect_download() as begun:
        told.get_by_role("button", name="Try again").click()
    begun.value.save_as(tmp_path / "books.csv")
    assert json.loads((tmp_path / "books.csv").read_text()) == {"rows": []}


def test_a_download_that_breaks_off_can_be_given_up(app: CannedApp) -> None:
    app.page.add_init_script(CUT_ONCE)
    begin_download(app)
    app.page.get_by_role("dialog").get_by_role("button", name="Give up").click()
    expect(app.page.get_by_role("button", name="Download CSV")).to_be_enabled()
    expect(app.page.get_by_role("dialog")).to_have_count(0)


def test_a_download_that_is_refused_is_not_tried_again(app: CannedApp) -> None:
    app.watched.expected.add(410)
    app.answers["GET datasets/books/rows"] = Canned(410, json={"detail": "purged meanwhile"})
    begin_download(app)
    told = app.page.get_by_role("dialog", name="The download has failed")
    expect(told).to_contain_text("purged meanwhile")
    expect(told.get_by_role("button")).to_have_count(1)
