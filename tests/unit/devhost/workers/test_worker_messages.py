"""What host and workers say to each other survives the way, and nothing of the app travels."""

from __future__ import annotations

import dataclasses
import enum
import struct
from http.cookies import SimpleCookie

import pytest
from azure.functions.meta import Datum

from devhost.functions.bindings import RunOutputs
from devhost.functions.context import RetryContext, RpcException
from devhost.functions.description import LoadedFunction
from devhost.functions.runner import Run
from devhost.functions.signatures import Signature
from devhost.timers.retry_policy import RetryPolicy
from devhost.workers.messages import Asked, Loaded, Message, Returned, decode_message, encode_message


class AppText(str):
    """A str of the app's own class, whose methods must not run in the host."""

    def __str__(self) -> str:
        raise AssertionError


class AppBytes(bytes):
    pass


class AppNumber(enum.IntEnum):
    ONE = 1


def passed_on(message: Message) -> Message:
    encoded = encode_message(message)
    assert struct.unpack("!Q", encoded[:8]) == (len(encoded) - 8,)
    return decode_message(encoded[8:])


def returned(value: object, kind: str = "string") -> Returned:
    return Returned(1, RunOutputs(Datum(value, kind), {}))


def test_request_arrives_as_it_was_sent():
    fields = {"method": Datum("POST", "string"), "body": Datum(b"\x00\xff", "bytes"), "headers": {}}
    asked = Asked(7, Run("f", "id", Datum(fields, "http"), {"DequeueCount": Datum("1", "json")}, {"client": None}))
    assert passed_on(asked) == asked


def test_every_field_of_a_run_arrives_as_it_was_sent():
    retry = RetryContext(2, 5, RpcException("f", "the stack", "ValueError: no"))
    run = Run("f", "id", Datum("value", "json"), {"Id": Datum("1", "string")}, {"table": Datum("[]", "json")}, retry)
    unset = [one.name for one in dataclasses.fields(run) if getattr(run, one.name) in (None, {}, "")]
    assert (passed_on(Asked(1, run)), unset) == (Asked(1, run), [])


def test_description_of_a_function_arrives_as_it_was_sent():
    trigger = {"name": "req", "type": "httpTrigger", "direction": "IN", "methods": ["GET"]}
    signature = Signature(True, frozenset({"req"}), frozenset(), has_return_binding=True)
    policy = RetryPolicy(3, 1.0, 9.0)
    function = LoadedFunction("f", trigger, (trigger,), signature, "g", True, True, policy)
    unset = [one.name for one in dataclasses.fields(function) if not getattr(function, one.name)]
    assert (passed_on(Loaded((function,))), unset) == (Loaded((function,)), [])


def test_cookies_arrive_with_their_attributes():
    message = passed_on(returned({"cookies": [SimpleCookie("a=1; Path=/x; Secure")]}, "http"))
    assert isinstance(message, Returned)
    assert message.outputs.returned is not None
    assert message.outputs.returned.value["cookies"][0].output() == "Set-Cookie: a=1; Path=/x; Secure"


@pytest.mark.parametrize(
    ("value", "arrived"),
    [(AppText("text"), "text"), (AppBytes(b"bytes"), b"bytes"), ("\ud800", "\ud800")],
)
def test_text_and_bytes_arrive_as_plain_values(value: object, arrived: object):
    message = passed_on(returned(value))
    assert isinstance(message, Returned)
    assert message.outputs.returned is not None
    found = message.outputs.returned.value
    assert (type(found), found) == (type(arrived), arrived)


@pytest.mark.parametrize(
    "value", [AppNumber.ONE, object(), print, AppNumber, test_cookies_arrive_with_their_attributes]
)
def test_other_values_of_the_app_cannot_be_sent(value: object):
    with pytest.raises(Exception, match="cannot leave its process"):
        encode_message(returned({"inner": [value]}, "http"))
