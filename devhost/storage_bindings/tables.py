"""Reads and writes rows in Azure Tables, or in Azurite."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from devhost.storage_bindings.errors import BadOutputValue
from devhost.storage_bindings.table_rows import Int64, Row, query_filter, row_json, rows_json, transactions

if TYPE_CHECKING:
    from azure.data.tables.aio import TableClient, TableServiceClient

NOT_FOUND, CONFLICT = 404, 409


async def insert_rows(service: "TableServiceClient", table: str, rows: Sequence[Row]) -> None:
    """Insert the rows, and create the table if it is missing.

    Like the real host it inserts: a row whose keys exist already is an error (BadOutputValue), and its whole
    batch is not written. Raises AzureError.
    """
    client = service.get_table_client(table)
    for batch in transactions(rows):
        operations = [("create", _entity(row)) for row in batch]
        try:
            await _submit(client, operations)
        except HttpResponseError as error:
            # A transaction has no error class of its own for this.
            if error.status_code != NOT_FOUND:
                raise
            await service.create_table_if_not_exists(table)
            await _submit(client, operations)


async def read_row(service: "TableServiceClient", table: str, partition_key: str, row_key: str) -> str | None:
    """The row as a JSON object; None if there is none. Raises AzureError."""
    try:
        entity = await service.get_table_client(table).get_entity(partition_key, row_key)
    except ResourceNotFoundError:
        return None
    return row_json(_with_metadata(entity))


async def read_rows(
    service: "TableServiceClient", table: str, *, partition_key: str | None, written_filter: str | None, take: int
) -> str:
    """The matching rows as a JSON array, at most `take` unless it is 0; empty without the table. Raises AzureError."""
    rows: list[dict[str, Any]] = []
    try:
        async for entity in service.get_table_client(table).query_entities(query_filter(partition_key, written_filter)):
            rows.append(_with_metadata(entity))
            if len(rows) == take:
                break
    except ResourceNotFoundError:
        return "[]"
    return rows_json(rows)


async def _submit(client: "TableClient", operations: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    try:
        # Named apart, since the library takes tuples of these two only.
        await client.submit_transaction([(kind, dict(entity)) for kind, entity in operations])
    except HttpResponseError as error:
        if error.status_code != CONFLICT:
            raise
        keys = ", ".join(f"{entity['PartitionKey']}/{entity['RowKey']}" for _, entity in operations[:5])
        raise BadOutputValue(
            f"one of the rows {keys} exists already. The table output inserts and never replaces, as on Azure: choose "
            "another RowKey, or write with azure-data-tables."
        ) from error


def _entity(row: Row) -> dict[str, Any]:
    from azure.data.tables import EdmType, EntityProperty

    return {
        name: EntityProperty(value.value, EdmType.INT64) if isinstance(value, Int64) else value
        for name, value in row.items()
    }


def _with_metadata(entity: Any) -> dict[str, Any]:
    metadata = entity.metadata
    known: dict[str, str | datetime | uuid.UUID] = {
        name: metadata[key]
        for name, key in (("odata.etag", "etag"), ("Timestamp", "timestamp"))
        if metadata.get(key) is not None
    }
    return {**dict(entity), **known}
