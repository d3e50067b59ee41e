"""Running a single instance of a durable function (Simon Timms, January 31, 2019).

A daily scrape must not run twice at once. The article looks at the URLs that a start answers with and at the status
behind them, lists the instances, and refuses a start with 409 while one with the same name runs. It admits that two
starts can slip through together; here a ticket decides, and it does so for every trigger.
"""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from scripts.http_json import Answer, ask
from tests.e2e.articles.conftest import StartScene
from tests.helpers.running_app import RunningApp, wait_for
from tests.helpers.storage_probe import StorageProbe

HOLDER = "ad6b8019-b356-4099-b70c-a2b503168db3"
HELD_BY = f"'daily_scrape' is held by the instance '{HOLDER}'; only one runs at a time."
INSTANCES = "/runtime/webhooks/durabletask/instances"


@pytest.fixture(scope="module")
def app(start_scene: StartScene) -> RunningApp:
    """With a run before the first test, which was stopped halfway: it could be retried."""
    app = start_scene(books=200, latency_ms=100, PAGES_PER_BATCH="20")
    app.start_run("before", {"sources": ["books"]})
    wait_for(lambda: any(one["loaded"] for one in app.run("before")["sources"]), timeout_s=60)
    assert app.ask("POST", "/api/runs/before/stop?mode=now").status == 202
    assert app.finished_run("before")["outcome"] == "stopped"
    return app


@pytest.fixture(scope="module")
def urls(app: RunningApp) -> dict[str, str]:
    """What the start of the holder answered; it is suspended right away, so that it lives as long as it is needed."""
    answer = app.start_run(HOLDER, {"sources": ["books"]})
    assert answer.status == 202, answer.text
    suspended = ask("POST", answer.document["suspendPostUri"].replace("{text}", "for%20a%20while"))
    assert suspended.status == 202, suspended.text
    wait_for(lambda: app.status(HOLDER)["runtimeStatus"] == "Suspended", timeout_s=60)
    document: dict[str, str] = answer.document
    return document


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.document["detail"]


def test_a_start_answers_with_the_interesting_looking_urls(app: RunningApp, urls: dict[str, str]) -> None:
    instance = f"{app.host.url}{INSTANCES}/{HOLDER}"
    paths = {name: url.partition("?")[0] for name, url in urls.items()}
    assert paths["id"] == HOLDER
    assert paths["statusQueryGetUri"] == instance
    assert paths["sendEventPostUri"] == f"{instance}/raiseEvent/{{eventName}}"
    assert paths["terminatePostUri"] == f"{instance}/terminate"
    assert paths["rewindPostUri"] == f"{instance}/rewind"
    assert urls["terminatePostUri"].partition("?")[2].startswith("reason={text}&")
    assert parse_qs(urlsplit(urls["statusQueryGetUri"]).query)["taskHub"] == ["DailyScrape"]


def test_the_instances_of_the_task_hub_are_listed_with_name_and_status(app: RunningApp, urls: dict[str, str]) -> None:
    listed = {one["instanceId"]: (one["name"], one["runtimeStatus"]) for one in app.ask("GET", INSTANCES).document}
    assert listed["before"] == ("daily_scrape", "Terminated")
    assert listed[urls["id"]] == ("daily_scrape", "Suspended")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/orchestrators/daily_scrape/another"),
        ("PUT", "/api/orchestrators/daily_scrape/another"),
        ("POST", "/api/runs"),
        ("POST", "/api/runs/before/retry"),
    ],
)
def test_a_second_start_by_http_is_a_conflict_that_names_the_holder(
    method: str, path: str, app: RunningApp, urls: dict[str, str]
) -> None:
    answer = app.ask(method, path)
    assert refusal(answer) == (409, HELD_BY)
    assert answer.document["holder"] == urls["id"]


def test_a_second_start_of_the_same_id_is_a_conflict(app: RunningApp, urls: dict[str, str]) -> None:
    assert refusal(app.start_run(urls["id"])) == (409, f"An instance with ID '{HOLDER}' already exists.")


def skips(app: RunningApp) -> dict[str, tuple[str, str]]:
    """The starts that did not happen, by trigger: reason and holder."""
    found = app.ask("GET", "/api/skips?limit=200").document["skips"]
    return {one["trigger"]: (one["reason"], one["holder"]) for one in found}


def test_the_timer_skips_its_start_and_says_so(app: RunningApp, urls: dict[str, str]) -> None:
    assert app.ask("POST", "/admin/functions/daily_timer", {}).status == 202
    wait_for(lambda: "timer" in skips(app), timeout_s=60)
    assert skips(app)["timer"] == ("held", urls["id"])


def test_a_run_that_a_watch_starts_ends_at_once_and_the_watch_goes_on(app: RunningApp, urls: dict[str, str]) -> None:
    watch = app.ask(
        "POST", "/api/orchestrators/watch_source/watch:books", {"source": "books", "intervalMinutes": 60}
    ).document
    wait_for(lambda: app.custom_status("watch:books").get("last"), timeout_s=60)
    assert app.custom_status("watch:books").get("last") == "held"
    assert app.status("watch:books")["runtimeStatus"] == "Running"
    assert skips(app)["watch"] == ("held", urls["id"])
    assert ask("POST", watch["sendEventPostUri"].replace("{eventName}", "stop"), {}).status == 202


def test_a_run_that_is_started_past_us_ends_at_once(app: RunningApp, urls: dict[str, str]) -> None:
    past_us = "/runtime/webhooks/durabletask/orchestrators/daily_scrape/past-us"
    assert app.ask("POST", past_us).status == 202
    wait_for(lambda: app.status("past-us")["runtimeStatus"] == "Completed", timeout_s=60)
    assert app.status("past-us")["output"]["outcome"] == "held"
    assert urls["id"] in app.status("past-us")["output"]["reason"]


def test_another_orchestrator_of_the_same_task_hub_is_not_in_the_way(app: RunningApp, urls: dict[str, str]) -> None:
    assert app.status(urls["id"])["runtimeStatus"] == "Suspended"
    assert app.ask("POST", "/api/orchestrators/welcome/hello").status == 202
    wait_for(lambda: app.status("hello")["runtimeStatus"] == "Completed", timeout_s=60)


def test_once_the_holder_has_ended_a_waiting_message_runs_and_runs_never_overlapped(
    app: RunningApp, urls: dict[str, str], azurite: str
) -> None:
    probe, queue = StorageProbe(azurite), f"{app.settings['TABLE_PREFIX']}-scrape-requests"
    probe.send(queue, json.dumps({"runId": "from-queue", "sources": ["listing"]}))
    wait_for(lambda: "'from-queue' waits for its turn" in app.child.log_path.read_text(), timeout_s=60)
    assert app.ask("GET", "/api/runs/from-queue").status == 404
    assert ask("POST", urls["resumePostUri"].replace("{text}", "go%20on")).status == 202
    wait_for(lambda: app.ask("GET", "/api/runs/from-queue").status == 200, timeout_s=60)
    assert app.finished_run("from-queue")["outcome"] == "completed"
    wait_for(lambda: probe.count(queue) == 0, timeout_s=60)
    check_status(ask("GET", urls["statusQueryGetUri"]))
    runs = app.ask("GET", "/api/runs").document["runs"][::-1]
    assert [run["runId"] for run in runs] == ["before", HOLDER, "from-queue"]
    assert runs[0]["finishedAt"] <= runs[1]["startedAt"] < runs[1]["finishedAt"] <= runs[2]["startedAt"]


def check_status(answer: Answer) -> None:
    """The status of a run that has ended is as the article shows it."""
    status: dict[str, Any] = answer.document
    assert answer.status == 200
    assert status.keys() >= {"customStatus", "input", "output", "createdTime", "lastUpdatedTime"}
    assert (status["instanceId"], status["runtimeStatus"]) == (HOLDER, "Completed")
    assert status["createdTime"] < status["lastUpdatedTime"]
