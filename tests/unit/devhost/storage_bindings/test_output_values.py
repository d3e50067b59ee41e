"""What a function has given an output, as single values."""

from __future__ import annotations

import pytest
from azure.functions.meta import Datum

from devhost.storage_bindings.errors import BadOutputValue
from devhost.storage_bindings.output_values import blob_content, message_body, values_of


def bodies(value: object, datum_type: str = "string") -> list[bytes]:
    return [message_body(one) for one in values_of(Datum(value, datum_type))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", [b"plain"]),
        ("", [b""]),
        ('"quoted"', [b'"quoted"']),
        ("1.0", [b"1.0"]),
        ('{"a":1,"ä":[]}', ['{\n  "a": 1,\n  "ä": []\n}'.encode()]),
        (' [1, 2.0, 2.5, "x", true, null, {"a": 1}, [2]] ', [
            b"1", b"2", b"2.5", b"x", b"True", b"", b'{\n  "a": 1\n}', b"[\n  2\n]",
        ]),
        ("[]", []),
    ],
)  # fmt: skip
def test_a_text_that_looks_like_json_is_read_as_json(text: str, expected: list[bytes]) -> None:
    assert bodies(text) == expected


def test_bytes_are_sent_as_they_are() -> None:
    assert bodies(b"[1, 2]", "bytes") == [b"[1, 2]"]


def test_what_the_library_made_of_messages_sends_their_bodies() -> None:
    assert bodies('{"id": null, "body": "x"}', "json") == [b"x"]
    assert bodies('["a", {"id": "1", "body": "b"}]', "json") == [b"a", b"b"]


def test_a_text_with_the_same_keys_is_no_message() -> None:
    assert bodies('{"id": 1, "body": "x"}') == [b'{\n  "id": 1,\n  "body": "x"\n}']


def test_json_in_its_looks_only_is_refused_with_the_cure() -> None:
    with pytest.raises(BadOutputValue, match=r"begins and ends like JSON.*not valid.*send bytes"):
        bodies("{not json}")


@pytest.mark.parametrize(
    ("value", "datum_type", "content"),
    [
        ("hällo", "string", "hällo".encode()),
        (b"\xff", "bytes", b"\xff"),
        ('{"a": 1}', "string", b'{"a": 1}'),
        ('{"a": 1}', "json", b'{"a":1}'),
    ],
)
def test_a_blob_holds_what_was_given(value: object, datum_type: str, content: bytes) -> None:
    assert blob_content(Datum(value, datum_type)) == content


def test_a_number_is_no_content_of_a_blob() -> None:
    with pytest.raises(BadOutputValue, match="a blob takes str or bytes, not int"):
        blob_content(Datum(1, "int"))
