"""Reads and writes rows in Azure Tables, or in Azurite."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from devhost.storage_bindings.errors import BadOutputValue
from devhost.storage_bindings.table_rows import Int64, Row, query_filter, rows_json, transactions

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


async def read_rows(
    service: "TableServiceClient", table: str, *, partition_key: str, written_filter: str, take: int
) -> str:
    """The matching rows as a JSON array, at most `take` unless it is 0; empty without the table. Raises AzureError."""
    rows: list[dict[str, Any]] = []
    try:
        async for entity in service.get_table_client(table).query_entities(query_filter(partition_key, written_filter)):
            rows.append(dict(entity))
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
