"""Workflows by key, over the routes and the queue of this app: tickets in Azurite, the rest in the test kit."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from devhost.testing import Host
from scraper import clock
from scraper.settings import Settings
from storage.store import Store, open_store
from storage.ticket import Ticket, TicketState
from tests.helpers.scrape_host import REPOSITORY, app_queue
from triggers.workflows import event_queue as workflow_events
from triggers.workflows import state as workflow_state
from triggers.workflows.signals import raise_workflow_event

EVENTS = "workflow-events"
TYPE = "application/problem+json"


@pytest.fixture
def settings(azurite: str, table_prefix: str) -> dict[str, str]:
    return {
        "AzureWebJobsStorage": azurite,
        "TABLE_PREFIX": table_prefix,
        "AzureWebJobs.daily_timer.Disabled": "true",
    }


@pytest.fixture
async def host(settings: dict[str, str]) -> AsyncIterator[Host]:
    async with Host(REPOSITORY, settings=settings) as host:
        await host.send_message(app_queue(EVENTS), "")  # makes the queue, and is the first bad message
        yield host


@pytest.fixture
async def store(settings: dict[str, str]) -> AsyncIterator[Store]:
    store = open_store(
        Settings(storage_connection=settings["AzureWebJobsStorage"], table_prefix=settings["TABLE_PREFIX"])
    )
    yield store
    await store.tables.close()


async def post(host: Host, path: str, body: Any = None) -> tuple[int, Any]:
    reply = await host.request("POST", f"/api/{path}", **({} if body is None else {"json": body}))
    return reply.status, reply.json()


async def check(host: Host, key: str) -> dict[str, Any]:
    reply = await host.request("GET", f"/api/check/{key}")
    assert reply.status == 200
    view: dict[str, Any] = reply.json()
    return view


async def refused(host: Host, path: str, body: Any = None) -> tuple[int, str]:
    status, problem = await post(host, path, body)
    assert problem["status"] == status
    return status, problem["detail"]


async def test_a_live_workflow_shows_what_it_waits_for_and_until_when(host: Host) -> None:
    body = {"waitFor": ["paid", "packed"], "mode": "all", "timeoutSeconds": 60, "data": {"order": 7}}
    status, accepted = await post(host, "start/order-7", body)
    await post(host, "stop/order-7", {"event": "packed", "data": 1})
    links = {name: f"http://localhost:7071/api/{name}/order-7" for name in ("check", "stop")}
    assert (status, accepted) == (202, {"input": "order-7", "instanceId": "workflow:order-7", "links": links})
    assert await check(host, "order-7") == {
        "input": "order-7",
        "instanceId": "workflow:order-7",
        "runtimeStatus": "Running",
        "outcome": None,
        "reason": "",
        "waitFor": ["paid", "packed"],
        "mode": "all",
        "waitingFor": ["paid"],
        "deadline": "2026-01-01T00:01:00+00:00",
        "data": {"order": 7},
        "events": [{"event": "packed", "receivedAt": "2026-01-01T00:00:00+00:00"}],
        "startedAt": "2026-01-01T00:00:00+00:00",
        "endedAt": None,
        "links": links,
    }


async def test_a_workflow_that_has_ended_shows_its_outcome_and_the_data_of_its_events(host: Host) -> None:
    await post(host, "start/order-7", {"data": "x"})
    await host.advance(minutes=3)
    status, accepted = await post(host, "stop/order-7", {"data": {"by": "phone"}})
    assert (status, accepted["event"]) == (202, "Workflow")
    view = await check(host, "order-7")
    assert view["events"] == [{"event": "Workflow", "data": {"by": "phone"}, "receivedAt": "2026-01-01T00:03:00+00:00"}]
    told = {name: view[name] for name in ("runtimeStatus", "outcome", "waitingFor", "data", "endedAt")}
    assert told == {
        "runtimeStatus": "Completed",
        "outcome": "completed",
        "waitingFor": [],
        "data": "x",
        "endedAt": "2026-01-01T00:03:00+00:00",
    }


async def test_the_list_has_the_workflows_that_live_and_nothing_else(host: Host) -> None:
    await post(host, "start/first", {"waitFor": ["paid", "packed"], "mode": "all", "timeoutSeconds": 3600})
    await host.advance(seconds=2)
    for key in ("second", "ended"):
        await post(host, f"start/{key}")
    await post(host, "stop/ended")
    await host.start("welcome", None, instance_id="workflow:of-another-orchestrator")
    listed = (await host.request("GET", "/api/workflows")).json()
    assert ([one["input"] for one in listed["workflows"]], listed["isWhole"]) == (["first", "second"], True)
    assert listed["workflows"][0] == {
        "input": "first",
        "instanceId": "workflow:first",
        "runtimeStatus": "Running",
        "waitFor": ["paid", "packed"],
        "mode": "all",
        "deadline": "2026-01-01T01:00:00+00:00",
        "startedAt": "2026-01-01T00:00:00+00:00",
        "links": {name: f"http://localhost:7071/api/{name}/first" for name in ("check", "stop")},
    }


async def test_answers_say_where_to_look_and_when(host: Host) -> None:
    started = await host.request("POST", "/api/start/a")
    assert (started.headers["Location"], started.headers["Retry-After"]) == ("http://localhost:7071/api/check/a", "1")
    assert (await host.request("GET", "/api/check/a")).headers["Retry-After"] == "2"
    stopped = await host.request("POST", "/api/stop/a")
    assert stopped.headers["Location"] == "http://localhost:7071/api/check/a"
    assert "Retry-After" not in (await host.request("GET", "/api/check/a")).headers


async def test_a_key_that_was_never_started_is_not_found(host: Host) -> None:
    expected = (404, "There is no workflow 'nobody': it was never started, or its history was purged.")
    assert await refused(host, "stop/nobody") == expected
    reply = await host.request("GET", "/api/check/nobody")
    assert (reply.status, reply.headers["Content-Type"], reply.json()["detail"]) == (404, TYPE, expected[1])


async def test_a_second_start_is_refused_while_the_workflow_lives_and_starts_a_new_one_when_it_has_ended(
    host: Host,
) -> None:
    await post(host, "start/a", {"data": 1})
    status, problem = await post(host, "start/a", {"data": 2})
    assert (status, problem["detail"], problem["epoch"]) == (409, "The workflow 'a' is live already.", 1)
    await post(host, "stop/a")
    assert (await post(host, "start/a", {"data": 3}))[0] == 202
    view = await check(host, "a")
    assert (view["outcome"], view["data"], view["events"]) == (None, 3, [])


async def test_a_stop_after_the_end_is_refused_with_the_outcome(host: Host) -> None:
    await post(host, "start/a", {"timeoutSeconds": 5})
    await host.advance(seconds=5)
    status, problem = await post(host, "stop/a")
    assert (status, problem["outcome"]) == (409, "timed_out")
    assert problem["detail"] == "The workflow 'a' has ended: timed_out."


async def test_a_terminated_workflow_says_so_with_the_reason(host: Host) -> None:
    await post(host, "start/a")
    await host.terminate("workflow:a", "by hand")
    view = await check(host, "a")
    assert (view["runtimeStatus"], view["outcome"], view["reason"]) == ("Terminated", "terminated", "by hand")
    assert (await refused(host, "stop/a")) == (409, "The workflow 'a' has ended: terminated.")


async def test_an_event_that_the_workflow_does_not_wait_for_is_refused_with_those_it_does(host: Host) -> None:
    await post(host, "start/a", {"waitFor": ["paid", "packed"]})
    status, problem = await post(host, "stop/a")
    assert (status, problem["waitFor"]) == (400, ["paid", "packed"])
    assert problem["detail"] == (
        "'event': the workflow 'a' does not wait for 'Workflow'; it waits for any of: paid, packed."
    )
    assert (await check(host, "a"))["outcome"] is None


async def test_keys_differ_by_case_and_are_never_trimmed(host: Host) -> None:
    await post(host, "start/Order")
    assert (await refused(host, "stop/order"))[0] == 404
    assert (await refused(host, "stop/%20Order"))[0] == 400


BAD_KEYS = ["%20a", "a%20b", "-a", ".a", "a:b", "a%5Cb", "a%23", "a%3Fb", "a%25b", "%C3%A4", "a%0A", "@a", "a" * 201]


async def test_a_key_that_an_instance_id_cannot_hold_is_refused_and_says_why(host: Host) -> None:
    routes = [("POST", "start"), ("GET", "check"), ("POST", "stop")]
    replies = [await host.request(method, f"/api/{name}/{key}") for method, name in routes for key in BAD_KEYS]
    assert [reply.status for reply in replies] == [400] * 3 * len(BAD_KEYS)
    assert all("cannot be the key of a workflow: it " in reply.json()["detail"] for reply in replies)


async def test_a_body_of_no_use_is_refused_with_the_field(host: Host) -> None:
    detail = '\'mode\' must be "any" (the first event ends the workflow) or "all".'
    assert await refused(host, "start/a", {"mode": "one"}) == (400, detail)
    assert await refused(host, "stop/a", {"name": "x"}) == (400, "unknown field 'name'; known: event, data.")
    assert (await host.request("GET", "/api/check/a")).status == 404


HARD_DATA = [
    {"__class__": "C", "__module__": "os", "__data__": 1},
    "5",
    5,
    None,
    "2026-01-01T00:00:00Z",
    10**30,
    json.loads("[" * 49 + "]" * 49),
    "x" * 32_000,
]


@pytest.mark.parametrize("data", HARD_DATA, ids=[str(one)[:20] for one in HARD_DATA])
async def test_data_goes_through_as_it_was_sent(host: Host, data: Any) -> None:
    await post(host, "start/a", {"data": data})
    await post(host, "stop/a", {"data": data})
    view = await check(host, "a")
    assert (view["data"], view["events"][0]["data"]) == (data, data)


async def test_commands_are_no_get_requests(host: Host) -> None:
    assert [(await host.request("GET", f"/api/{name}/a")).status for name in ("start", "stop")] == [404, 404]


def starting(*, age: timedelta = timedelta(0)) -> Ticket:
    return Ticket(
        "workflow:workflow:a", "workflow:a", TicketState.STARTING, clock.utc_now() - age, "http", "c", epoch=1
    )


async def test_a_workflow_whose_start_is_on_its_way_is_pending_and_cannot_be_stopped_yet(
    host: Host, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow_state, "PATIENCE", timedelta(0))
    await store.tickets.insert(starting())
    view = await check(host, "a")
    assert (view["runtimeStatus"], view["outcome"], view["events"]) == ("Pending", None, [])
    assert await refused(host, "stop/a") == (409, "The workflow 'a' is only being started; try again in a moment.")


async def test_a_start_that_died_on_its_way_leaves_no_workflow_after_its_grace(host: Host, store: Store) -> None:
    await store.tickets.insert(starting(age=timedelta(seconds=61)))
    assert (await refused(host, "stop/a"))[0] == 404
    assert (await post(host, "start/a"))[0] == 202


async def test_another_orchestration_under_the_id_of_a_workflow_is_none(host: Host) -> None:
    await host.start("scrape_lane", {}, instance_id="workflow:a")
    assert (await host.request("GET", "/api/check/a")).status == 404
    assert (await refused(host, "stop/a"))[0] == 404


@pytest.mark.parametrize("name", ["workflow", "Workflow"])
async def test_a_workflow_started_past_us_can_be_seen_and_stopped(host: Host, name: str) -> None:
    url = f"/runtime/webhooks/durabletask/orchestrators/{name}/workflow:a"
    assert (await host.request("POST", url, json={"input": "a", "data": [1]})).status == 202
    assert (await check(host, "a"))["data"] == [1]
    assert (await post(host, "stop/a"))[0] == 202
    assert (await check(host, "a"))["outcome"] == "completed"


async def test_a_workflow_that_failed_for_its_input_says_why(host: Host) -> None:
    url = "/runtime/webhooks/durabletask/orchestrators/workflow/workflow:a"
    await host.request("POST", url, json={"input": "a", "mode": 1})
    view = await check(host, "a")
    assert (view["outcome"], view["mode"], view["waitFor"]) == ("failed", None, [])
    assert "'mode' must be" in view["reason"]


def poisoned(host: Host) -> list[str]:
    first, *others = host.messages(f"{app_queue(EVENTS)}-poison")
    assert first == ""
    return others


async def test_a_message_raises_the_event_that_it_names(host: Host) -> None:
    await post(host, "start/a", {"waitFor": ["paid"]})
    await host.send_message(app_queue(EVENTS), {"input": "a", "event": "paid", "data": {"cents": 5}})
    assert (await check(host, "a"))["events"][0]["data"] == {"cents": 5}
    assert (poisoned(host), host.messages(app_queue(EVENTS))) == ([], [])


async def test_a_message_without_an_event_raises_the_default_one(host: Host) -> None:
    await post(host, "start/a")
    await host.send_message(app_queue(EVENTS), {"input": "a"})
    assert (await check(host, "a"))["outcome"] == "completed"


BAD_MESSAGES = [
    ("{", "the message is not JSON"),
    ("[1, 2]", "the message must be a JSON object"),
    ('{"event": "Workflow"}', "'input': the key of the workflow must be a string"),
    ('{"input": "a b"}', "'a b' cannot be the key of a workflow"),
    ('{"input": "live", "events": 1}', "unknown field 'events'; known: input, event, data"),
    ('{"input": "live", "event": "other"}', "does not wait for 'other'"),
    ('{ "input" : "nobody"}', "There is no workflow 'nobody'"),
    ('{"input": "ended"}', "The workflow 'ended' has ended: completed."),
]


@pytest.mark.parametrize(("message", "reason"), BAD_MESSAGES, ids=[reason for _, reason in BAD_MESSAGES])
async def test_a_bad_message_is_moved_to_the_poison_queue_as_it_came_with_its_reason_in_the_log(
    host: Host, message: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    await post(host, "start/live")
    await post(host, "start/ended")
    await post(host, "stop/ended")
    caplog.clear()
    await host.send_message(app_queue(EVENTS), message)
    assert host.messages(app_queue(EVENTS)) == []
    assert poisoned(host) == [message]
    (told,) = logged(caplog)
    assert told.startswith("a message of 'workflow-events' is moved to 'workflow-events-poison': ")
    assert reason in told
    assert (await check(host, "live"))["outcome"] is None


async def test_a_message_that_is_no_text_is_a_bad_message_of_ours(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    caplog.clear()
    await host.send_message(app_queue(EVENTS), b"\xff\xfe\xff")
    assert host.messages(app_queue(EVENTS)) == []
    assert ["the message is not JSON that can be read" in one for one in logged(caplog)] == [True]


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == "triggers.workflows.event_queue"]


def breaks_once(monkeypatch: pytest.MonkeyPatch, *, after_the_event: bool) -> None:
    """The first message breaks off, before or after its event has been raised."""
    faults = [OSError("the network is gone")]

    async def raise_event(*args: Any, **kwargs: Any) -> None:
        if after_the_event or not faults:
            await raise_workflow_event(*args, **kwargs)
        for fault in faults:
            faults.clear()
            raise fault

    monkeypatch.setattr(workflow_events, "raise_workflow_event", raise_event)


@pytest.mark.parametrize("after_the_event", [False, True], ids=["before the event", "after the event"])
async def test_a_message_that_a_fault_interrupts_is_delivered_again_and_is_no_bad_message(
    host: Host, monkeypatch: pytest.MonkeyPatch, after_the_event: bool
) -> None:
    breaks_once(monkeypatch, after_the_event=after_the_event)
    await post(host, "start/a")
    await host.send_message(app_queue(EVENTS), {"input": "a", "data": 1})
    await host.advance(minutes=5)
    assert (await check(host, "a"))["events"][0]["data"] == 1
    assert (host.messages(app_queue(EVENTS)), poisoned(host)) == ([], [])
