"""What the dashboard shows of a real app: each view against what the app knows."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

from playwright.sync_api import expect

from scripts.past_days import MISSED, SKIPPED
from tests.browser.conftest import World
from tests.helpers.dashboard_page import Dashboard, OpenDashboard
from tests.helpers.watched_page import NO_ANSWER


def days_ago(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def day(when: datetime) -> str:
    """As the page writes it."""
    return f"{when.day} {when:%b %Y}"


def test_the_history_is_a_picture_in_which_skipped_and_missed_days_are_seen(dashboard: Dashboard, world: World) -> None:
    after = world.app.ask("GET", f"runs/{world.second}")["epoch"] + 1  # each run of other tests moves a day out of it
    dashboard.page.context.route(
        "**/api/runs?limit=*", lambda route: route.continue_(url=f"{route.request.url}&continuation={after}")
    )
    dashboard.show("#/")
    history = dashboard.card("The last runs")
    picture = history.get_by_role("group", name="The last 30 runs and what was skipped or missed")
    expect(picture.get_by_role("link")).to_have_count(30)
    expect(picture.locator(".skip title")).to_contain_text([f"{day(days_ago(SKIPPED))}, 06:00 UTC: skipped, held"])
    expect(picture.locator(".missed title")).to_contain_text([f"{day(days_ago(MISSED))}, 06:00 UTC: missed"])


def test_a_bar_of_the_history_leads_to_its_run(dashboard: Dashboard, world: World) -> None:
    dashboard.show("#/")
    dashboard.card("The last runs").get_by_role("link", name=re.compile(rf"^{world.second},")).click()
    expect(dashboard.page.get_by_role("heading", level=1)).to_have_text(f"Run {world.second}")


def test_the_history_can_be_read_as_a_table(dashboard: Dashboard, world: World) -> None:
    dashboard.show("#/")
    history = dashboard.card("The last runs")
    history.get_by_text("The same as a table").click()
    line = history.get_by_role("row").filter(has_text=world.second)
    expect(line).to_contain_text("completed with failures")
    expect(line.get_by_role("cell").filter(has_text=re.compile("^4$"))).to_have_count(1)


def test_each_dataset_is_shown_with_its_size_over_time_and_its_last_change(dashboard: Dashboard) -> None:
    dashboard.show("#/")
    datasets = dashboard.card("Datasets")
    books = datasets.get_by_role("row").filter(has_text="books")
    expect(
        books.get_by_role("img", name=re.compile(r"Rows of books: from \d+ to \d+ in \d+ publications"))
    ).to_be_visible()
    expect(books).to_contain_text(re.compile(r"\d+ added|no change"))
    expect(books).to_contain_text("published")


def test_the_last_look_is_told_by_the_clock_of_the_server(dashboard: Dashboard) -> None:
    dashboard.page.clock.set_fixed_time(datetime.now(UTC) + timedelta(hours=3))
    dashboard.show("#/schedule")
    told = dashboard.page.get_by_text(re.compile("^Updated ")).inner_text().split()[1]
    looked_at = datetime.combine(datetime.now(UTC), time.fromisoformat(told), UTC)
    assert (datetime.now(UTC) + timedelta(seconds=5) - looked_at) % timedelta(days=1) < timedelta(minutes=1)


def test_the_overview_says_when_the_schedule_goes_on(dashboard: Dashboard, world: World) -> None:
    dashboard.show("#/")
    schedule = dashboard.card("Schedule")
    due = datetime.fromisoformat(world.app.ask("GET", "schedule")["nextTick"])
    expect(schedule).to_contain_text(f"{day(due)}, 06:00 UTC")
    expect(schedule).to_contain_text("0 0 6 * * *")


def test_the_runs_and_the_skipped_starts_are_listed_in_pages(dashboard: Dashboard, world: World) -> None:
    dashboard.show("#/")
    dashboard.page.get_by_role("link", name="Runs", exact=True).click()
    runs = dashboard.card("All runs")
    expect(runs.get_by_role("row").filter(has_text=world.second)).to_contain_text("completed with failures")
    expect(dashboard.card("Starts that did not happen").get_by_role("row")).to_contain_text(["Due", "held"])
    runs.get_by_role("button", name="Older").click()
    expect(runs.get_by_role("row").filter(has_text=f"daily-{days_ago(30):%Y-%m-%d}")).to_have_count(1)
    expect(runs).to_contain_text("Page 2")
    runs.get_by_role("button", name="Newer").click()
    expect(runs.get_by_role("row").filter(has_text=world.second)).to_have_count(1)


def test_the_page_of_a_run_has_the_timeline_of_its_batches(dashboard: Dashboard, world: World) -> None:
    dashboard.show(f"#/runs/{world.second}")
    timeline = dashboard.card("Timeline of batches")
    expect(timeline.get_by_role("img", name="books: 8 batches recorded")).to_be_visible()
    expect(timeline.get_by_role("img", name="news: 1 batches recorded")).to_be_visible()
    timeline.get_by_text("The batches as a table").click()
    expect(timeline.get_by_role("row")).to_have_count(10)


def test_the_page_of_a_run_has_its_failed_pages_with_link_reason_and_attempts(
    dashboard: Dashboard, world: World
) -> None:
    dashboard.show(f"#/runs/{world.second}")
    failed = dashboard.card("Failed pages")
    links = [(world.site.other_url if "news" in path else world.site.url) + path for path in world.failed]
    expect(failed.get_by_role("link")).to_have_text(links)
    line = failed.get_by_role("row").filter(has_text=f"{world.site.url}/books/7")
    expect(line.get_by_role("cell")).to_have_text(["books", "http_404", "404", "1", "the server answered 404"])
    expect(failed.get_by_role("link").first).to_have_attribute("rel", re.compile("noopener"))
    expect(dashboard.card("Failures by reason").get_by_role("row").filter(has_text="http_404")).to_contain_text("4")


def test_the_page_of_a_run_says_why_a_source_was_refused(dashboard: Dashboard, world: World) -> None:
    dashboard.show(f"#/runs/{world.second}")
    line = dashboard.card("Sources").get_by_role("row").filter(has_text="news")
    expect(line).to_contain_text("refused")
    line.get_by_text(re.compile("max_failed_percent: 3 of 4 pages failed")).first.wait_for()


def test_the_page_of_a_dataset_has_what_changed_last(dashboard: Dashboard, world: World) -> None:
    dashboard.show("#/datasets/books")
    expect(dashboard.card("Published")).to_contain_text("Rows")
    expect(dashboard.card("Size over time").get_by_role("img", name="Rows over time")).to_be_visible()
    expect(dashboard.card("Snapshots").get_by_role("row").filter(has_text=world.second)).to_contain_text(
        re.compile(r"~2 changed")
    )
    changes = world.app.ask("GET", "datasets/books/diff?limit=10")["changes"]
    # Runs of other tests may have published the same rows again: then there is no table.
    expect(dashboard.card("Last diff").get_by_role("row")).to_have_count(len(changes) + 1 if changes else 0)
    rows = dashboard.card("First rows").get_by_role("row")
    expect(rows).to_have_count(11)
    expect(rows.nth(1)).to_contain_text("/books/1")
    expect(rows.nth(1)).to_contain_text("12.50")


def test_live_workflows_are_listed_with_what_they_wait_for(dashboard: Dashboard, world: World) -> None:
    world.app.ask("POST", "start/order-7", {"waitFor": ["paid", "packed"], "mode": "all", "timeoutSeconds": 3600})
    dashboard.show("#/workflows")
    line = dashboard.card("Live workflows").get_by_role("row").filter(has_text="order-7")
    expect(line).to_contain_text("running")
    expect(line).to_contain_text("all of paid, packed")
    world.app.ask("POST", "stop/order-7", {"event": "paid"})
    world.app.ask("POST", "stop/order-7", {"event": "packed"})


def test_the_schedule_is_explained(dashboard: Dashboard) -> None:
    dashboard.show("#/")
    dashboard.page.get_by_role("link", name="Schedule", exact=True).click()
    daily = dashboard.card("Daily scrape")
    expect(daily).to_contain_text("a tick that meets a live run is skipped")
    expect(daily).to_contain_text("720 min")
    expect(dashboard.card("Starts that did not happen").get_by_role("row")).to_contain_text(["Due", "held"])


def test_an_address_that_means_nothing_is_told(dashboard: Dashboard) -> None:
    dashboard.show("#/nowhere/at/all")
    expect(dashboard.page.locator("#view")).to_contain_text("This page has nothing here.")


def test_a_run_and_a_dataset_that_never_were_are_told(dashboard: Dashboard) -> None:
    dashboard.watched.expected.add(404)
    dashboard.show("#/runs/never")
    expect(dashboard.page.locator("#view")).to_contain_text("There is no such run")
    dashboard.show("#/datasets/never")
    expect(dashboard.page.locator("#view")).to_contain_text("There is no such dataset")


def test_the_theme_is_the_systems_until_one_is_chosen(open_dashboard: OpenDashboard) -> None:
    dashboard = open_dashboard(color_scheme="dark")
    background = "() => getComputedStyle(document.documentElement).backgroundColor"
    dark = dashboard.page.evaluate(background)
    dashboard.press("Theme: auto")
    light = dashboard.page.evaluate(background)
    dashboard.page.reload()
    expect(dashboard.page.get_by_role("button", name="Theme: light")).to_be_visible()
    assert dashboard.page.evaluate(background) == light
    dashboard.press("Theme: light")
    assert dashboard.page.evaluate(background) == dark != light


def test_nothing_is_asked_of_anybody_but_the_app(dashboard: Dashboard, world: World) -> None:
    dashboard.show(f"#/runs/{world.second}")
    dashboard.show("#/datasets/books")
    origins = {"/".join(request.url.split("/")[:3]) for request in dashboard.watched.requests}
    assert origins == {world.app.host.url}


def test_an_app_that_does_not_answer_is_told_and_asked_again(dashboard: Dashboard) -> None:
    dashboard.show("#/")
    dashboard.watched.expected.add(NO_ANSWER)
    dashboard.page.context.route("**/api/runs*", lambda route: route.abort())
    dashboard.page.get_by_role("link", name="Runs", exact=True).click()
    expect(dashboard.page.get_by_role("alert")).to_contain_text("The app does not answer.")
    dashboard.page.context.unroute("**/api/runs*")
    dashboard.press("Try now")
    expect(dashboard.card("All runs")).to_be_visible()
    expect(dashboard.page.get_by_role("alert")).to_be_empty()


def test_what_is_wrong_with_the_app_is_told_beside_any_view(dashboard: Dashboard) -> None:
    stuck = {"checks": {"runs": "stuck"}, "faults": {"runs": "'run-7' has made no progress since noon"}}
    dashboard.page.context.route("**/api/health/details", lambda route: route.fulfill(json=stuck))
    dashboard.show("#/runs")
    expect(dashboard.page.locator("#health")).to_have_text("A run is stuck: 'run-7' has made no progress since noon")
    expect(dashboard.card("All runs")).to_be_visible()
