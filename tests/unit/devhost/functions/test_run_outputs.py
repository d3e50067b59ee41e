"""What a function returns and sets becomes one picklable value."""

from __future__ import annotations

import json
import pickle
import typing
from collections.abc import Callable
from typing import Any

import azure.functions as func
import pytest
from azure.functions.meta import Datum

from devhost.functions.bindings import OutValue, RunOutputs, decode_arguments, encode_outputs, http_result
from devhost.functions.description import LoadedFunction
from devhost.functions.signatures import check_signature

QUEUE_TRIGGER = {"name": "msg", "type": "queueTrigger", "direction": "IN", "queueName": "work"}
HTTP_TRIGGER = {"name": "req", "type": "httpTrigger", "direction": "IN"}


def out_binding(name: str, binding_type: str) -> dict[str, Any]:
    return {"name": name, "type": binding_type, "direction": "OUT"}


def loaded(function: Callable[..., Any], *bindings: dict[str, Any]) -> LoadedFunction:
    return LoadedFunction(
        name=function.__name__,
        trigger=bindings[0],
        bindings=bindings,
        signature=check_signature(function.__name__, function, bindings),
        entry_point=function.__name__,
    )


def set_to(value: Any) -> OutValue:
    out = OutValue()
    out.set(value)
    return out


def test_every_out_that_was_set_is_encoded_and_the_others_are_missing() -> None:
    def run(msg: func.QueueMessage, first: func.Out[str], second: func.Out[bytes], third: func.Out[str]) -> None: ...

    function = loaded(run, QUEUE_TRIGGER, *(out_binding(name, "queue") for name in ("first", "second", "third")))
    outputs = encode_outputs(function, None, {"first": set_to("a"), "second": set_to(b"b"), "third": OutValue()})
    assert outputs == RunOutputs(None, {"first": Datum("a", "string"), "second": Datum(b"b", "bytes")})


def test_the_outputs_survive_pickling() -> None:
    outputs = RunOutputs(Datum("r", "string"), {"out": Datum(b"b", "bytes")})
    assert pickle.loads(pickle.dumps(outputs)) == outputs


def test_an_http_response_with_a_cookie_survives_pickling() -> None:
    def run(req: func.HttpRequest) -> func.HttpResponse: ...

    function = loaded(run, HTTP_TRIGGER, out_binding("$return", "http"))
    response = func.HttpResponse("hello", status_code=201, headers={"Set-Cookie": "a=1; Path=/"})
    copied = pickle.loads(pickle.dumps(encode_outputs(function, response, {}))).returned
    assert copied.value["status_code"] == Datum("201", "string")
    assert copied.value["cookies"][0]["a"].value == "1"


def test_a_list_of_queue_messages_becomes_one_json_array() -> None:
    def run(msg: func.QueueMessage, out: func.Out[typing.List[str]]) -> None: ...  # noqa: UP006 - the worker wants it

    function = loaded(run, QUEUE_TRIGGER, out_binding("out", "queue"))
    outputs = encode_outputs(function, None, {"out": set_to([func.QueueMessage(body="x"), "y"])})
    assert outputs.outs["out"].type == "json"
    assert json.loads(outputs.outs["out"].value) == [{"id": None, "body": "x"}, "y"]


def test_a_dict_in_an_out_of_str_becomes_json_as_in_the_worker() -> None:
    def run(msg: func.QueueMessage, row: func.Out[str]) -> None: ...

    function = loaded(run, QUEUE_TRIGGER, out_binding("row", "table"))
    assert encode_outputs(function, None, {"row": set_to({"a": 1})}).outs == {"row": Datum('{"a": 1}', "json")}


def test_a_value_that_no_converter_takes_is_a_type_error_that_names_the_binding_type() -> None:
    def run(msg: func.QueueMessage, out: func.Out[str]) -> None: ...

    function = loaded(run, QUEUE_TRIGGER, out_binding("out", "queue"))
    with pytest.raises(TypeError, match='unsupported type "queue" for Python type "object"'):
        encode_outputs(function, None, {"out": set_to(object())})


def test_a_result_without_a_return_binding_is_refused_although_there_is_an_out_binding() -> None:
    def run(msg: func.QueueMessage, out: func.Out[str]) -> None: ...

    function = loaded(run, QUEUE_TRIGGER, out_binding("out", "queue"))
    with pytest.raises(RuntimeError, match="without a \\$return binding returned a non-None value"):
        encode_outputs(function, 1, {"out": OutValue()})


def test_the_answer_of_an_http_function_may_be_set_in_a_parameter() -> None:
    def run(req: func.HttpRequest, answer: func.Out[func.HttpResponse]) -> None: ...

    function = loaded(run, HTTP_TRIGGER, out_binding("answer", "http"))
    outputs = encode_outputs(function, None, {"answer": set_to(func.HttpResponse("hello"))})
    answer = http_result(function, outputs)
    assert answer is not None
    assert answer.value["body"] == Datum(b"hello", "bytes")


def test_the_metadata_of_a_message_reaches_the_message() -> None:
    def run(msg: func.QueueMessage) -> None: ...

    metadata = {"Id": Datum("m-1", "string"), "DequeueCount": Datum("3", "json")}
    arguments = decode_arguments(loaded(run, QUEUE_TRIGGER), Datum("hello", "string"), metadata, {})
    message = arguments["msg"]
    assert (message.id, message.dequeue_count, message.get_body()) == ("m-1", 3, b"hello")


def test_a_parameter_of_an_in_binding_gets_its_input_raw_or_converted() -> None:
    def run(msg: func.QueueMessage, text: str, blob: func.InputStream) -> None: ...

    function = loaded(
        run,
        QUEUE_TRIGGER,
        {"name": "text", "type": "table", "direction": "IN"},
        {"name": "blob", "type": "blob", "direction": "IN"},
    )
    inputs = {"text": Datum("[]", "json"), "blob": Datum(b"bytes", "bytes")}
    arguments = decode_arguments(function, Datum("m", "string"), {}, inputs)
    assert (arguments["text"], arguments["blob"].read()) == ("[]", b"bytes")


def test_an_input_that_does_not_exist_is_none() -> None:
    def run(msg: func.QueueMessage, text: str, blob: func.InputStream) -> None: ...

    function = loaded(
        run,
        QUEUE_TRIGGER,
        {"name": "text", "type": "table", "direction": "IN"},
        {"name": "blob", "type": "blob", "direction": "IN"},
    )
    arguments = decode_arguments(function, Datum("m", "string"), {}, {"text": None, "blob": None})
    assert (arguments["text"], arguments["blob"]) == (None, None)
