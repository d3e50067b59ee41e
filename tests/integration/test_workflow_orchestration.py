"""The orchestration `workflow` in the real SDK and engine: which events end it, when its deadline does, and crashes."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from devhost.testing import Host, survive_every_crash
from tests.helpers.scrape_host import REPOSITORY

pytestmark = pytest.mark.filterwarnings("ignore:Potential duplicate Task completion")  # the SDK, of an event too many
ID = "workflow:order-7"
WEBHOOK = "/runtime/webhooks/durabletask"
SETTINGS = {"AzureWebJobs.daily_timer.Disabled": "true"}


def workflow_host() -> Host:
    return Host(REPOSITORY, settings=SETTINGS)


def asked(**fields: Any) -> dict[str, Any]:
    return {"input": "order-7", **fields}


async def started(host: Host, **fields: Any) -> str:
    return await host.start("workflow", asked(**fields), instance_id=ID)


async def is_running(host: Host) -> bool:
    return (await host.status(ID)).runtime_status == "Running"


def names_and_data(output: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(one["event"], one["data"]) for one in output["events"]]


async def test_a_workflow_waits_for_its_default_event_for_as_long_as_it_takes() -> None:
    async with workflow_host() as host:
        await started(host)
        await host.advance(days=1000)
        assert await is_running(host)
        await host.raise_event(ID, "Workflow", {"cents": 100})
        status = await host.status(ID)
    assert status.output == {
        "input": "order-7",
        "outcome": "completed",
        "events": [{"event": "Workflow", "data": {"cents": 100}, "receivedAt": "2028-09-27T00:00:00+00:00"}],
    }


async def test_waiting_runs_no_activity_and_adds_nothing_to_the_history() -> None:
    async with workflow_host() as host:
        await started(host)
        before = await host.history(ID)
        await host.advance(days=30)
        assert await host.history(ID) == before
        await host.raise_event(ID, "Workflow")
        host.calls.expect()


async def test_any_of_several_events_ends_the_workflow() -> None:
    async with workflow_host() as host:
        await started(host, waitFor=["paid", "cancelled"])
        await host.raise_event(ID, "cancelled", "by phone")
        output = (await host.status(ID)).output
    assert (output["outcome"], names_and_data(output)) == ("completed", [("cancelled", "by phone")])


async def test_all_events_end_the_workflow_in_whatever_order_they_come() -> None:
    async with workflow_host() as host:
        await started(host, waitFor=["packed", "paid", "checked"], mode="all")
        for minute, name in enumerate(["checked", "packed", "paid"]):
            assert await is_running(host)
            await host.raise_event(ID, name, minute)
            await host.advance(minutes=1)
        output = (await host.status(ID)).output
    assert names_and_data(output) == [("checked", 0), ("packed", 1), ("paid", 2)]
    assert [one["receivedAt"][11:16] for one in output["events"]] == ["00:00", "00:01", "00:02"]


@pytest.mark.parametrize("mode", ["any", "all"])
async def test_the_deadline_ends_the_workflow_and_its_events_stay_in_the_output(mode: str) -> None:
    async with workflow_host() as host:
        await started(host, waitFor=["paid", "packed"], mode=mode, timeoutSeconds=90)
        await host.advance(seconds=89)
        assert await is_running(host)
        await host.advance(seconds=1)
        assert (await host.status(ID)).output == {"input": "order-7", "outcome": "timed_out", "events": []}


async def test_a_deadline_in_the_middle_of_all_events_tells_which_had_come() -> None:
    async with workflow_host() as host:
        await started(host, waitFor=["paid", "packed"], mode="all", timeoutSeconds=90)
        await host.raise_event(ID, "packed")
        await host.advance(seconds=90)
        output = (await host.status(ID)).output
    assert (output["outcome"], names_and_data(output)) == ("timed_out", [("packed", None)])


async def test_a_workflow_that_has_its_event_ends_at_once_however_far_its_deadline_is() -> None:
    async with workflow_host() as host:
        await started(host, timeoutSeconds=366 * 24 * 3600)
        await host.advance(days=23)
        await host.raise_event(ID, "Workflow")
        status = await host.status(ID)
        assert (status.runtime_status, status.output["outcome"]) == ("Completed", "completed")


async def test_a_distant_deadline_comes_at_its_second() -> None:
    async with workflow_host() as host:
        await started(host, waitFor=["a", "b"], mode="all", timeoutSeconds=23 * 24 * 3600)
        await host.advance(days=11)
        await host.raise_event(ID, "b", 1)
        await host.advance(days=11, hours=23, minutes=59, seconds=59)
        assert await is_running(host)
        await host.advance(seconds=1)
        output = (await host.status(ID)).output
        assert len(await host.history(ID)) < 40
    assert (output["outcome"], names_and_data(output)) == ("timed_out", [("b", 1)])


async def test_events_on_both_sides_of_a_step_towards_the_deadline_complete_the_workflow() -> None:
    async with workflow_host() as host:
        await started(host, waitFor=["a", "b", "c"], mode="all", timeoutSeconds=23 * 24 * 3600)
        for name in ("c", "a", "b"):
            await host.raise_event(ID, name)
            await host.advance(days=5)
        output = (await host.status(ID)).output
    assert (output["outcome"], names_and_data(output)) == ("completed", [("c", None), ("a", None), ("b", None)])


async def test_of_an_event_that_comes_twice_the_first_counts() -> None:
    async with workflow_host() as host:
        await started(host, waitFor=["a", "b"], mode="all", timeoutSeconds=10 * 24 * 3600)
        await host.raise_event(ID, "a", "first")
        await host.raise_event(ID, "a", "second")
        await host.advance(days=6)
        await host.raise_event(ID, "a", "third")
        await host.raise_event(ID, "b")
        output = (await host.status(ID)).output
    assert names_and_data(output) == [("a", "first"), ("b", None)]


async def test_an_event_that_nobody_waits_for_changes_nothing() -> None:
    async with workflow_host() as host:
        await started(host)
        await host.raise_event(ID, "workflow")
        await host.raise_event(ID, "Other", 1)
        assert await is_running(host)
        await host.raise_event(ID, "Workflow", 2)
        assert names_and_data((await host.status(ID)).output) == [("Workflow", 2)]


async def test_events_that_come_while_the_workflow_is_suspended_count_when_it_goes_on() -> None:
    async with workflow_host() as host:
        await started(host, timeoutSeconds=60)
        await host.suspend(ID)
        await host.raise_event(ID, "Workflow", 1)
        await host.advance(seconds=60)
        await host.resume(ID)
        output = (await host.status(ID)).output
    assert (output["outcome"], names_and_data(output)) == ("completed", [("Workflow", 1)])


async def test_a_deadline_and_an_event_in_one_moment_end_it_once_by_what_the_history_has_first() -> None:
    async with workflow_host() as host:
        await started(host, timeoutSeconds=60)
        await host.suspend(ID)
        await host.advance(seconds=60)
        await host.raise_event(ID, "Workflow", 1)
        await host.resume(ID)
        output = (await host.status(ID)).output
        kinds = [one["EventType"] for one in await host.history(ID) if one["EventType"] in {11, 15}]
    assert kinds == [11, 15]
    assert (output["outcome"], output["events"]) == ("timed_out", [])


VALUES = [
    None,
    True,
    0,
    -1.5,
    10**30,
    "",
    "text",
    "5",
    "null",
    '{"a": 1}',
    "ä\u0000€😀",
    [],
    [[1], None],
    {"a": {"b": []}},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
async def test_data_of_every_json_type_arrives_as_it_was_sent(value: Any) -> None:
    async with workflow_host() as host:
        await started(host)
        await host.raise_event(ID, "Workflow", value)
        assert names_and_data((await host.status(ID)).output) == [("Workflow", value)]


@pytest.mark.parametrize("body", ['{"a": [1]}', "5", "null", '"text"', "[1]", '{"__class__": 1}'])
async def test_an_event_past_us_through_the_durable_api_arrives_too(body: str) -> None:
    async with workflow_host() as host:
        await started(host)
        url = f"{WEBHOOK}/instances/{ID}/raiseEvent/Workflow"
        headers = {"Content-Type": "application/json"}
        assert (await host.request("POST", url, body=body.encode(), headers=headers)).status == 202
        assert names_and_data((await host.status(ID)).output) == [("Workflow", json.loads(body))]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (None, "must be a JSON object"),
        ("5", "must be a JSON object"),
        ("[]", "must be a JSON object"),
        ('"order-7"', "must be a JSON object"),
        ("{}", "'input': the key of the workflow must be a string"),
        ('{"input": "a b"}', "'input': 'a b' cannot be a key: it must begin with"),
        ('{"input": "a", "waitFor": "b"}', "'waitFor' must be a list of 1 to 20 event names"),
        ('{"input": "a", "waitFor": ["A", "a"]}', "'waitFor' has an event twice"),
        ('{"input": "a", "mode": "one"}', "'mode' must be"),
        ('{"input": "a", "timeoutSeconds": -1}', "'timeoutSeconds' must be a number above 0"),
        ('{"input": "a", "wait": 1}', "unknown field 'wait'; known: input, waitFor"),
        ('{"input": "a", "data": {"__class__": "C", "__module__": "m", "__data__": 1}}', "cannot be read"),
    ],
)
async def test_a_workflow_started_past_us_with_an_input_of_no_use_fails_and_says_why(
    body: str | None, reason: str
) -> None:
    async with workflow_host() as host:
        url = f"{WEBHOOK}/orchestrators/workflow/x"
        assert (await host.request("POST", url, body=body.encode() if body else None)).status == 202
        status = await host.status("x")
    assert status.runtime_status == "Failed"
    assert reason in str(status.output)


async def all_then_late(host: Host, _world: Any = None) -> Any:
    """Events before and after a step of the deadline, one of them twice, and what came of it."""
    await started(host, waitFor=["a", "b", "c"], mode="all", timeoutSeconds=12 * 24 * 3600)
    await host.raise_event(ID, "b", 1)
    await host.raise_event(ID, "b", 2)
    await host.advance(days=6)
    await host.raise_event(ID, "a", 3)
    await host.raise_event(ID, "c", 4)
    return (await host.wait_for(ID)).output


async def test_a_workflow_survives_a_crash_of_the_host_at_every_write() -> None:
    report = await survive_every_crash(REPOSITORY, all_then_late, settings=SETTINGS)
    assert names_and_data(report.outcome) == [("b", 1), ("a", 3), ("c", 4)]
    assert report.crashes >= 20


async def test_a_deadline_survives_a_crash_of_the_host_at_every_write() -> None:
    async def scenario(host: Host, _world: Any = None) -> Any:
        await started(host, waitFor=["a", "b"], mode="all", timeoutSeconds=7 * 24 * 3600)
        await host.raise_event(ID, "b", 1)
        return (await host.wait_for(ID, within=timedelta(days=8))).output

    report = await survive_every_crash(REPOSITORY, scenario, settings=SETTINGS)
    assert (report.outcome["outcome"], names_and_data(report.outcome)) == ("timed_out", [("b", 1)])
