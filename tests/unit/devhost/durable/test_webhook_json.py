from __future__ import annotations

import pytest

from devhost.durable.webhooks.json_values import InvalidJson, compact_json, dump, stored_value


@pytest.mark.parametrize(
    ("body", "stored"),
    [
        (b' { "a" : [ 1 , 2 ] }\r\n', '{"a":[1,2]}'),
        (b'"a  \\" b"', '"a  \\" b"'),
        (b'"\\\\" ', '"\\\\"'),
        (b"1.50", "1.50"),
        (b"-1e-2", "-1e-2"),
        (b'"\\ud800"', '"\\ud800"'),
        ('"é"'.encode(), '"é"'),
        (b"\xef\xbb\xbfnull", "null"),
        (b"[" * 64 + b"]" * 64, "[" * 64 + "]" * 64),
        (b'"[[["', '"[[["'),
    ],
)
def test_document_is_stored_without_space_and_otherwise_as_it_is(body, stored):
    assert compact_json(body) == stored


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not valid JSON"),
        (b"{'a':1}", "not valid JSON"),
        (b"1 2", "not valid JSON"),
        (b"[NaN]", "NaN is not a JSON number"),
        (b"-Infinity", "-Infinity is not a JSON number"),
        (b"1e400", "does not fit a double"),
        (b"1" * 5000, "not valid JSON"),
        (b"\xff", "not UTF-8"),
        (b"[" * 65 + b"]" * 65, "deeper than 64 levels"),
        (b"[" * 100_000, "deeper than 64 levels"),
    ],
)
def test_anything_else_is_refused_with_the_reason(body, reason):
    with pytest.raises(InvalidJson, match=reason):
        compact_json(body)


@pytest.mark.row("durable/6.3/stored-values")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        (None, None),
        ("null", None),
        ('{"a":1}', {"a": 1}),
        ('"{\\"a\\": 1}"', '{"a": 1}'),
        ("Orchestrator function 'X' failed: boom", "Orchestrator function 'X' failed: boom"),
        ("", ""),
        ("NaN", "NaN"),
        ("[-Infinity, 1e400, 1.5]", ["-Infinity", "1e400", 1.5]),
    ],
)
def test_stored_text_is_shown_as_its_value_or_as_itself(text, value):
    assert stored_value(text) == value


def test_dump_is_compact_ascii_with_nulls():
    assert dump({"a": None, "b": ["é", "\ud800"]}) == b'{"a":null,"b":["\\u00e9","\\ud800"]}'
