"""Rows of durable/5 and of entities elsewhere, over HTTP."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conformance.durable_app import DurableApp
from tests.helpers.processes import wait_until

row = pytest.mark.row


@pytest.fixture
def key() -> str:
    """A key that no other test uses."""
    return uuid.uuid4().hex[:8]


def calls(durable: DurableApp, key: str, *operations: Any) -> Any:
    """The results of operations, each a name or (name, input), called one after the other by an orchestrator."""
    pairs = [(one, None) if isinstance(one, str) else one for one in operations]
    return durable.output("calls_entity", [[key, name, value] for name, value in pairs])


def state(durable: DurableApp, key: str) -> Any:
    """The bare state, or None if the entity does not exist."""
    answer = durable.call("GET", f"entities/counter/{key}")
    return answer.json() if answer.status == 200 else None


def signal(durable: DurableApp, key: str, operation: str, value: Any = None) -> None:
    assert durable.host.post(f"/api/signal/{key}/{operation}", value).status == 202


@row("durable/4.2/call-entity", "durable/5.1/result", "durable/5.3/response")
def test_a_call_gives_the_result_of_its_operation(durable: DurableApp, key: str) -> None:
    assert calls(durable, key, ("add", 5), "get") == [None, 5]


@row("durable/4.4/entity-call", "durable/5.1/state-kept")
def test_what_follows_a_call_starts_after_its_answer(durable: DurableApp, key: str) -> None:
    assert durable.output("entity_then_activity", key) == 5


@row("durable/4.6/waits-do-not-count")
def test_an_open_call_of_an_entity_does_not_hold_up_the_end(durable: DurableApp, key: str) -> None:
    assert durable.output("open_entity_call", key) == "returned"


@row("durable/4.2/signal-entity", "durable/4.2/signal-acts-when-called", "durable/4.4/at-once")
def test_a_signal_acts_without_a_yield_and_holds_nothing_up(durable: DurableApp, key: str) -> None:
    assert durable.output("signals_entity", [[key, "add", 4]]) == "sent"
    wait_until(lambda: state(durable, key) == 4)


@row("durable/4.2/yielded-signal")
def test_a_yielded_signal_is_sent_twice_and_never_resumes(durable: DurableApp, key: str) -> None:
    own_id = durable.start("yields_signal", key)
    wait_until(lambda: state(durable, key) == 2)
    assert durable.status(own_id)["runtimeStatus"] == "Running"


@row("durable/4.13/unknown-entity-call")
def test_a_call_of_an_unknown_entity_fails_its_instance_and_names_the_known_ones(durable: DurableApp) -> None:
    assert durable.run("calls_unknown_entity")["output"] == (
        "Orchestrator function 'calls_unknown_entity' failed: The function 'nobody' doesn't exist, is disabled, or is "
        "not an entity function. Additional info: The following are the known entity functions: 'Counter'."
    )


@row("durable/4.13/unknown-entity-signal")
def test_a_signal_to_an_unknown_entity_fails_its_instance(durable: DurableApp) -> None:
    status = durable.run("signals_unknown_entity")
    assert (status["runtimeStatus"], "The function 'nobody' doesn't exist" in status["output"]) == ("Failed", True)


@row("durable/5.1/request-keys", "durable/5.1/name-lower-case")
def test_an_entity_sees_its_name_in_lower_case_and_its_key_as_it_is(durable: DurableApp, key: str) -> None:
    assert calls(durable, f"{key}-Key", "who") == [["counter", f"{key}-Key"]]


@row("durable/5.1/state-verbatim", "durable/5.1/state-kept")
def test_a_state_that_an_operation_leaves_alone_stays(durable: DurableApp, key: str) -> None:
    calls(durable, key, ("append", {"a": "é"}), "nothing")
    assert state(durable, key) == [{"a": "é"}]


@row("durable/5.1/error-result", "durable/5.3/error-response")
def test_a_failed_operation_raises_its_text_and_later_ones_still_run(durable: DurableApp, key: str) -> None:
    assert calls(durable, key, ("fail", "boom"), ("add", 1), "get") == ["error: boom", None, 1]


@row("durable/5.1/no-rollback")
def test_a_failing_operation_keeps_what_it_has_changed(durable: DurableApp, key: str) -> None:
    assert calls(durable, key, "add_and_fail", "get") == ["error: bad op", 1]


@row("durable/5.1/destruct")
def test_a_destructed_entity_has_no_state_and_does_not_exist(durable: DurableApp, key: str) -> None:
    assert calls(durable, key, ("add", 1), "delete", "get") == [None, None, None]
    calls(durable, key, "delete")
    assert durable.call("GET", f"entities/counter/{key}").status == 404


@row("durable/5.1/initializer")
@pytest.mark.parametrize(("operation", "code"), [("look", 404), ("result_only", 200)])
def test_only_a_state_or_a_result_makes_an_entity_exist(
    durable: DurableApp, key: str, operation: str, code: int
) -> None:
    calls(durable, key, operation)
    assert durable.call("GET", f"entities/counter/{key}").status == code


@row("durable/5.1/result-leaks")
def test_a_result_stays_for_the_later_operations_of_its_batch(durable: DurableApp, key: str) -> None:
    assert durable.output("calls_of_one_batch", key) == [None, "done", "done"]


@row("durable/5.1/one-at-a-time")
def test_operations_of_one_entity_do_not_overlap(durable: DurableApp, key: str) -> None:
    before = len(durable.notes("slow"))
    assert durable.run("calls_in_parallel", key)["runtimeStatus"] == "Completed"
    assert durable.notes("slow")[before:] == ["began", "ended"] * 8


@row("durable/5.1/fifo")
def test_signals_of_one_sender_run_in_their_order(durable: DurableApp, key: str) -> None:
    durable.run("signals_entity", [[key, "append", number] for number in range(30)])
    wait_until(lambda: len(state(durable, key) or []) == 30)
    assert state(durable, key) == list(range(30))


@row("durable/5.2/from-orchestrator")
@pytest.mark.parametrize("value", [None, 0, "", "text", {"a": [1]}])
def test_a_value_of_an_orchestrator_arrives_as_it_was(durable: DurableApp, key: str, value: Any) -> None:
    assert calls(durable, key, ("echo", value)) == [[value]]


@row("durable/5.2/from-client", "durable/6.6/signal-entity", "durable/5.2/created-by-first-message")
def test_a_truthy_value_of_a_client_arrives_as_it_was(durable: DurableApp, key: str) -> None:
    signal(durable, key, "append", {"a": [1]})
    assert wait_until(lambda: state(durable, key) == [{"a": [1]}])


@row("durable/5.2/from-client-falsy")
def test_a_falsy_value_of_a_client_is_not_sent(durable: DurableApp, key: str) -> None:
    signal(durable, key, "append", 0)
    signal(durable, key, "append", 1)
    assert wait_until(lambda: state(durable, key) == [1])


@row("durable/5.2/raw-post")
def test_a_raw_body_lacks_an_encoding(durable: DurableApp, key: str) -> None:
    durable.call("POST", f"entities/counter/{key}?op=append", 5)
    durable.call("POST", f"entities/counter/{key}?op=append", "5")
    assert wait_until(lambda: state(durable, key) == [5])


@row("durable/5.2/instance-id")
def test_an_entity_is_the_instance_with_its_name_and_key(durable: DurableApp, key: str) -> None:
    calls(durable, f"{key}@more", ("add", 1))
    assert durable.status(f"@counter@{key}@more")["instanceId"] == f"@counter@{key}@more"


@row("durable/5.3/event-sent")
def test_a_call_is_written_as_an_event_before_its_answer(durable: DurableApp, key: str) -> None:
    own_id = durable.run("calls_entity", [[key, "get", None]])["instanceId"]
    events = durable.history(own_id)
    sent = next(one for one in events if one["EventType"] == "EventSent")
    answered = next(one for one in events if one["EventType"] == "EventRaised")
    assert events.index(sent) < events.index(answered)
    assert (sent["InstanceId"], sent["Name"]) == (f"@counter@{key}", "op")


@row("durable/5.4/read-state", "durable/6.6/read-entity-state", "durable/6.2/entity-get")
def test_the_sdk_reads_the_state_of_an_entity(durable: DurableApp, key: str) -> None:
    calls(durable, key, ("add", 7))
    assert durable.host.get(f"/api/read/{key}").body == b"True 7"


@row("durable/5.4/read-unknown", "durable/6.6/read-entity-state", "durable/6.2/entity-get")
def test_the_sdk_is_told_that_an_entity_does_not_exist(durable: DurableApp, key: str) -> None:
    assert durable.host.get(f"/api/read/{key}").body == b"False None"
    answer = durable.call("GET", f"entities/counter/{key}")
    assert (answer.status, answer.body) == (404, b"")


@row("durable/6.2/entity-empty-key")
def test_a_dollar_sign_is_the_empty_key(durable: DurableApp) -> None:
    durable.call("POST", "entities/counter/$?op=append", "1")
    wait_until(lambda: durable.status("@counter@") is not None)
    assert state(durable, "$") == [1]


@row("durable/6.2/entity-list")
def test_a_list_of_entities_shows_those_that_exist_and_states_on_request(durable: DurableApp, key: str) -> None:
    calls(durable, f"{key}-here", ("add", 1))
    calls(durable, f"{key}-gone", ("add", 1), "delete")
    listed = durable.call("GET", "entities/counter?top=1000").json()
    with_state = durable.call("GET", "entities?top=1000&fetchState=true").json()
    own = [one for one in listed if one["entityId"]["key"].startswith(key)]
    assert [(one["entityId"], one["state"]) for one in own] == [({"name": "counter", "key": f"{key}-here"}, None)]
    assert datetime.fromisoformat(own[0]["lastOperationTime"]).tzinfo is not None
    assert [one["state"] for one in with_state if one["entityId"]["key"].startswith(key)] == [1]


@row("durable/6.2/entity-list-filters")
def test_a_list_of_entities_is_limited_by_time_and_comes_in_pages(durable: DurableApp, key: str) -> None:
    began = datetime.now(UTC)
    for number in range(3):
        calls(durable, f"{key}-{number}", ("add", 1))
    since = began.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    before = (began - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    first = durable.call("GET", f"entities/counter?lastOperationTimeFrom={since}&top=2")
    token = first.headers["x-ms-continuation-token"]
    path = f"entities/counter?lastOperationTimeFrom={since}&top=2"
    second = durable.call("GET", path, headers={"x-ms-continuation-token": token})
    keys = sorted(one["entityId"]["key"] for one in first.json() + second.json())
    assert (len(first.json()), keys) == (2, [f"{key}-{number}" for number in range(3)])
    assert durable.call("GET", f"entities?lastOperationTimeTo={before}").json() == []


@row("durable/6.2/entity-post")
def test_a_posted_operation_is_accepted_and_runs(durable: DurableApp, key: str) -> None:
    answer = durable.call("POST", f"entities/Counter/{key}?op=append", "7")
    assert (answer.status, answer.body) == (202, b"")
    wait_until(lambda: state(durable, key) == [7])


@row("durable/6.2/entity-post")
def test_a_posted_text_is_the_input_as_a_text(durable: DurableApp, key: str) -> None:
    durable.call("POST", f"entities/counter/{key}?op=append", body='"text"', headers={"Content-Type": "text/plain"})
    assert wait_until(lambda: state(durable, key) == ["text"])


@row("durable/6.2/entity-post-unknown")
def test_an_operation_of_an_unknown_entity_is_400_with_a_message(durable: DurableApp) -> None:
    answer = durable.call("POST", "entities/nobody/k?op=get")
    assert (answer.status, "Message" in answer.json()) == (400, True)


@row("durable/6.2/entity-delete")
def test_a_delete_signals_the_operation_of_that_name(durable: DurableApp, key: str) -> None:
    calls(durable, key, ("add", 1))
    assert durable.call("DELETE", f"entities/counter/{key}").status == 202
    wait_until(lambda: state(durable, key) is None)


@row("durable/6.2/list-entities")
def test_entities_are_part_of_the_list_of_instances(durable: DurableApp, key: str) -> None:
    calls(durable, key, ("add", 1))
    listed = durable.call("GET", f"instances?instanceIdPrefix=@counter@{key}").json()
    assert [one["instanceId"] for one in listed] == [f"@counter@{key}"]
