"""What may be asked of workflows, by the bodies of start and stop and by messages."""

import json
from http import HTTPStatus
from typing import Any

import azure.functions as func
import pytest

from orchestrations.workflow_request import BadWorkflow
from triggers.web.problem import Problem
from triggers.workflows.requests import WorkflowEvent, queued_event, start_input, stop_event


def post(body: bytes) -> func.HttpRequest:
    return func.HttpRequest("POST", "http://localhost/api/start/a", route_params={"input": "a"}, body=body)


def post_json(body: Any) -> func.HttpRequest:
    return post(json.dumps(body).encode())


@pytest.mark.parametrize("body", [b"", b" \n", b"null", b"{}", b'{"waitFor": null, "mode": null, "data": null}'])
def test_without_a_word_a_workflow_waits_for_its_default_event_as_long_as_it_takes(body: bytes) -> None:
    assert start_input(post(body), "a") == {
        "input": "a",
        "waitFor": ["Workflow"],
        "mode": "any",
        "timeoutSeconds": None,
        "data": "null",
    }


def test_a_start_hands_on_what_was_asked_and_its_data_as_text() -> None:
    body = {"waitFor": ["paid", "packed"], "mode": "all", "timeoutSeconds": 0.5, "data": {"order": 7}}
    assert start_input(post_json(body), "a") == {**body, "input": "a", "data": '{"order": 7}'}


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ([], "The body must be a JSON object, not an array."),
        ({"waitfor": []}, "unknown field 'waitfor'; known: waitFor, mode, timeoutSeconds, data."),
        ({"input": "b"}, "unknown field 'input'; known: waitFor, mode, timeoutSeconds, data."),
        ({"waitFor": "paid"}, "'waitFor' must be a list of 1 to 20 event names; leave it out for 'Workflow'."),
        ({"waitFor": []}, "'waitFor' must be a list of 1 to 20 event names"),
        ({"waitFor": [f"e{number}" for number in range(21)]}, "'waitFor' must be a list of 1 to 20 event names"),
        ({"waitFor": [1]}, "'waitFor': the name of an event must be a string."),
        ({"waitFor": ["a/b"]}, "'waitFor': 'a/b' cannot be the name of an event: it must begin with"),
        ({"waitFor": ["a" * 101]}, "it has 101 characters; at most 100 are allowed"),
        ({"waitFor": ["b", "b"]}, "'waitFor' has an event twice"),
        ({"waitFor": ["b", "B"]}, "'waitFor' has an event twice; names that differ only in case count as the same."),
        ({"mode": "one"}, "'mode' must be"),
        ({"mode": ["any"]}, "'mode' must be"),
        ({"timeoutSeconds": True}, "'timeoutSeconds' must be a number above 0"),
        ({"timeoutSeconds": "5"}, "'timeoutSeconds' must be a number above 0"),
        ({"timeoutSeconds": 0}, "'timeoutSeconds' must be a number above 0"),
        ({"timeoutSeconds": 31_622_401}, "'timeoutSeconds' must be a number above 0, at most 31622400 (366 days)."),
        ({"timeoutSeconds": 10**400}, "'timeoutSeconds' must be a number above 0"),
    ],
    ids=str,
)
def test_a_start_that_cannot_be_served_is_refused_with_the_field(body: Any, detail: str) -> None:
    with pytest.raises(Problem) as refused:
        start_input(post_json(body), "a")
    assert refused.value.status == HTTPStatus.BAD_REQUEST
    assert detail in refused.value.detail


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("Workflow", "The body must be a JSON object, not a string."),
        ({"name": "x"}, "unknown field 'name'; known: event, data."),
        ({"event": 1}, "'event': the name of an event must be a string."),
        ({"event": ""}, "'event': '' cannot be the name of an event"),
        ({"event": "a b"}, "'event': 'a b' cannot be the name of an event"),
    ],
    ids=str,
)
def test_a_stop_that_cannot_be_served_is_refused_with_the_field(body: Any, detail: str) -> None:
    with pytest.raises(Problem) as refused:
        stop_event(post_json(body), "a")
    assert refused.value.status == HTTPStatus.BAD_REQUEST
    assert detail in refused.value.detail


def nested(levels: int) -> bytes:
    return b'{"data": ' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"{", "Expecting property name"),
        (b"\xff\xfe\xff", "codec can't decode"),
        (b'{"data": NaN}', "not JSON compliant"),
        (b'{"data": 1e999}', "not JSON compliant"),
        (b'{"data": "\\ud800"}', "a half of a surrogate pair"),
        (nested(51), "nested more than 50 levels deep"),
        (nested(5000), "nested more than 50 levels deep"),
        (b'{"data": ' + b"1" * 5000 + b"}", "4300"),
    ],
    ids=["cut", "no text", "NaN", "infinite", "surrogate", "deep", "very deep", "long number"],
)
@pytest.mark.parametrize("read", [start_input, stop_event])
def test_a_body_that_nobody_could_read_again_is_refused(read: Any, body: bytes, detail: str) -> None:
    with pytest.raises(Problem, match="The body is not JSON that can be read") as refused:
        read(post(body), "a")
    assert detail in refused.value.detail


def test_data_may_be_nested_fifty_levels_deep() -> None:
    assert start_input(post(nested(50)), "a")["data"] == "[" * 49 + "]" * 49


@pytest.mark.parametrize("read", [start_input, stop_event])
def test_a_body_that_is_too_large_is_refused_with_both_sizes(read: Any) -> None:
    with pytest.raises(Problem) as refused:
        read(post(b'{"data": "' + b"x" * 32_757 + b'"}'), "a")
    assert refused.value.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert refused.value.detail == "The body has 32,769 bytes; at most 32,768 are allowed."


def test_a_message_names_a_workflow_and_its_event() -> None:
    assert queued_event(b'{"input": "a", "event": "paid", "data": [1]}') == WorkflowEvent("a", "paid", [1])
    assert queued_event(b'{"input": "a"}') == WorkflowEvent("a", "Workflow", None)
    assert queued_event('{"input": "a"}'.encode("utf-8-sig")) == WorkflowEvent("a", "Workflow", None)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", "the message is not JSON"),
        (b"\xff\xfe\xff", "the message is not JSON"),
        ('{"input": "a"}'.encode("utf-16"), "the message is not JSON that can be read: 'utf-8' codec can't decode"),
        (b"[1, 2]", "the message must be a JSON object"),
        (b"{}", "'input': the key of the workflow must be a string"),
        (b'{"input": "a b"}', "'input': 'a b' cannot be the key of a workflow: it must begin with"),
        (b'{"input": "a", "events": 1}', "unknown field 'events'; known: input, event, data"),
        (b'{"input": "a", "event": 1}', "'event': the name of an event must be a string"),
    ],
)
def test_a_message_of_no_use_is_refused_with_the_field(message: bytes, reason: str) -> None:
    with pytest.raises(BadWorkflow) as refused:
        queued_event(message)
    assert reason in str(refused.value)
