"""Rows from and to JSON."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.functions.meta import Datum

from devhost.storage_bindings.errors import BadOutputValue
from devhost.storage_bindings.output_values import values_of
from devhost.storage_bindings.table_rows import Int64, Row, query_filter, row_of, rows_json, transactions


def entity_row(document: Any, *, datum_type: str = "string", partition_key: str = "", row_key: str = "") -> Row:
    (value,) = values_of(Datum(document if isinstance(document, str) else json.dumps(document), datum_type))
    return row_of(value, partition_key=partition_key or None, row_key=row_key or None)


def keys(number: int, partition: str = "p") -> Row:
    return {"PartitionKey": partition, "RowKey": str(number)}


def test_the_keys_of_the_object_come_before_those_of_the_binding() -> None:
    assert entity_row({"rowkey": 7, "n": 1}, partition_key="p", row_key="r") == {
        "PartitionKey": "p",
        "RowKey": "7",
        "n": Int64(1),
    }


def test_properties_keep_their_types_and_null_is_left_out() -> None:
    document = {"PartitionKey": "p", "RowKey": "r", "i": 2**40, "f": 1.0, "b": False, "s": "x", "none": None}
    assert entity_row(document) == {**keys(0), "RowKey": "r", "i": Int64(2**40), "f": 1.0, "b": False, "s": "x"}


def test_dates_in_a_text_become_dates_but_those_of_a_dict_stay_text() -> None:
    document = {**keys(1), "at": "2026-11-03T10:00:00+02:00", "on": "2026-11-03"}
    assert entity_row(document)["at"] == datetime(2026, 11, 3, 8, tzinfo=UTC)
    assert entity_row(document)["on"] == "2026-11-03"
    assert entity_row(document, datum_type="json")["at"] == "2026-11-03T10:00:00+02:00"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"RowKey": "r"}, "a row has no PartitionKey"),
        ({"PartitionKey": "p", "RowKey": None}, "a row has no RowKey"),
        ({"PartitionKey": "a/b", "RowKey": "r"}, "the PartitionKey 'a/b' holds one of"),
        ({"PartitionKey": "p", "RowKey": "r", "x": {"a": 1}}, "the property 'x' is dict"),
        ({"PartitionKey": "p", "RowKey": "r", "x": [1]}, "the property 'x' is list"),
        ({"PartitionKey": "p", "RowKey": "r", "x": 2**63}, "the property 'x' is int"),
        ("plain text", "a table takes a JSON object, or an array of objects"),
        ("[1]", "a table takes a JSON object, or an array of objects"),
    ],
)
def test_what_is_no_row_is_refused(document: Any, reason: str) -> None:
    with pytest.raises(BadOutputValue, match=reason):
        entity_row(document)


def test_a_transaction_has_one_partition_and_no_key_twice() -> None:
    rows = [keys(1), keys(2), keys(1, "q"), {**keys(1), "again": True}, keys(3)]
    assert transactions(rows) == [
        [keys(1), keys(2)],
        [{**keys(1), "again": True}, keys(3)],
        [keys(1, "q")],
    ]


def test_a_transaction_has_a_hundred_rows_at_most() -> None:
    assert [len(batch) for batch in transactions(keys(number) for number in range(250))] == [100, 100, 50]


@pytest.mark.parametrize(
    ("partition_key", "written", "expected"),
    [
        ("p", "", "PartitionKey eq 'p'"),
        ("o'neill", "n gt 1", "PartitionKey eq 'o''neill' and n gt 1"),
        ("", "n gt 1", "n gt 1"),
        ("", "", ""),
    ],
)
def test_the_filter_of_an_input(partition_key: str, written: str, expected: str) -> None:
    assert query_filter(partition_key, written) == expected


def test_rows_are_given_as_json_whatever_they_hold() -> None:
    guid = uuid.UUID(int=1)
    read = {**keys(1), "n": (5, "Edm.Int64"), "at": datetime(2026, 1, 1, tzinfo=UTC), "raw": b"\xff", "id": guid}
    expected = {**keys(1), "n": 5, "at": "2026-01-01T00:00:00+00:00", "raw": "/w==", "id": str(guid)}
    assert json.loads(rows_json([read, keys(2)])) == [expected, keys(2)]
