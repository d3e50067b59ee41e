"""Singleton orchestrators in Durable Functions (Microsoft Learn, Durable Functions documentation; as of Functions 1.x).

`HttpStartSingle`, `POST orchestrators/{functionName}/{instanceId}`: an instance ID that somebody else has chosen is
started if there is no such instance or if it has completed, failed or been terminated; else the answer is 409. What
the orchestrator does is of no importance: it may end, or run for ever.
"""

from typing import Any
from urllib.parse import quote

import pytest

from scripts.http_json import Answer, ask
from tests.e2e.articles.conftest import StartScene
from tests.helpers.running_app import RunningApp, wait_for

WATCH = {"source": "books", "intervalMinutes": 60}


@pytest.fixture(scope="module")
def app(start_scene: StartScene) -> RunningApp:
    """Where `welcome` fails in the end, four seconds after its start."""
    return start_scene(books=20, WELCOME_FAILURE_PERCENT="100")


def start(app: RunningApp, name: str, instance_id: str, body: Any = None) -> Answer:
    return app.ask("POST", f"/api/orchestrators/{name}/{instance_id}", body)


def wait_until(app: RunningApp, instance_id: str, status: str) -> None:
    wait_for(lambda: app.status(instance_id)["runtimeStatus"] == status, timeout_s=60)


def exists(instance_id: str) -> tuple[int, str]:
    return 409, f"An instance with ID '{instance_id}' already exists."


def outcome(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.document.get("detail", "")


def test_an_instance_that_does_not_exist_is_started_with_the_body_as_its_input(app: RunningApp) -> None:
    answer = start(app, "welcome", "new", {"event": "data"})
    assert (answer.status, answer.document["id"]) == (202, "new")
    assert app.input_of("new") == {"event": "data"}


def test_an_instance_that_runs_is_not_started_a_second_time_and_another_id_is(app: RunningApp) -> None:
    assert start(app, "welcome", "busy", {"number": 1}).status == 202
    assert outcome(start(app, "welcome", "busy", {"number": 2})) == exists("busy")
    assert start(app, "welcome", "other").status == 202
    assert app.input_of("busy") == {"number": 1}


def test_an_instance_that_failed_is_started_again(app: RunningApp) -> None:
    start(app, "welcome", "failing", {"number": 1})
    assert outcome(start(app, "welcome", "failing")) == exists("failing")
    wait_until(app, "failing", "Failed")
    assert "say_welcome failed on all 5 attempts" in app.status("failing")["output"]
    assert start(app, "welcome", "failing", {"number": 2}).status == 202
    assert app.input_of("failing") == {"number": 2}


def test_an_instance_that_completed_is_started_again(app: RunningApp) -> None:
    assert start(app, "daily_scrape", "today").status == 202
    wait_until(app, "today", "Completed")
    assert start(app, "daily_scrape", "today").status == 202
    wait_until(app, "today", "Completed")
    assert [run["runId"] for run in app.ask("GET", "/api/runs").document["runs"]] == ["today", "today"]


def test_an_instance_that_was_terminated_is_started_again(app: RunningApp) -> None:
    urls = start(app, "welcome", "ended").document
    assert ask("POST", urls["terminatePostUri"].replace("{text}", "enough")).status == 202
    wait_until(app, "ended", "Terminated")
    assert start(app, "welcome", "ended").status == 202


def test_an_eternal_orchestration_is_a_singleton_like_any_other(app: RunningApp) -> None:
    urls = start(app, "watch_source", "watch:books", WATCH).document
    wait_for(lambda: app.custom_status("watch:books").get("runs") == 1, timeout_s=60)
    assert outcome(start(app, "watch_source", "watch:books", WATCH)) == exists("watch:books")
    assert app.status("watch:books")["runtimeStatus"] == "Running"
    assert ask("POST", urls["sendEventPostUri"].replace("{eventName}", "stop"), {}).status == 202
    wait_until(app, "watch:books", "Completed")
    assert app.status("watch:books")["output"]["code"] == "stopped"
    assert start(app, "watch_source", "watch:books", WATCH).status == 202


@pytest.mark.parametrize(
    ("name", "instance_id", "status"),
    [("no_such_orchestrator", "a", 404), ("welcome", "a b", 400), ("welcome", "@a", 400)],
)
def test_what_cannot_be_started_is_refused_before_it_reaches_the_task_hub(
    name: str, instance_id: str, status: int, app: RunningApp
) -> None:
    answer = start(app, name, quote(instance_id, safe=""))
    assert (answer.status, answer.document["title"]) == (status, {404: "Not Found", 400: "Bad Request"}[status])
