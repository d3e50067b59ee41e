"""A batch of operations: what the entity function receives, and what is written after its answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.durable.entities.batch import (
    BatchAnswerUnusable,
    LoadedBatch,
    QueuedOperation,
    batch_request,
    conclude_batch,
    fail_batch,
)
from devhost.durable.entities.entity import EntityId
from devhost.durable.entities.operations import Caller, Operation, sent_input, task_id_of
from devhost.durable.errors import InvalidInstanceId
from tests.helpers.sdk_entities import as_client_sends, counter

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
K1 = EntityId("counter", "k1")
CALLER = Caller("abc", "0f3c5f0b9d3f4a0e8f3a1b2c3d4e5f60", 26)


def loaded(*operations: Operation, state: str | None = None) -> LoadedBatch:
    return LoadedBatch(K1, state, tuple(QueuedOperation(seq, one) for seq, one in enumerate(operations, start=1)))


def add(number: Any, caller: Caller | None = None) -> Operation:
    return Operation(K1, "add", as_client_sends(number), caller)


def test_the_request_has_the_keys_that_the_sdk_takes() -> None:
    assert json.loads(batch_request(loaded(add(5), add(1, CALLER), state="7"))) == {
        "self": {"name": "counter", "key": "k1"},
        "exists": True,
        "state": "7",
        "batch": [
            {"name": "add", "input": '"5"', "isSignal": True},
            {"name": "add", "input": '"1"', "isSignal": False},
        ],
    }


def test_an_entity_without_a_state_does_not_exist_yet() -> None:
    request = json.loads(batch_request(loaded(Operation(K1, "get", None))))
    assert (request["exists"], request["state"], request["batch"][0]["input"]) == (False, None, None)


def test_the_sdk_answer_becomes_state_consumed_places_and_responses_to_callers_alone() -> None:
    batch = loaded(add(5), add(2, CALLER))
    result = conclude_batch(batch, df.Entity.create(counter)(batch_request(batch)), NOW)
    assert (result.state_text, result.consumed, result.ended_at) == ("7", (1, 2), NOW)
    ((caller, event),) = [(one.caller, one.event) for one in result.responses]
    assert (caller, event["Name"]) == (CALLER, "0f3c5f0b-9d3f-4a0e-8f3a-00000000001a")
    assert event["Input"] == '{"result":"7"}'


def test_an_operation_that_raises_answers_with_an_exception_type_and_the_next_one_still_runs() -> None:
    batch = loaded(Operation(K1, "fail", None, CALLER), add(2, CALLER))
    result = conclude_batch(batch, df.Entity.create(counter)(batch_request(batch)), NOW)
    assert [one.event["Input"] for one in result.responses] == [
        '{"result":"\\"bad op\\"","exceptionType":"Error"}',
        '{"result":"3"}',
    ]
    assert result.state_text == "3"


def test_an_entity_that_destructs_itself_has_no_state() -> None:
    batch = loaded(Operation(K1, "delete", None), state="7")
    assert conclude_batch(batch, df.Entity.create(counter)(batch_request(batch)), NOW).state_text is None


def test_a_state_that_no_operation_touches_comes_back_letter_for_letter() -> None:
    def idle(context: df.DurableEntityContext) -> None:
        context.set_result(1)

    batch = loaded(Operation(K1, "x", None), state='{ "a":1 }')
    assert conclude_batch(batch, df.Entity.create(idle)(batch_request(batch)), NOW).state_text == '{ "a":1 }'


@pytest.mark.parametrize(
    "answer",
    [
        "no json",
        "null",
        "{}",
        '{"entityExists":true,"entityState":"1","results":[],"signals":[]}',
        '{"entityExists":true,"entityState":1,"results":[{"isError":false,"result":"1"}],"signals":[]}',
        '{"entityExists":true,"entityState":"1","results":[{"isError":false,"result":null}],"signals":[]}',
    ],
)
def test_an_answer_that_is_not_one_to_this_batch_is_refused(answer: str) -> None:
    with pytest.raises(BatchAnswerUnusable):
        conclude_batch(loaded(add(5)), answer, NOW)


def test_a_batch_that_failed_leaves_the_state_and_tells_its_callers() -> None:
    result = fail_batch(loaded(add(1), add(2, CALLER), state="7"), 'it said "no"', NOW)
    assert (result.state_text, result.consumed) == ("7", (1, 2))
    (response,) = result.responses
    assert json.loads(response.event["Input"]) == {"result": '"it said \\"no\\""', "exceptionType": "Error"}


def test_the_message_of_a_signal_says_so_and_has_the_id_of_its_own() -> None:
    assert json.loads(sent_input(add(1), CALLER)) == {
        "op": "add",
        "signal": True,
        "input": '"1"',
        "id": "0f3c5f0b-9d3f-4a0e-8f3a-00000000001a",
        "parent": "abc",
        "parentExecution": "0f3c5f0b9d3f4a0e8f3a1b2c3d4e5f60",
    }


def test_a_request_id_leads_back_to_its_task() -> None:
    assert task_id_of(CALLER.request_id) == 26


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@counter@k1", ("counter", "k1")),
        ("@Counter@K1", ("counter", "K1")),
        ("@counter@a@b", ("counter", "a@b")),
        ("@counter@", ("counter", "")),
    ],
)
def test_an_entity_id_is_split_at_its_second_at_sign(text: str, expected: tuple[str, str]) -> None:
    found = EntityId.parse(text)
    assert (found.name, found.key) == expected


@pytest.mark.parametrize("text", ["", "@", "counter", "counter@k", "@counter", "@@k", "@counter@\ud800"])
def test_what_is_no_entity_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidInstanceId):
        EntityId.parse(text)


def test_a_name_with_an_at_sign_is_refused() -> None:
    with pytest.raises(InvalidInstanceId, match="must not contain @"):
        EntityId("a@b", "k")
