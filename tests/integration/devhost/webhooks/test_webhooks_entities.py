"""Entities through the management API: over HTTP as anyone may call it, and by the SDK's own client."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.durable.hub import TaskHub
from tests.helpers.durable_hub import running_hub
from tests.helpers.sdk_entities import counter, log

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

JSON = {"Content-Type": "application/json"}


def keep_input(context: df.DurableEntityContext) -> None:
    """The state is the operation's name and its input as the SDK receives it."""
    context.set_state([context.operation_name, context._input])


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[TaskHub]:
    entities = {"Counter": counter, "log": log, "keeper": keep_input}
    async with running_hub(tmp_path / "hub.sqlite", {}, entities=entities) as hub:
        yield hub


async def expect_state(webhooks, path: str, wanted: Any) -> Any:
    """The state once it is the wanted one; fails with the last answer."""
    deadline = time.monotonic() + 60
    while True:
        answer = await webhooks.call("GET", f"entities/{path}")
        if answer.status == 200 and answer.json == wanted:
            return answer.json
        assert time.monotonic() < deadline, answer
        await asyncio.sleep(0.01)


async def test_a_signal_is_202_and_empty_and_its_state_can_be_read(webhooks):
    answer = await webhooks.call("POST", "entities/Counter/k1?op=add", json=json.dumps(5))
    assert (answer.status, answer.body) == (202, b"")
    await expect_state(webhooks, "counter/k1", 5)


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b'{ "a" : 1 }', JSON, '{"a":1}'),
        (b"5", JSON, "5"),
        (b'"\\"five\\""', JSON, '"\\"five\\""'),
        ("größer".encode(), {"Content-Type": "text/plain"}, '"größer"'),
        (b"", JSON, None),
        (None, {}, None),
    ],
)
async def test_json_is_passed_on_compactly_text_as_a_json_string_and_nothing_as_null(webhooks, body, headers, expected):
    answer = await webhooks.call("POST", "entities/keeper/k?op=Do", data=body, headers=headers)
    assert answer.status == 202
    await expect_state(webhooks, "keeper/k", ["Do", expected])


async def test_a_body_that_is_no_json_is_400(webhooks):
    answer = await webhooks.call("POST", "entities/keeper/k?op=Do", data=b"{", headers=JSON)
    assert answer.status == 400
    assert "not valid JSON" in answer.json["ExceptionMessage"]


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_an_unknown_entity_name_is_400_with_a_message(webhooks, method):
    answer = await webhooks.call(method, "entities/nobody/k?op=add")
    assert (answer.status, answer.json["Message"]) == (400, "One or more of the arguments submitted is incorrect")
    assert "The function 'nobody' doesn't exist" in answer.json["ExceptionMessage"]


@pytest.mark.parametrize("path", ["entities/counter/none", "entities/nobody/k", "entities/a/b/c"])
async def test_an_entity_that_does_not_exist_is_404_without_a_body(webhooks, path):
    answer = await webhooks.call("GET", path)
    assert (answer.status, answer.body) == (404, b"")


async def test_a_dollar_means_the_empty_key(webhooks):
    await webhooks.call("POST", "entities/keeper/$?op=x")
    await expect_state(webhooks, "keeper/$", ["x", None])
    answer = await webhooks.call("GET", "instances/@keeper@")
    assert answer.status == 202


@pytest.mark.parametrize("key", ["a%2Fb", "a@b", "%C3%A9+x", "%25"])
async def test_a_key_may_hold_anything(webhooks, key):
    await webhooks.call("POST", f"entities/keeper/{key}?op=x")
    await expect_state(webhooks, f"keeper/{key}", ["x", None])


async def test_delete_is_202_and_signals_the_operation_delete(webhooks):
    await webhooks.call("POST", "entities/keeper/k?op=x")
    await expect_state(webhooks, "keeper/k", ["x", None])
    answer = await webhooks.call("DELETE", "entities/Keeper/k")
    assert (answer.status, answer.body) == (202, b"")
    await expect_state(webhooks, "keeper/k", ["delete", None])


async def test_entities_are_listed_by_name_with_states_only_on_demand(webhooks):
    await webhooks.call("POST", "entities/keeper/a?op=x")
    await webhooks.call("POST", "entities/log/b?op=append", json='"one"')
    await expect_state(webhooks, "keeper/a", ["x", None])
    await expect_state(webhooks, "log/b", ["one"])
    everything = await webhooks.call("GET", "entities")
    logs = await webhooks.call("GET", "entities/Log?fetchState=true")
    assert everything.status == 200
    assert [(one["entityId"], one["state"]) for one in everything.json] == [
        ({"name": "keeper", "key": "a"}, None),
        ({"name": "log", "key": "b"}, None),
    ]
    assert [(one["entityId"]["key"], one["state"]) for one in logs.json] == [("b", ["one"])]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", logs.json[0]["lastOperationTime"])


async def test_the_list_comes_in_pages(webhooks):
    for key in "abc":
        await webhooks.call("POST", f"entities/keeper/{key}?op=x")
        await expect_state(webhooks, f"keeper/{key}", ["x", None])
    first = await webhooks.call("GET", "entities/?top=2")
    token = first.headers["x-ms-continuation-token"]
    rest = await webhooks.call("GET", "entities?top=2", headers={"x-ms-continuation-token": token})
    assert [one["entityId"]["key"] for one in [*first.json, *rest.json]] == ["a", "b", "c"]
    assert rest.headers["x-ms-continuation-token"] == ""


async def test_the_list_can_be_limited_by_the_time_of_the_last_operation(webhooks):
    await webhooks.call("POST", "entities/keeper/k?op=x")
    await expect_state(webhooks, "keeper/k", ["x", None])
    since = await webhooks.call("GET", "entities?lastOperationTimeFrom=2020-01-01T00:00:00Z")
    until = await webhooks.call("GET", "entities?lastOperationTimeTo=2020-01-01T00:00:00Z")
    bad = await webhooks.call("GET", "entities?lastOperationTimeTo=yesterday")
    assert (len(since.json), until.json, bad.status) == (1, [], 400)


async def test_an_entity_shows_among_the_instances_and_can_be_purged_as_one(webhooks):
    await webhooks.call("POST", "entities/keeper/k?op=x")
    await expect_state(webhooks, "keeper/k", ["x", None])
    listed = await webhooks.call("GET", "instances?runtimeStatus=Running")
    status = await webhooks.call("GET", "instances/@keeper@k?showHistory=true")
    terminate = await webhooks.call("POST", "instances/@keeper@k/terminate")
    event = await webhooks.call("POST", "instances/@keeper@k/raiseEvent/x", json=1)
    purge = await webhooks.call("DELETE", "instances/@keeper@k")
    gone = await webhooks.call("GET", "entities/keeper/k")
    assert [(one["instanceId"], one["name"], one["runtimeStatus"]) for one in listed.json] == [
        ("@keeper@k", "@keeper", "Running")
    ]
    assert (status.status, status.json["input"], status.json["customStatus"]) == (
        202,
        {"exists": True, "state": '["x", null]'},
        {"entityExists": True},
    )
    assert status.json["historyEvents"] == []
    assert (terminate.status, event.status, purge.json, gone.status) == (404, 404, {"instancesDeleted": 1}, 404)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_another_method_is_404(webhooks, method):
    assert (await webhooks.call(method, "entities/keeper/k")).status == 404


# ---- the SDK's client


async def expect_read(client, entity: df.EntityId, wanted: Any) -> Any:
    deadline = time.monotonic() + 60
    while True:
        found = await client.read_entity_state(entity)
        if found.entity_exists and found.entity_state == wanted:
            return found
        assert time.monotonic() < deadline, found.entity_state
        await asyncio.sleep(0.01)


async def test_the_sdk_signals_and_reads(client):
    entity = df.EntityId("Counter", "k1")
    assert (await client.read_entity_state(entity)).entity_exists is False
    assert await client.signal_entity(entity, "add", 3) is None
    await client.signal_entity(entity, "add", 4)
    await expect_read(client, entity, 7)


async def test_the_sdk_signals_without_input(client):
    entity = df.EntityId("keeper", "k")
    await client.signal_entity(entity, "reset")
    await expect_read(client, entity, ["reset", None])


async def test_the_sdk_reads_a_state_that_is_an_object(client):
    entity = df.EntityId("log", "k")
    await client.signal_entity(entity, "append", {"a": [1, None]})
    await expect_read(client, entity, [{"a": [1, None]}])


async def test_the_sdk_raises_for_an_unknown_entity(client):
    with pytest.raises(Exception, match="unexpected status code 400"):
        await client.signal_entity(df.EntityId("nobody", "k"), "add", 1)


async def test_the_sdk_lists_instances_with_entities_among_them(client):
    entity = df.EntityId("keeper", "k")
    await client.signal_entity(entity, "x")
    await expect_read(client, entity, ["x", None])
    (only,) = await client.get_status_all()
    assert (only.instance_id, only.name, only.runtime_status.name) == ("@keeper@k", "@keeper", "Running")
