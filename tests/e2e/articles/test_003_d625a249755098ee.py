"""Durable Functions: a first dabble with the isolated worker and durable tasks (a personal blog; undated).

An orchestration is scheduled by a trigger under an ID of the caller's, and is never scheduled a second time under it,
not even once it has finished. The caller either polls the built-in endpoints, or it polls the function: not found →
schedule it; scheduled or running → wait; complete → success or failure. A queue that delivers again until a message is
marked as complete can do this polling. The example orchestrator calls an unreliable activity once, then twice in
parallel, each with five attempts a second apart.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from scripts.http_json import Answer
from tests.e2e.articles.conftest import StartScene
from tests.helpers.running_app import RunningApp, wait_for
from tests.helpers.storage_probe import StorageProbe

WELCOMED = "Welcome One Welcome Two Welcome Three"


@pytest.fixture(scope="module")
def app(start_scene: StartScene) -> RunningApp:
    """Where every other attempt fails on purpose."""
    return start_scene(books=60, latency_ms=50, WELCOME_FAILURE_PERCENT="50")


def poll(app: RunningApp, name: str, instance_id: str, body: Any = None) -> Answer:
    return app.ask("PUT", f"/api/orchestrators/{name}/{instance_id}", body)


def result(app: RunningApp, name: str, instance_id: str) -> dict[str, Any]:
    """What a caller has in the end who polls until it is told something."""
    wait_for(lambda: poll(app, name, instance_id).status == 200, timeout_s=120)
    document: dict[str, Any] = poll(app, name, instance_id).document
    return document


def test_an_unreliable_activity_gives_the_joined_result_or_a_clear_failure(app: RunningApp) -> None:
    ids = [f"welcome-{number}" for number in range(6)]
    assert [poll(app, "welcome", instance_id).status for instance_id in ids] == [202] * 6
    ended = [result(app, "welcome", instance_id) for instance_id in ids]
    completed = [one for one in ended if one["runtimeStatus"] == "Completed"]
    failed = [one for one in ended if one["runtimeStatus"] == "Failed"]
    assert {one["output"] for one in completed} == {WELCOMED}
    assert all("say_welcome failed on all 5 attempts" in one["error"] for one in failed)
    assert len(completed) + len(failed) == 6
    assert "was not welcomed; 50 % of all attempts fail on purpose" in app.child.log_path.read_text()


def test_polling_the_function_walks_through_the_states_of_the_diagram(app: RunningApp) -> None:
    """Not found → schedule, wait; scheduled or running → wait; complete → success, however often it is asked."""
    scheduled = poll(app, "daily_scrape", "polled", {"sources": ["books"]})
    running = poll(app, "daily_scrape", "polled")
    complete = result(app, "daily_scrape", "polled")
    assert (scheduled.status, running.status) == (202, 202)
    assert scheduled.document == running.document
    assert complete.keys() == {"id", "runtimeStatus", "output", "createdTime", "lastUpdatedTime"}
    assert (complete["id"], complete["runtimeStatus"]) == ("polled", "Completed")
    assert complete["output"]["outcome"] == "completed"
    assert poll(app, "daily_scrape", "polled").document == complete
    assert [run["runId"] for run in app.ask("GET", "/api/runs").document["runs"]] == ["polled"]


def test_a_terminated_instance_is_told_with_its_reason_and_not_scheduled_again(app: RunningApp) -> None:
    poll(app, "watch_source", "watch:books", {"source": "books", "intervalMinutes": 60})
    app.terminate("watch:books")
    told = result(app, "watch_source", "watch:books")
    assert (told["runtimeStatus"], told["reason"]) == ("Terminated", "test")
    assert app.status("watch:books")["runtimeStatus"] == "Terminated"


def test_a_start_in_the_future_waits_for_its_time_and_is_polled_like_any_other(app: RunningApp) -> None:
    start_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=4)
    name = f"later?startAt={quote(start_at.isoformat())}"
    scheduled = poll(app, "daily_scrape", name, {"sources": ["listing"]})
    waiting = poll(app, "daily_scrape", "later")
    absent = app.ask("GET", "/runtime/webhooks/durabletask/instances/later")
    assert (scheduled.status, waiting.status, absent.status) == (202, 202, 404)
    complete = result(app, "daily_scrape", "later")
    assert complete["output"]["outcome"] == "completed"
    assert datetime.fromisoformat(complete["createdTime"]) >= start_at
    assert poll(app, "daily_scrape", name).document == complete


@pytest.fixture
def probe(azurite: str) -> StorageProbe:
    return StorageProbe(azurite)


@pytest.fixture
def queue(app: RunningApp) -> str:
    wait_for(lambda: not [one for one in app.live_instances() if not one.startswith("welcome")], timeout_s=60)
    return f"{app.settings['TABLE_PREFIX']}-scrape-requests"


def runs_of(app: RunningApp, start: str) -> list[dict[str, Any]]:
    """Those whose ID starts so, the oldest first."""
    listed = app.ask("GET", "/api/runs?limit=200").document["runs"]
    return [run for run in listed if run["runId"].startswith(start)][::-1]


def test_a_queue_that_is_not_there_yet_is_no_trouble(app: RunningApp) -> None:
    assert "scrape-requests' of the function 'scrape_requests' does not exist" in app.child.log_path.read_text()
    assert app.ask("GET", "/api/health").document["status"] == "ok"


def check_messages(app: RunningApp, queue: str, probe: StorageProbe, *, messages: int, kills: int) -> None:
    """So many messages at once, and kill -9 of the host that many times: one run each, and no two at a time."""
    start = f"of-{messages}-"
    probe.send(queue, *[json.dumps({"runId": f"{start}{number}"}) for number in range(messages)])
    for number in range(kills):
        wait_for(lambda: len(runs_of(app, start)) > number, timeout_s=60)  # noqa: B023 - called at once
        app.child.kill()
        app.restart()
    wait_for(lambda: probe.count(queue) == 0, timeout_s=300)
    runs = runs_of(app, start)
    print(f"{messages} messages, {kills} kills: {len(runs)} runs, {len({run['runId'] for run in runs})} IDs")
    expected = [(f"{start}{number}", "completed") for number in range(messages)]
    assert sorted((run["runId"], run["outcome"]) for run in runs) == expected
    ends_and_starts = [run[name] for run in runs for name in ("startedAt", "finishedAt")]
    assert ends_and_starts == sorted(ends_and_starts)
    assert probe.stored(f"{queue}-poison") == []


def test_three_messages_at_once_and_a_killed_host_are_three_runs_one_after_the_other(
    app: RunningApp, queue: str, probe: StorageProbe
) -> None:
    check_messages(app, queue, probe, messages=3, kills=1)


@pytest.mark.long
def test_ten_messages_at_once_and_a_host_that_is_killed_eight_times_are_ten_runs(
    app: RunningApp, queue: str, probe: StorageProbe
) -> None:
    check_messages(app, queue, probe, messages=10, kills=8)


def test_bad_messages_and_those_of_runs_that_did_not_complete_are_kept_in_the_poison_queue(
    app: RunningApp, queue: str, probe: StorageProbe
) -> None:
    doomed = json.dumps({"runId": "doomed"})
    probe.send(queue, doomed, "books", '{"sources": ["nowhere"]}')
    wait_for(lambda: app.ask("GET", "/api/runs/doomed").status == 200, timeout_s=60)
    assert app.ask("POST", "/api/runs/doomed/stop?mode=now").status == 202
    wait_for(lambda: probe.count(queue) == 0, timeout_s=60)
    assert sorted(probe.take(f"{queue}-poison")) == sorted([doomed, "books", '{"sources": ["nowhere"]}'])
    log = app.child.log_path.read_text()
    assert "is moved to the poison queue: stopped" in log
    assert "is moved to the poison queue: bad: it is not JSON in UTF-8" in log
    assert "is moved to the poison queue: bad: 'sources': there is no source 'nowhere'" in log
