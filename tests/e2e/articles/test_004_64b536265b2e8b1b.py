"""Creating Event-Based Workflows With Azure Durable Functions (May 8, 2019).

A client starts a workflow by its own key, polls it, and stops it with an event; the article does all three by GET and
finds the instance by searching. Here the key is the address, commands are POST, and what the article leaves to the
reader works: several events, a deadline, a stop from another trigger, data.
"""

import base64
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from scripts.processes import Supervisor
from tests.helpers.running_app import RunningApp, wait_for
from tests.helpers.storage_probe import StorageProbe, eventually


@pytest.fixture(scope="module")
def supervisor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervisor]:
    with Supervisor(tmp_path_factory.mktemp("logs")) as running:
        yield running


@pytest.fixture(scope="module")
def settings(azurite: str) -> dict[str, str]:
    """Of the one host; workflows need no site. That GET is refused by default is shown in test_workflow_routes.py."""
    return {
        "AzureWebJobsStorage": azurite,
        "TABLE_PREFIX": f"t{uuid.uuid4().hex[:12]}",
        "AzureWebJobs.daily_timer.Disabled": "true",
        "ALLOW_GET_COMMANDS": "true",
    }


@pytest.fixture(scope="module")
def app(supervisor: Supervisor, settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> RunningApp:
    return RunningApp(supervisor, tmp_path_factory.mktemp("devhost"), settings)


def answer(app: RunningApp, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    found = app.ask(method, f"/api/{path}", body)
    return found.status, found.document


def ended(app: RunningApp, key: str) -> dict[str, Any]:
    """What a client sees that polls until the workflow is over."""
    wait_for(lambda: answer(app, "GET", f"check/{key}")[1].get("outcome") is not None, timeout_s=60)
    view: dict[str, Any] = answer(app, "GET", f"check/{key}")[1]
    return view


def test_a_client_starts_polls_and_stops_a_workflow_by_get_as_in_the_article(app: RunningApp) -> None:
    assert answer(app, "GET", "check/demo")[0] == 404
    assert answer(app, "GET", "start/demo")[0] == 202
    assert answer(app, "GET", "check/demo")[1]["outcome"] is None
    assert answer(app, "GET", "stop/demo")[0] == 202
    assert ended(app, "demo")["runtimeStatus"] == "Completed"
    assert answer(app, "GET", "stop/nobody")[0] == 404


def test_the_whole_life_of_a_workflow_by_post(app: RunningApp) -> None:
    assert [answer(app, method, path)[0] for method, path in (("POST", "stop/post"), ("GET", "check/post"))] == [
        404,
        404,
    ]
    assert answer(app, "POST", "start/post", {"data": {"order": 7}})[0] == 202
    assert answer(app, "POST", "start/post")[0] == 409
    live = answer(app, "GET", "check/post")[1]
    assert (live["outcome"], live["waitingFor"], live["data"]) == (None, ["Workflow"], {"order": 7})
    assert answer(app, "POST", "stop/post", {"data": "by phone"})[0] == 202
    view = ended(app, "post")
    assert (view["outcome"], view["events"][0]["data"]) == ("completed", "by phone")
    status, problem = answer(app, "POST", "stop/post")
    assert (status, problem["outcome"]) == (409, "completed")
    assert answer(app, "POST", "start/post")[0] == 202
    assert answer(app, "GET", "check/post")[1]["outcome"] is None


def test_any_event_all_events_or_a_deadline_end_a_workflow_whichever_comes_first(app: RunningApp) -> None:
    events = {"waitFor": ["paid", "cancelled"], "timeoutSeconds": 3600}
    answer(app, "POST", "start/any", events)
    answer(app, "POST", "start/all", {**events, "mode": "all"})
    answer(app, "POST", "start/late", {**events, "timeoutSeconds": 0.5})
    stops = [("any", "cancelled"), ("all", "cancelled"), ("all", "paid")]
    assert [answer(app, "POST", f"stop/{key}", {"event": event})[0] for key, event in stops] == [202] * 3
    views = [ended(app, key) for key in ("any", "all", "late")]
    assert [view["outcome"] for view in views] == ["completed", "completed", "timed_out"]
    assert [[one["event"] for one in view["events"]] for view in views] == [["cancelled"], ["cancelled", "paid"], []]


def poisoned(probe: StorageProbe, queue: str) -> set[bytes]:
    return {base64.b64decode(text) for text in probe.stored(f"{queue}-poison")}


def test_a_message_in_a_queue_stops_a_workflow_and_a_bad_one_is_kept_as_it_came(app: RunningApp, azurite: str) -> None:
    probe, queue = StorageProbe(azurite), f"{app.settings['TABLE_PREFIX']}-workflow-events"
    answer(app, "POST", "start/queued", {"waitFor": ["paid"]})
    probe.send(queue, json.dumps({"input": "queued", "event": "paid", "data": {"cents": 5}}))
    assert ended(app, "queued")["events"][0]["data"] == {"cents": 5}
    bad = [b'{ "input": "nobody"}', b"[1, 2]", b"\xff\x00"]
    for body in bad:
        probe.send(queue, base64.b64encode(body).decode(), raw=True)
    eventually(lambda: poisoned(probe, queue), lambda found: found >= set(bad))
    assert "is moved to 'workflow-events-poison': There is no workflow 'nobody'" in app.child.log_path.read_text()


def test_a_workflow_costs_nothing_while_it_waits_and_waits_on_when_the_host_was_away(
    app: RunningApp, supervisor: Supervisor
) -> None:
    answer(app, "POST", "start/patient", {"timeoutSeconds": 3600})
    wait_for(lambda: answer(app, "GET", "check/patient")[1]["runtimeStatus"] == "Running", timeout_s=60)
    before = app.history_sizes()["workflow:patient"]
    supervisor.stop(app.child)
    app.restart()
    live = answer(app, "GET", "check/patient")[1]
    assert (live["runtimeStatus"], live["waitingFor"]) == ("Running", ["Workflow"])
    assert app.history_sizes()["workflow:patient"] == before
    answer(app, "POST", "stop/patient", {"data": "after all"})
    assert ended(app, "patient")["events"][0]["data"] == "after all"
