"""Transactions that the app writes itself, against those of the SDK, on Azurite."""

from __future__ import annotations

import math
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from azure.data.tables import EdmType, EntityProperty, TableTransactionError
from azure.data.tables.aio import TableClient, TableServiceClient

from storage.account.entity_groups import delete_all, replace_all
from storage.account.tables import PATIENCE

VALUES: dict[str, Any] = {
    "text": "Zähler 中文 🐍 \" ' \\ </p>\r\n\t\x7f\u2028",
    "empty": "",
    "yes": True,
    "number": -(2**31),
    "large": EntityProperty(2**63 - 1, EdmType.INT64),
    "share": 0.1,
    "whole": 3.0,
    "endless": math.inf,
    "least": -math.inf,
    "bytes": EntityProperty(bytes(range(256)), EdmType.BINARY),
    "nothing": EntityProperty(b"", EdmType.BINARY),
    "at": datetime(2026, 11, 21, 6, 0, 0, 123456, tzinfo=UTC),
    "there": datetime(2026, 7, 1, 0, 30, tzinfo=timezone(timedelta(hours=2))),
}
KEYS = ["books~0000000001~000001", "it's", "Zähler 中文", "a b+c%20d&e=f", "(x,y)='z'", "-_.~!*:;@$|<>[]{}^`"]


@pytest.fixture
async def table(azurite: str) -> AsyncIterator[TableClient]:
    async with TableServiceClient.from_connection_string(azurite, **PATIENCE) as service:
        yield await service.create_table(f"t{uuid.uuid4().hex[:12]}")


@pytest.fixture
def sdk_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks the SDK for a transaction has not written one."""

    async def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the transaction was left to the SDK")

    monkeypatch.setattr(TableClient, "submit_transaction", refuse)


async def properties_of(table: TableClient, partition: str, row: str) -> dict[str, Any]:
    entity = await table.get_entity(partition, row)
    return {name: value for name, value in entity.items() if name != "RowKey"}


@pytest.mark.usefixtures("sdk_refuses")
@pytest.mark.parametrize("name", VALUES)
async def test_a_value_comes_back_as_if_the_sdk_had_written_it(table: TableClient, name: str) -> None:
    entity = {"PartitionKey": "p", name: VALUES[name]}
    await table.upsert_entity({**entity, "RowKey": "theirs"})
    await replace_all(table, [{**entity, "RowKey": "ours"}])
    ours, theirs = await properties_of(table, "p", "ours"), await properties_of(table, "p", "theirs")
    assert ours == theirs
    assert type(ours[name]) is type(theirs[name])


@pytest.mark.usefixtures("sdk_refuses")
async def test_what_is_not_a_number_is_stored_as_such(table: TableClient) -> None:
    await replace_all(table, [{"PartitionKey": "p", "RowKey": "r", "share": math.nan}])
    assert math.isnan((await table.get_entity("p", "r"))["share"])


@pytest.mark.usefixtures("sdk_refuses")
async def test_every_key_that_the_service_takes_is_found_again(table: TableClient) -> None:
    for partition in KEYS:
        await replace_all(table, [{"PartitionKey": partition, "RowKey": row, "row": row} for row in KEYS])
        found = [await table.get_entity(partition, row) for row in KEYS]
        assert [entity["row"] for entity in found] == KEYS
        assert {entity["PartitionKey"] for entity in found} == {partition}


@pytest.mark.usefixtures("sdk_refuses")
async def test_a_hundred_entities_go_off_at_once_and_replace_what_was_there(table: TableClient) -> None:
    first = [{"PartitionKey": "p", "RowKey": f"{number:03d}", "old": "x" * 5000} for number in range(100)]
    await replace_all(table, first)
    await replace_all(table, [{"PartitionKey": "p", "RowKey": f"{number:03d}", "new": number} for number in range(100)])
    found = [entity async for entity in table.list_entities()]
    assert [dict(entity) for entity in found] == [
        {"PartitionKey": "p", "RowKey": f"{number:03d}", "new": number} for number in range(100)
    ]


REFUSED = {
    "a key with a slash": {"RowKey": "a/b"},
    "a text of 70,000 characters": {"RowKey": "r", "text": "x" * 70_000},
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_refused_entity_raises_what_the_sdk_raises_and_stores_none_of_its_transaction(
    table: TableClient, case: str
) -> None:
    entities = [{"PartitionKey": "p", "RowKey": "good"}, {"PartitionKey": "p", **REFUSED[case]}]
    with pytest.raises(TableTransactionError) as theirs:
        await table.submit_transaction([("upsert", entity, {"mode": "replace"}) for entity in entities])
    with pytest.raises(TableTransactionError) as ours:
        await replace_all(table, entities)
    assert ours.value.error_code == theirs.value.error_code  # type: ignore[attr-defined]
    assert [entity async for entity in table.list_entities()] == []


async def test_a_table_that_is_missing_raises_what_the_sdk_raises(azurite: str) -> None:
    async with TableServiceClient.from_connection_string(azurite) as service:
        missing = service.get_table_client(f"t{uuid.uuid4().hex[:12]}")
        with pytest.raises(TableTransactionError, match="TableNotFound"):
            await replace_all(missing, [{"PartitionKey": "p", "RowKey": "r"}])


async def test_a_value_of_a_type_that_the_app_does_not_store_is_named(table: TableClient) -> None:
    with pytest.raises(TypeError, match="tuple is no type that this app stores"):
        await replace_all(table, [{"PartitionKey": "p", "RowKey": "r", "pair": (1, 2)}])


@pytest.mark.usefixtures("sdk_refuses")
async def test_a_hundred_entities_are_deleted_at_once_and_no_other(table: TableClient) -> None:
    await replace_all(table, [{"PartitionKey": "p", "RowKey": f"{number:03d}"} for number in range(100)])
    await replace_all(table, [{"PartitionKey": "p", "RowKey": f"{number:03d}"} for number in range(100, 103)])
    await delete_all(table, [("p", f"{number:03d}") for number in range(1, 101)])
    assert [entity["RowKey"] async for entity in table.list_entities()] == ["000", "101", "102"]


@pytest.mark.usefixtures("sdk_refuses")
async def test_entities_with_any_keys_are_deleted(table: TableClient) -> None:
    for partition in KEYS:
        await replace_all(table, [{"PartitionKey": partition, "RowKey": row} for row in KEYS])
        await delete_all(table, [(partition, row) for row in KEYS])
    assert [entity async for entity in table.list_entities()] == []


async def test_a_deletion_of_what_is_not_all_there_raises_what_the_sdk_raises_and_deletes_nothing(
    table: TableClient,
) -> None:
    await replace_all(table, [{"PartitionKey": "p", "RowKey": "there"}])
    with pytest.raises(TableTransactionError) as fault:
        await delete_all(table, [("p", "there"), ("p", "gone")])
    assert fault.value.status_code == 404
    assert [entity["RowKey"] async for entity in table.list_entities()] == ["there"]
