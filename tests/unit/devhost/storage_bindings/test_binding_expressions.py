"""`{expressions}` in the properties of a binding."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.functions.meta import Datum

from devhost.storage_bindings.errors import UnresolvedExpression
from devhost.storage_bindings.expressions import RunFacts, resolve_expressions, trigger_data

GUID = uuid.UUID("12345678-1234-5678-1234-567812345678")
NOW = datetime(2026, 3, 4, 5, 6, 7, 89000, tzinfo=UTC)


def resolved(text: str, **data: Any) -> str:
    return resolve_expressions(text, RunFacts("handle", NOW, data, lambda: GUID))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("orders", "orders"),
        ("{id}", "7"),
        ("a/{ID}/{ name }.json", "a/7/x y.json"),
        ("{order.lines.first}", "pen"),
        ("{ratio}-{yes}", "0.5-True"),
        ("{{not}}-{id}", "{not}-7"),
        ("{rand-guid}", "12345678-1234-5678-1234-567812345678"),
        ("{Rand-Guid:N}", "12345678123456781234567812345678"),
        ("{sys.randGuid:B}", "{12345678-1234-5678-1234-567812345678}"),
        ("{rand-guid:P}", "(12345678-1234-5678-1234-567812345678)"),
        ("{DateTime}", "2026-03-04T05-06-07Z"),
        ("{datetime:yyyy/MM/dd}", "2026/03/04"),
        ("{sys.utcNow:yyMMddTHHmmss.fff}", "260304T050607.089"),
        ("{DateTime:d.M.yyyy 'at' H:m:s}", "4.3.2026 at 5:6:7"),
        ("{sys.methodName}", "handle"),
    ],
)
def test_known_expressions_are_replaced(text: str, expected: str) -> None:
    data = {"id": 7, "Name": "x y", "order": {"Lines": {"first": "pen"}}, "ratio": 0.5, "yes": True}
    assert resolved(text, **data) == expected


def test_data_of_the_trigger_comes_before_what_the_host_knows() -> None:
    assert resolved("{datetime}", dateTime="mine") == "mine"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{nothing}", r"'\{nothing\}' has no value in this run. The trigger has brought: id, order; also known are"),
        ("{id.x}", "has no value in this run"),
        ("{order}", "is an object or a list; name one value inside it"),
        ("{id", "has a brace without its partner"),
        ("id}", "has a brace without its partner"),
        ("{rand-guid:X}", "has an unknown format; use N, D, B or P"),
        ("{DateTime:dddd}", "has a date format with 'dddd', which this host does not know"),
        ("{DateTime:tt}", "has a date format with 'tt', which this host does not know"),
    ],
)
def test_what_cannot_be_replaced_is_refused_with_the_cure(text: str, reason: str) -> None:
    with pytest.raises(UnresolvedExpression, match=reason):
        resolved(text, id="7", order={"a": 1})


def test_an_http_request_brings_route_query_headers_and_its_json_body() -> None:
    request = Datum(
        {
            "params": {"id": Datum("7", "string")},
            "query": {"page": Datum("2", "string")},
            "headers": {"x-tenant": Datum("acme", "string")},
            "body": Datum(b'{"id": "of the body", "name": "n", "tags": [1]}', "bytes"),
        },
        "http",
    )
    assert trigger_data(request, {}) == {
        "query": {"page": "2"},
        "headers": {"x-tenant": "acme"},
        "id": "7",
        "name": "n",
    }


def test_a_message_brings_its_metadata_and_its_json_body() -> None:
    metadata = {"QueueTrigger": Datum('{"a": {"b": 1}}', "string"), "DequeueCount": Datum("2", "json")}
    assert trigger_data(Datum('{"a": {"b": 1}}', "string"), metadata) == {
        "QueueTrigger": '{"a": {"b": 1}}',
        "DequeueCount": 2,
        "a": {"b": 1},
    }


@pytest.mark.parametrize("value", ["text", "[1]", b"\xff", "", None])
def test_a_body_that_is_no_json_object_brings_nothing(value: object) -> None:
    assert trigger_data(Datum(value, "string"), {}) == {}
