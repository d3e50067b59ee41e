"""The timer's start: one run per UTC date, through the same singleton as every other."""

from datetime import UTC, datetime

from scripts.processes import Supervisor
from scripts.sample_site import start_sample_site
from tests.e2e.conftest import StartApp
from tests.helpers.running_app import RunningApp, wait_for


def runs(app: RunningApp) -> list[tuple[str, str]]:
    return [(run["runId"], run["triggeredBy"]) for run in app.ask("GET", "/api/runs").document["runs"]]


def test_ticks_of_one_date_start_one_run_and_the_others_are_logged_as_skipped(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    app = start_app(
        start_sample_site(supervisor, books=40, fault_percent=0),
        SCRAPE_SCHEDULE="* * * * * *",
        **{"AzureWebJobs.daily_timer.Disabled": "false"},
    )
    date = datetime.now(UTC).date()
    wait_for(lambda: bool(runs(app)), timeout_s=60)
    app.finished_run(f"daily-{date}")
    wait_for(lambda: "skipped the scheduled start" in app.child.log_path.read_text(), timeout_s=60)
    assert runs(app) == [(f"daily-{date}", "timer")]


def test_a_tick_while_another_run_is_live_starts_nothing(start_app: StartApp, supervisor: Supervisor) -> None:
    app = start_app(
        start_sample_site(supervisor, books=4000, fault_percent=0),
        **{"AzureWebJobs.daily_timer.Disabled": "false"},
    )
    app.start_run("by-hand")
    assert app.ask("POST", "/admin/functions/daily_timer", {}).status == 202
    wait_for(lambda: "is held by the instance 'by-hand'" in app.child.log_path.read_text(), timeout_s=60)
    assert [run_id for run_id, _ in runs(app)] == ["by-hand"]
