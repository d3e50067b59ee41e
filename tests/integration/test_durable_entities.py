"""Entities of a task hub over a SQLite file, with the real SDK."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.durable.entities.entity import EntityId, EntityQuery
from devhost.durable.errors import InstanceNotFound, UnknownFunction
from devhost.durable.hub import TaskHub
from devhost.durable.instance import Instance, InstanceQuery, RuntimeStatus
from devhost.durable.store.store import Store
from tests.helpers.durable_hub import rows, rows_are, running_hub, wait_until
from tests.helpers.sdk_entities import as_client_sends, counter, log

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

Context = df.DurableOrchestrationContext
EntityContext = df.DurableEntityContext
Steps = Generator[Any, Any, Any]
ENTITIES = {"counter": counter, "log": log}
K1 = EntityId("counter", "k1")
LOG = EntityId("log", "all")


def no_batch() -> dict[str, list[Exception]]:
    """Faults that keep every operation waiting."""
    return {"load_batch": [sqlite3.OperationalError("disk full")] * 10_000}


def double(value: int) -> int:
    return value * 2


def wait_for_go(context: Context) -> Steps:
    return (yield context.wait_for_external_event("go"))


async def run(hub: TaskHub, name: str, instance_id: str | None = None) -> Instance:
    own_id = await hub.create_instance(name, instance_id=instance_id, input_text=None)
    ended = await hub.wait_until_finished(own_id, 20)
    assert ended is not None, f"{name} is still {await hub.get_instance(own_id)}"
    return ended


async def state_is(hub: TaskHub, entity_id: EntityId, wanted: Any) -> None:
    async def read() -> Any:
        found = await hub.read_entity(entity_id)
        return None if found is None or found.state_text is None else json.loads(found.state_text)

    await wait_until(read, lambda state: state == wanted)


def call_counter(context: Context) -> Steps:
    entity = df.EntityId("Counter", "k1")
    yield context.call_entity(entity, "add", 5)
    yield context.call_entity(entity, "add", 2)
    return (yield context.call_entity(entity, "get"))


async def test_an_orchestrator_gets_the_results_of_its_calls(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub.sqlite", {"main": call_counter}, entities=ENTITIES) as hub:
        ended = await run(hub, "main")
        found = await hub.read_entity(EntityId("COUNTER", "k1"))
    assert ended.output_text == "7"
    assert found is not None
    assert (str(found.entity_id), found.state_text) == ("@counter@k1", "7")


@pytest.mark.row("durable/5.3/event-sent", "durable/5.3/guid-persists", "durable/5.3/response")
async def test_a_call_is_in_the_history_before_its_response_and_under_the_same_guid(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub.sqlite", {"main": call_counter}, entities=ENTITIES) as hub:
        ended = await run(hub, "main", "caller")
        history = await hub.history("caller")
    sent, raised, *_ = (event for event in history if event["EventType"] in (14, 15))
    assert (sent["EventType"], sent["EventId"], sent["InstanceId"], sent["Name"]) == (14, 0, "@counter@k1", "op")
    assert json.loads(sent["Input"]) == {
        "op": "add",
        "input": '"5"',
        "id": raised["Name"],
        "parent": "caller",
        "parentExecution": ended.execution_id,
    }
    assert (raised["EventType"], raised["Input"]) == (15, '{"result":"5"}')


@pytest.mark.row("durable/5.3/signal-flag")
async def test_a_signal_from_an_orchestrator_is_not_waited_for(tmp_path: Path) -> None:
    def signals(context: Context) -> Steps:
        for number in range(3):
            context.signal_entity(df.EntityId("log", "all"), "append", number)
        yield context.call_activity("double", 1)

    async with running_hub(tmp_path / "hub.sqlite", {"main": signals}, {"double": double}, entities=ENTITIES) as hub:
        ended = await run(hub, "main", "sender")
        await state_is(hub, LOG, [0, 1, 2])
        history = await hub.history("sender")
    assert ended.runtime_status is RuntimeStatus.COMPLETED
    assert [json.loads(event["Input"])["signal"] for event in history if event["EventType"] == 14] == [True] * 3


async def test_an_operation_that_raises_raises_in_its_caller_and_keeps_what_it_has_changed(tmp_path: Path) -> None:
    def fails(context: Context) -> Steps:
        try:
            yield context.call_entity(df.EntityId("counter", "k1"), "fail")
        except Exception as error:
            return str(error)

    async with running_hub(tmp_path / "hub.sqlite", {"main": fails}, entities=ENTITIES) as hub:
        ended = await run(hub, "main")
        await state_is(hub, K1, 1)
    assert ended.output_text == '"bad op"'


@pytest.mark.parametrize("what", ["call", "signal"])
async def test_an_unknown_entity_fails_the_orchestration_with_the_names_of_the_known_ones(
    tmp_path: Path, what: str
) -> None:
    def asks(context: Context) -> Steps:
        if what == "call":
            yield context.call_entity(df.EntityId("Nobody", "k"), "get")
        context.signal_entity(df.EntityId("Nobody", "k"), "add", 1)
        yield context.call_activity("double", 1)

    async with running_hub(tmp_path / "hub.sqlite", {"asks": asks}, {"double": double}, entities=ENTITIES) as hub:
        ended = await run(hub, "asks")
    assert ended.output_text == (
        "Orchestrator function 'asks' failed: The function 'nobody' doesn't exist, is disabled, or is not an entity "
        "function. Additional info: The following are the known entity functions: 'counter', 'log'."
    )


async def test_a_hundred_calls_at_once_are_all_answered(tmp_path: Path) -> None:
    def fan_out(context: Context) -> Steps:
        entity = df.EntityId("counter", "k1")
        totals = yield context.task_all([context.call_entity(entity, "add", 1) for _ in range(100)])
        return totals == list(range(1, 101))

    async with running_hub(tmp_path / "hub.sqlite", {"main": fan_out}, entities=ENTITIES) as hub:
        ended = await run(hub, "main")
        await state_is(hub, K1, 100)
    assert ended.output_text == "true"


async def test_an_instance_ends_without_the_response_that_it_does_not_need(tmp_path: Path) -> None:
    may_end = threading.Event()

    def slow(context: EntityContext) -> None:
        may_end.wait(10)
        context.set_state("done")

    def impatient(context: Context) -> Steps:
        call = context.call_entity(df.EntityId("slow", "k"), "work")
        timer = context.create_timer(context.current_utc_datetime + timedelta(milliseconds=20))
        winner = yield context.task_any([call, timer])
        return winner == timer

    path = tmp_path / "hub.sqlite"
    async with running_hub(path, {"main": impatient}, entities={"slow": slow}) as hub:
        ended = await run(hub, "main")
        may_end.set()
        await state_is(hub, EntityId("slow", "k"), "done")
    assert (ended.runtime_status, ended.output_text) == (RuntimeStatus.COMPLETED, "true")
    assert rows(path, "inbox") == 0


async def test_a_late_response_does_not_reach_the_next_generation(tmp_path: Path) -> None:
    may_end = threading.Event()

    def slow(context: EntityContext) -> None:
        may_end.wait(10)
        context.set_result("late")

    def restless(context: Context) -> Steps:
        if context.get_input() == "again":
            return (yield context.wait_for_external_event("go"))
        call = context.call_entity(df.EntityId("slow", "k"), "work")
        timer = context.create_timer(context.current_utc_datetime + timedelta(milliseconds=20))
        yield context.task_any([call, timer])
        context.continue_as_new("again")

    path = tmp_path / "hub.sqlite"
    async with running_hub(path, {"main": restless}, entities={"slow": slow}) as hub:
        await hub.create_instance("main", instance_id="m", input_text=None)
        await wait_until(lambda: hub.history("m"), lambda found: bool(found) and found[1]["Generation"] == 1)
        may_end.set()
        await rows_are(path, "entity_operations", 0)
        await hub.raise_event("m", "go", '"went"')
        ended = await hub.wait_until_finished("m", 10)
        history = await hub.history("m")
    assert ended is not None
    assert ended.output_text == '"went"'
    assert [event["Name"] for event in history if event["EventType"] == 15] == ["go"]


async def test_a_response_waits_for_a_suspended_caller_and_finds_no_terminated_one(tmp_path: Path) -> None:
    may_end = threading.Event()

    def slow(context: EntityContext) -> None:
        may_end.wait(10)
        context.set_result("late")

    def main(context: Context) -> Steps:
        return (yield context.call_entity(df.EntityId("slow", context.instance_id), "work"))

    path = tmp_path / "hub.sqlite"
    async with running_hub(path, {"main": main}, entities={"slow": slow}) as hub:
        for own_id in ("paused", "ended"):
            await hub.create_instance("main", instance_id=own_id, input_text=None)
        await rows_are(path, "entity_operations", 2)
        await hub.suspend("paused", "x")
        await hub.terminate("ended", "x")
        may_end.set()
        await rows_are(path, "entity_operations", 0)
        waiting = rows(path, "inbox")
        await hub.resume("paused", "x")
        paused, ended = await hub.wait_until_finished("paused", 10), await hub.get_instance("ended")
    assert waiting == 2  # the suspension and the response, and nothing for the terminated one
    assert paused is not None
    assert paused.output_text == '"late"'
    assert ended is not None
    assert ended.runtime_status is RuntimeStatus.TERMINATED


async def test_an_entity_behind_the_gate_gets_nothing_before_the_gate_opens(tmp_path: Path) -> None:
    """A failed task_all holds back what follows until its last member has reported."""

    def held(context: Context) -> Steps:
        try:
            yield context.task_all([context.call_activity("boom"), context.wait_for_external_event("go")])
        except Exception:
            context.signal_entity(df.EntityId("counter", "k1"), "add", 1)
        return "over"

    def boom(value: Any) -> None:
        raise ValueError("boom")

    path = tmp_path / "hub.sqlite"
    async with running_hub(path, {"main": held}, {"boom": boom}, entities=ENTITIES) as hub:
        await hub.create_instance("main", instance_id="m", input_text=None)
        await wait_until(lambda: hub.history("m"), lambda found: [one["EventType"] for one in found].count(13) == 2)
        before = await hub.read_entity(K1)
        await hub.raise_event("m", "go", "1")
        await state_is(hub, K1, 1)
    assert before is None


async def test_signals_of_a_client_are_performed_in_the_order_in_which_they_were_sent(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub.sqlite", {}, entities=ENTITIES, max_entity_batch_size=7) as hub:
        for number in range(50):
            await hub.signal_entity(LOG, "append", as_client_sends(number))
        await state_is(hub, LOG, list(range(50)))


@pytest.mark.row("durable/5.1/batch-size")
async def test_a_batch_is_never_longer_than_the_limit(tmp_path: Path) -> None:
    began, may_go_on = threading.Event(), threading.Event()
    sizes: list[int] = []

    def counting(context: EntityContext) -> None:
        began.set()
        may_go_on.wait(10)
        context.set_state(context.get_state(lambda: 0) + 1)

    async with running_hub(tmp_path / "hub.sqlite", {}, entities={"c": counting}, max_entity_batch_size=4) as hub:
        call = hub._engine._entities._functions.call_entity  # type: ignore[attr-defined]

        async def spied(name: str, batch_json: str, *, instance_id: str) -> str:
            sizes.append(len(json.loads(batch_json)["batch"]))
            return str(await call(name, batch_json, instance_id=instance_id))

        hub._engine._entities._functions.call_entity = spied  # type: ignore[method-assign]
        await hub.signal_entity(EntityId("c", "k"), "go", None)
        await asyncio.to_thread(began.wait, 10)
        for _ in range(10):
            await hub.signal_entity(EntityId("c", "k"), "go", None)
        may_go_on.set()
        await state_is(hub, EntityId("c", "k"), 11)
    assert sizes == [1, 4, 4, 2]


async def test_large_inputs_make_batches_shorter(tmp_path: Path) -> None:
    sizes: list[int] = []

    def sizing(context: EntityContext) -> None:
        context.set_state(context.get_state(lambda: 0) + 1)
        sizes.append(len(context._input))

    path = tmp_path / "hub.sqlite"
    async with running_hub(path, {}, None, no_batch(), {"sizing": sizing}) as hub:
        for _ in range(5):
            await hub.signal_entity(EntityId("sizing", "k"), "go", json.dumps("x" * 7_000_000))
    store = Store(path)
    loaded = store.entities.load_batch(EntityId("sizing", "k"), 5000)
    store.close()
    assert loaded is not None
    assert len(loaded.operations) == 2
    async with running_hub(path, {}, entities={"sizing": sizing}) as hub:
        await state_is(hub, EntityId("sizing", "k"), 5)
    assert sizes == [7_000_002] * 5


@pytest.mark.row("durable/5.1/one-at-a-time")
async def test_one_entity_runs_one_batch_at_a_time_and_others_beside_it_up_to_the_limit(tmp_path: Path) -> None:
    lock = threading.Lock()
    running: list[str] = []
    most_at_once, overlaps = [0], []

    def busy(context: EntityContext) -> None:
        with lock:
            if context.entity_key in running:
                overlaps.append(context.entity_key)
            running.append(context.entity_key)
            most_at_once[0] = max(most_at_once[0], len(running))
        time.sleep(0.01)
        with lock:
            running.remove(context.entity_key)
        context.set_state(context.get_state(lambda: 0) + 1)

    keys = [EntityId("busy", str(number)) for number in range(5)]
    async with running_hub(
        tmp_path / "hub.sqlite", {}, entities={"busy": busy}, max_concurrent_entities=3, max_entity_batch_size=1
    ) as hub:
        for _ in range(4):
            for key in keys:
                await hub.signal_entity(key, "go", None)
        for key in keys:
            await state_is(hub, key, 4)
    assert (most_at_once, overlaps) == ([3], [])


async def test_an_entity_outlives_the_hub_and_so_do_waiting_operations(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    async with running_hub(path, {}, None, no_batch(), ENTITIES) as hub:
        for _ in range(3):
            await hub.signal_entity(K1, "add", as_client_sends(2))
    assert rows(path, "entity_operations") == 3
    async with running_hub(path, {}, entities=ENTITIES) as hub:
        await state_is(hub, K1, 6)
    async with running_hub(path, {}, entities=ENTITIES) as hub:
        await state_is(hub, K1, 6)


async def test_a_deleted_entity_does_not_exist_until_the_next_operation_sets_a_state(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub.sqlite", {}, entities=ENTITIES) as hub:
        await hub.signal_entity(K1, "add", as_client_sends(4))
        await state_is(hub, K1, 4)
        await hub.signal_entity(K1, "delete", None)
        await wait_until(lambda: hub.read_entity(K1), lambda found: found is None)
        await hub.signal_entity(K1, "add", as_client_sends(1))
        await state_is(hub, K1, 1)


async def test_a_signal_without_input_fails_in_the_operation_and_is_gone(tmp_path: Path) -> None:
    """As on the product: get_input of an operation without input raises TypeError."""
    async with running_hub(tmp_path / "hub.sqlite", {}, entities=ENTITIES) as hub:
        await hub.signal_entity(K1, "add", None)
        await hub.signal_entity(K1, "add", as_client_sends(3))
        await state_is(hub, K1, 3)


async def test_one_operation_that_spoils_its_batch_fails_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A result that is not JSON makes the SDK raise for the whole batch."""

    def picky(context: EntityContext) -> None:
        if context.operation_name == "bad":
            context.set_result(object())
            return
        context.set_state(context.get_state(lambda: 0) + 1)
        context.set_result("fine")

    def main(context: Context) -> Steps:
        entity = df.EntityId("picky", "k")
        good = [context.call_entity(entity, "good") for _ in range(2)]
        bad = context.call_entity(entity, "bad")
        last = context.call_entity(entity, "good")
        try:
            yield context.task_all([*good, bad, last])
        except Exception as error:
            first_error = str(error)
        return [first_error, (yield last)]

    async with running_hub(tmp_path / "hub.sqlite", {"main": main}, entities={"picky": picky}) as hub:
        ended = await run(hub, "main")
        await state_is(hub, EntityId("picky", "k"), 3)
    error, last = json.loads(ended.output_text or "null")
    assert error.startswith("Entity function 'picky' failed: ")
    assert "object" in error
    assert last == "fine"
    assert "A batch of 4 operations of entity '@picky@k' failed as a whole, so they are run one by one" in caplog.text


async def test_an_entity_function_that_is_gone_fails_its_callers(tmp_path: Path) -> None:
    def main(context: Context) -> Steps:
        try:
            yield context.call_entity(df.EntityId("counter", "k1"), "get")
        except Exception as error:
            return str(error)

    path = tmp_path / "hub.sqlite"
    async with running_hub(path, {"main": main}, None, no_batch(), ENTITIES) as hub:
        await hub.create_instance("main", instance_id="m", input_text=None)
        await rows_are(path, "entity_operations", 1)
    async with running_hub(path, {"main": main}, entities={"log": log}) as hub:
        ended = await hub.wait_until_finished("m", 10)
    assert ended is not None
    assert (ended.output_text or "").startswith(
        "\"The function 'counter' doesn't exist, is disabled, or is not an entity"
    )


@pytest.mark.parametrize("method", ["load_batch", "commit_batch"])
async def test_a_passing_fault_of_the_store_only_delays_a_batch(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    faults: dict[str, list[Exception]] = {method: [sqlite3.OperationalError("disk I/O error") for _ in range(2)]}
    async with running_hub(tmp_path / "hub.sqlite", {"main": call_counter}, None, faults, ENTITIES) as hub:
        ended = await run(hub, "main")
        await state_is(hub, K1, 7)
    assert (ended.output_text, faults) == ("7", {method: []})
    assert caplog.text.count("sqlite3.OperationalError: disk I/O error") == 2


async def test_a_fault_that_would_come_again_fails_the_operation(tmp_path: Path) -> None:
    faults: dict[str, list[Exception]] = {"commit_batch": [OverflowError("string too large")]}

    def main(context: Context) -> Steps:
        try:
            yield context.call_entity(df.EntityId("counter", "k1"), "add", 1)
        except Exception as error:
            return str(error)

    async with running_hub(tmp_path / "hub.sqlite", {"main": main}, None, faults, ENTITIES) as hub:
        ended = await run(hub, "main")
        found = await hub.read_entity(K1)
    assert ended.output_text == '"The host could not carry out this operation: OverflowError: string too large"'
    assert found is None


async def test_a_signal_to_an_unknown_entity_is_refused(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub.sqlite", {}, entities=ENTITIES) as hub:
        with pytest.raises(UnknownFunction, match="is not an entity function"):
            await hub.signal_entity(EntityId("nobody", "k"), "add", None)


async def test_an_entity_is_an_instance_that_never_ends(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub.sqlite", {"waiter": wait_for_go}, entities=ENTITIES) as hub:
        await hub.signal_entity(K1, "add", as_client_sends(4))
        await state_is(hub, K1, 4)
        for own_id in ("1", "b"):
            await hub.create_instance("waiter", instance_id=own_id, input_text=None)
        everything, _ = await hub.list_instances(InstanceQuery(), top=10, continuation=None)
        first, token = await hub.list_instances(InstanceQuery(), top=2, continuation=None)
        rest, end = await hub.list_instances(InstanceQuery(), top=2, continuation=token)
        ended, _ = await hub.list_instances(
            InstanceQuery(statuses=frozenset({RuntimeStatus.COMPLETED})), top=10, continuation=None
        )
        found = await hub.get_instance("@counter@k1")
    assert [one.instance_id for one in everything] == ["1", "@counter@k1", "b"]
    assert ([one.instance_id for one in first + rest], end) == (["1", "@counter@k1", "b"], None)
    assert ended == []
    assert found is not None
    assert (found.name, found.runtime_status, found.input_text) == (
        "@counter",
        RuntimeStatus.RUNNING,
        '{"exists":true,"state":"4"}',
    )


async def test_purging_an_entity_forgets_it_and_fails_those_who_wait(tmp_path: Path) -> None:
    may_end = threading.Event()

    def stuck(context: EntityContext) -> None:
        context.set_state("never stored")
        may_end.wait(10)

    def main(context: Context) -> Steps:
        try:
            yield context.call_entity(df.EntityId("stuck", "k"), "work")
        except Exception as error:
            return str(error)

    path = tmp_path / "hub.sqlite"
    async with running_hub(path, {"main": main}, entities={"stuck": stuck}) as hub:
        await hub.create_instance("main", instance_id="m", input_text=None)
        await rows_are(path, "entity_operations", 1)
        await hub.purge("@stuck@k")
        ended = await hub.wait_until_finished("m", 10)
        may_end.set()
    assert ended is not None
    assert ended.output_text == "\"The entity '@stuck@k' was purged before it came to this operation.\""
    assert (rows(path, "entities"), rows(path, "entity_operations")) == (0, 0)


@pytest.mark.parametrize("instance_id", ["@counter@k1", "@counter", "@@x"])
async def test_purging_what_does_not_exist_is_refused(tmp_path: Path, instance_id: str) -> None:
    async with running_hub(tmp_path / "hub.sqlite", {}, entities=ENTITIES) as hub:
        with pytest.raises(InstanceNotFound):
            await hub.purge(instance_id)


async def test_a_purge_by_filter_leaves_entities_alone(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub.sqlite", {}, entities=ENTITIES) as hub:
        await hub.signal_entity(K1, "add", as_client_sends(4))
        await state_is(hub, K1, 4)
        assert await hub.purge_matching(InstanceQuery()) == 0
        await state_is(hub, K1, 4)


async def test_entities_are_listed_by_id_name_and_time_in_pages(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub.sqlite", {}, entities=ENTITIES) as hub:
        for one in (K1, EntityId("counter", "k2"), LOG):
            await hub.signal_entity(one, "add", as_client_sends(4))
            await wait_until(lambda one=one: hub.read_entity(one), bool)
        everything, _ = await hub.list_entities(EntityQuery(), fetch_state=False, top=10, continuation=None)
        counters, _ = await hub.list_entities(EntityQuery("Counter"), fetch_state=True, top=10, continuation=None)
        first, token = await hub.list_entities(EntityQuery(), fetch_state=False, top=2, continuation=None)
        rest, end = await hub.list_entities(EntityQuery(), fetch_state=False, top=2, continuation=token)
        middle = everything[1].last_operation_at
        later, _ = await hub.list_entities(
            EntityQuery(operated_from=middle), fetch_state=False, top=10, continuation=None
        )
        earlier, _ = await hub.list_entities(
            EntityQuery(operated_to=middle), fetch_state=False, top=10, continuation=None
        )
    assert [str(one.entity_id) for one in everything] == ["@counter@k1", "@counter@k2", "@log@all"]
    assert [one.state_text for one in everything] == [None, None, None]
    assert [(one.entity_id.key, one.state_text) for one in counters] == [("k1", "4"), ("k2", "4")]
    assert ([*first, *rest], end) == (everything, None)
    assert [one.entity_id.key for one in later] == ["k2", "all"]
    assert [one.entity_id.key for one in earlier] == ["k1", "k2"]


async def test_a_hub_file_of_the_version_without_entities_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    async with running_hub(path, {"waiter": wait_for_go}) as hub:
        await hub.create_instance("waiter", instance_id="w", input_text=None)
        await wait_until(lambda: hub.history("w"), bool)
    db = sqlite3.connect(path)
    db.executescript(
        "DROP TABLE entities; DROP TABLE entity_operations; PRAGMA user_version=1;"
        "UPDATE task_tables SET table_text = json_remove(table_text, '$.episode');"
    )
    db.close()
    async with running_hub(path, {"waiter": wait_for_go}, entities=ENTITIES) as hub:
        await hub.signal_entity(K1, "add", as_client_sends(4))
        await state_is(hub, K1, 4)
        await hub.raise_event("w", "go", "1")
        ended = await hub.wait_until_finished("w", 10)
    assert ended is not None
    assert ended.output_text == "1"
