"""From the stored text to what the function receives."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import azure.functions as func
import pytest
from azure.functions import get_binding_registry
from azure.functions.meta import Datum

from devhost.queues.queue_client import ReceivedMessage, is_queue_name
from devhost.queues.queue_message import (
    NotText,
    UndecodableMessage,
    decode_body,
    encode_body,
    trigger_metadata,
    trigger_value,
)

RECEIVED = ReceivedMessage(
    id="m-1",
    pop_receipt="r-1",
    text="",
    dequeue_count=3,
    inserted_at=datetime(2026, 11, 3, 10, 0, 0, tzinfo=UTC),
    expires_at=datetime(2026, 11, 10, 10, 0, 0, tzinfo=UTC),
    next_visible_at=datetime(2026, 11, 3, 10, 10, 0, 5, tzinfo=UTC),
)


def as_the_worker_sees_it(body: str) -> func.QueueMessage:
    metadata = trigger_metadata(RECEIVED, body.encode())
    converter = get_binding_registry().get("queueTrigger")
    return converter.decode(trigger_value(body.encode(), is_binary=False), trigger_metadata=metadata)


@pytest.mark.row("host/5/message/body", "host/5/message/properties")
def test_every_field_reaches_the_function() -> None:
    message = as_the_worker_sees_it("hello")
    assert message.get_body() == b"hello"
    assert (message.id, message.dequeue_count, message.pop_receipt) == ("m-1", 3, "r-1")
    assert message.insertion_time == datetime(2026, 11, 3, 10, tzinfo=UTC)
    assert message.expiration_time == datetime(2026, 11, 10, 10, tzinfo=UTC)
    assert message.time_next_visible == datetime(2026, 11, 3, 10, 10, 0, 5, tzinfo=UTC)


@pytest.mark.row("host/5/message/body-overrides")
def test_properties_of_a_json_body_override_the_fields_ignoring_case() -> None:
    message = as_the_worker_sees_it(json.dumps({"ID": "mine", "dequeueCount": 7, "PopReceipt": "other"}))
    assert (message.id, message.dequeue_count, message.pop_receipt) == ("mine", 7, "other")


def test_a_dequeue_count_in_the_body_that_is_no_number_breaks_decoding_as_on_the_real_host() -> None:
    with pytest.raises(ValueError, match="DequeueCount"):
        as_the_worker_sees_it('{"dequeueCount": "many"}')


def test_lists_and_nulls_in_the_body_override_nothing() -> None:
    assert as_the_worker_sees_it('{"id": null, "dequeueCount": [1]}').id == "m-1"


def test_the_text_of_the_body_and_its_properties_are_metadata() -> None:
    metadata = trigger_metadata(RECEIVED, b'{"order": {"no": 7}, "name": "x", "done": true}')
    assert metadata["QueueTrigger"].value == '{"order": {"no": 7}, "name": "x", "done": true}'
    assert metadata["order"] == Datum('{"no": 7}', "json")
    assert (metadata["name"].value, metadata["done"].value) == ("x", "True")


@pytest.mark.parametrize("body", [b"not json", b"[1, 2]", b"1", b'"text"', b"", b"{" * 100_000])
def test_a_body_that_is_no_object_adds_its_text_only(body: bytes) -> None:
    assert set(trigger_metadata(RECEIVED, body)) == {
        "QueueTrigger", "DequeueCount", "ExpirationTime", "Id", "InsertionTime", "NextVisibleTime", "PopReceipt",
    }  # fmt: skip


def test_a_binary_body_has_no_text_in_its_metadata() -> None:
    assert "QueueTrigger" not in trigger_metadata(RECEIVED, b"\xff")


@pytest.mark.parametrize(
    ("text", "body"), [("aGVsbG8=", b"hello"), (" aGVs\r\nbG8=\n", b"hello"), ("", b""), ("/w==", b"\xff")]
)
def test_base64_is_decoded_with_white_space_passed_over(text: str, body: bytes) -> None:
    assert decode_body(text, is_base64=True) == body


@pytest.mark.parametrize("text", ["hello world", "aGVsbG8", "aGVsbG8=x", "ä", "{}"])
def test_what_is_no_base64_is_refused_with_the_cure(text: str) -> None:
    with pytest.raises(UndecodableMessage, match=r"not valid base64.*TextBase64EncodePolicy.*messageEncoding"):
        decode_body(text, is_base64=True)


def test_without_base64_the_text_is_the_body() -> None:
    assert decode_body("hällo", is_base64=False) == "hällo".encode()


def test_a_body_is_stored_as_it_will_be_read() -> None:
    assert (encode_body(b"\xff", is_base64=True), encode_body(b"hi", is_base64=False)) == ("/w==", "hi")


def test_bytes_that_are_no_text_cannot_be_stored_as_text() -> None:
    with pytest.raises(NotText):
        encode_body(b"\xff", is_base64=False)


def test_a_binary_function_receives_bytes_as_they_are() -> None:
    assert trigger_value(b"\xff", is_binary=True) == Datum(b"\xff", "bytes")


@pytest.mark.parametrize(
    ("name", "is_valid"),
    [
        ("abc", True), ("a-b", True), ("a" * 63, True), ("0a1", True),
        ("ab", False), ("a" * 64, False), ("-ab", False), ("ab-", False), ("a--b", False), ("Abc", False),
        ("a_b", False),
    ],
)  # fmt: skip
def test_queue_names(name: str, *, is_valid: bool) -> None:
    assert is_queue_name(name) is is_valid
