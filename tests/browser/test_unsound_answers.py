"""What the page makes of an app that says what no sound app says, and of more than a small app has."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.helpers.canned_app import MOMENT, PAGE, RUN, SCHEDULE, Canned, CannedApp

SOURCES = [f"source-{number:02d}" for number in range(22)]


def test_the_overview_says_how_many_of_the_datasets_it_shows(app: CannedApp) -> None:
    app.has_datasets(*SOURCES)
    app.page.goto(f"{PAGE}#/")
    datasets = app.page.get_by_role("region", name="Datasets", exact=True)
    expect(datasets.get_by_role("row")).to_have_count(13)
    expect(datasets).to_contain_text("12 of 22")
    expect(datasets.get_by_role("link", name="all datasets", exact=True)).to_have_attribute("href", "#/datasets")


def test_all_datasets_are_listed_with_size_over_time_last_diff_and_last_result(app: CannedApp) -> None:
    app.has_datasets(*SOURCES)
    app.page.goto(f"{PAGE}#/datasets")
    rows = app.page.get_by_role("region", name="What readers see").get_by_role("row")
    expect(rows).to_have_count(23)
    last = rows.last
    expect(last.get_by_role("img", name="Rows of source-21: from 5 to 5 in 2 publications")).to_be_visible()
    expect(last).to_contain_text("+3 added")
    expect(last).to_contain_text("published")


@pytest.mark.parametrize("view", ["#/", "#/datasets"])
def test_one_faulty_dataset_is_told_in_its_row_and_hides_nothing(app: CannedApp, view: str) -> None:
    app.watched.expected.add(500)
    app.has_datasets("books", "news", "odd")
    app.answers["GET datasets/news"] = Canned(500, json={"detail": "its table is broken"})
    app.answers["GET datasets/odd"] = {"publications": 5}
    app.page.goto(f"{PAGE}{view}")
    expect(app.page.get_by_role("row").filter(has_text="books")).to_contain_text("+3 added")
    expect(app.page.get_by_role("row").filter(has_text="news")).to_contain_text("its table is broken")
    expect(app.page.get_by_role("row").filter(has_text="odd")).to_contain_text("does not understand")


@pytest.mark.parametrize(
    ("view", "asked", "answer"),
    [
        ("#/workflows", "GET workflows", {"workflows": [{"input": "x"}], "isWhole": True}),
        ("#/runs", "GET runs", {}),
        ("#/runs", "GET runs", Canned(200, body="oops")),
    ],
)
def test_an_answer_that_cannot_be_shown_is_told(app: CannedApp, view: str, asked: str, answer: object) -> None:
    app.answers[asked] = answer
    app.page.goto(f"{PAGE}{view}")
    expect(app.page.get_by_role("alert")).to_contain_text("The app sent what this page does not understand")
    expect(app.page.get_by_text("Loading…")).to_have_count(0)
    app.watched.problems = [one for one in app.watched.problems if "console error: " not in one]


def test_a_hub_that_cannot_list_the_starts_to_come_hides_nothing_else(app: CannedApp) -> None:
    app.watched.expected.add(500)
    app.answers["GET starts"] = Canned(500, json={"detail": "the hub is down"})
    for view in ("#/", "#/schedule"):
        app.page.goto(f"{PAGE}{view}")
        expect(app.page.get_by_text("They cannot be told: the hub is down")).to_be_visible()
        expect(app.page.get_by_text("0 0 6 * * *")).to_be_visible()
    expect(app.page.get_by_role("button", name="Pause")).to_be_visible()


def test_the_overview_has_the_next_starts_and_says_that_there_are_more(app: CannedApp) -> None:
    tick = {"startId": "buffered:daily_scrape", "orchestrator": "daily_scrape", "instanceId": "daily", "runId": "daily"}
    tick |= {"startAt": MOMENT, "triggeredBy": "timer", "isDue": True, "holder": "slow", "sources": None}
    other = {**tick, "orchestrator": "welcome", "runId": None, "isDue": False, "holder": None, "triggeredBy": "startAt"}
    more = [{**other, "startId": f"later:{number}", "instanceId": f"hello-{number}"} for number in range(5)]
    app.answers["GET starts"] = {"starts": [tick, *more], "isWhole": False}
    app.page.goto(f"{PAGE}#/")
    shown = app.page.get_by_role("list", name="Starts to come")
    due = "20 Nov 2026, 06:00 UTC: "
    expect(shown.get_by_role("listitem")).to_have_text(
        [f"{due}daily", f"{due}welcome hello-0", f"{due}welcome hello-1", "3 more at least"]
    )
    shown.get_by_role("link", name="3 more at least").click()
    lines = app.page.get_by_role("region", name="Starts to come", exact=True).get_by_role("row")
    expect(lines).to_have_count(7)
    expect(lines.nth(1)).to_contain_text("waits for the end of slow")
    expect(lines.nth(1)).to_contain_text("all")
    expect(app.page.get_by_text("There may be more: the hub was asked for its first ones only.")).to_be_visible()


START = "POST runs"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Canned(202, body="oops"), "Taken, it seems"),
        (Canned(202, json={}), "Started"),
        (Canned(409, json={"detail": "held", "holder": "first", "progress": 5}), "holds the singleton"),
        (Canned(409, json={"detail": "held", "holder": "first", "progress": [None], "heldSince": {}}), "held"),
        (Canned(500, json={"detail": {}}), "The app answered 500."),
        (Canned(409, body="oops"), "The app answered 409."),
    ],
)
def test_what_came_of_an_action_is_told_whatever_the_app_says(app: CannedApp, answer: Canned, told: str) -> None:
    app.watched.expected.add(answer.status)
    app.answers[START] = answer
    app.page.goto(f"{PAGE}#/runs")
    app.page.get_by_role("button", name="Start a run").click()
    app.answers["GET runs"] = {"runs": [RUN], "continuation": None}
    app.page.get_by_role("dialog").get_by_role("button", name="Start", exact=True).click()
    expect(app.page.locator(".toast, dialog[open]").filter(has_text=told)).to_be_visible()
    expect(app.page.get_by_text("undefined")).to_have_count(0)
    if app.page.get_by_role("dialog").count():
        app.page.get_by_role("dialog").get_by_role("button", name="Close").click()
    expect(app.page.get_by_role("link", name="looked-again")).to_be_visible(timeout=10_000)  # before it would by itself
    app.watched.problems = [one for one in app.watched.problems if "console error: " not in one]


@pytest.mark.parametrize(
    "view",
    ["#/constructor", "#/__proto__", "#/toString", "#/hasOwnProperty/x", "#/runs/.", "#/runs/..", "#/datasets/%2e"],
)
def test_an_address_that_names_no_view_is_told(app: CannedApp, view: str) -> None:
    app.page.goto(f"{PAGE}{view}")
    expect(app.page.get_by_text("This page has nothing here.")).to_be_visible()
    assert set(app.asked) <= {"GET health/details"}


def test_a_key_that_no_header_can_carry_is_not_taken(app: CannedApp) -> None:
    app.page.goto(f"{PAGE}#/runs")
    app.page.get_by_role("button", name="Key: none").click()
    for key in ("kéy\u200b", "ключ"):
        app.page.get_by_role("dialog").get_by_label("Key", exact=True).fill(key)
        app.page.get_by_role("dialog").get_by_role("button", name="Use this key").click()
        expect(app.page.get_by_role("dialog")).to_contain_text("That is no key")
    app.page.get_by_role("dialog").get_by_label("Key", exact=True).fill("good")
    app.page.get_by_role("dialog").get_by_role("button", name="Use this key").click()
    expect(app.page.get_by_role("button", name="Key: set")).to_be_visible()


def test_a_double_click_opens_one_dialog(app: CannedApp) -> None:
    app.page.goto(f"{PAGE}#/runs")
    start = app.page.get_by_role("button", name="Start a run")
    start.dblclick()
    expect(app.page.get_by_role("dialog", name="Start a run")).to_be_visible()
    assert app.page.locator("dialog").count() == 1
    app.page.keyboard.press("Escape")
    expect(start).not_to_have_attribute("aria-busy", "true")


def test_a_double_click_asks_the_app_once(app: CannedApp) -> None:
    app.answers["PUT schedule"] = {**SCHEDULE, "paused": True}
    app.page.goto(f"{PAGE}#/schedule")
    app.page.get_by_role("button", name="Pause", exact=True).dblclick()
    expect(app.page.locator(".toast").first).to_be_visible()
    assert app.asked.count("PUT schedule") == 1


def test_the_columns_of_the_history_are_one_stop_and_arrow_keys_go_on(app: CannedApp) -> None:
    runs = [
        {**RUN, "runId": f"run-{number}", "startedAt": f"2026-11-{number:02d}T06:00:00+00:00"} for number in (9, 8, 7)
    ]
    app.answers["GET runs"] = {"runs": runs, "continuation": None}
    app.watched.expected.add(404)  # of a run that is not among the answers
    app.page.goto(f"{PAGE}#/")
    columns = app.page.get_by_role("group", name="The last 3 runs").get_by_role("link")
    expect(columns).to_have_count(3)
    assert [one.get_attribute("tabindex") for one in columns.all()] == ["-1", "-1", "0"]
    columns.last.focus()
    for key, number in (
        ("ArrowLeft", 1),
        ("ArrowLeft", 0),
        ("ArrowLeft", 0),
        ("End", 2),
        ("Home", 0),
        ("ArrowRight", 1),
    ):
        app.page.keyboard.press(key)
        expect(columns.nth(number)).to_be_focused()
    app.page.keyboard.press("Enter")
    expect(app.page.get_by_role("heading", level=1)).to_have_text("Run run-8@1")


def test_a_run_can_be_started_when_the_sources_are_not_told(app: CannedApp) -> None:
    app.answers["GET datasets"] = {}
    app.page.goto(f"{PAGE}#/runs")
    app.page.get_by_role("button", name="Start a run").click()
    expect(app.page.get_by_role("dialog", name="Start a run")).to_be_visible()
    app.watched.problems = [one for one in app.watched.problems if "console error: " not in one]
