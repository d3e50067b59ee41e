"""Entity group transactions: up to a hundred entities of one partition, replaced or deleted in one request.

The SDK does that, too, but makes a request object, a MIME message and a response object of every entity: more than a
third of a run's processor time. Here the body is written as text and sent through the SDK's own pipeline, which
brings addresses, credentials, retries and time limits. Whatever does not come back as a plain success is left to the
SDK, which sends it once more and knows what to raise: docs/decisions/0007-entity-group-transactions.md.
"""

import json
import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal
from urllib.parse import quote
from uuid import uuid4

from azure.core.rest import HttpRequest
from azure.data.tables import EdmType, EntityProperty
from azure.data.tables.aio import TableClient

Entity = Mapping[str, Any]
Key = tuple[str, str]

_encode: Final = json.JSONEncoder(separators=(",", ":")).encode  # ASCII only, as the emulator counts bytes
_PLAIN: Final = (str, bool, int)
"""Types whose values JSON alone can tell."""
_TYPE: Final = "@odata.type"
_ACCEPTED: Final = 202
_DONE: Final = b"HTTP/1.1 204 "
_PART_HEADERS: Final = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary"
_NOT_FINITE: Final = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_DELETION_HEADERS: Final = "Accept: application/json\r\nIf-Match: *\r\nDataServiceVersion: 3.0"
_ENTITY_HEADERS: Final = "Content-Type: application/json\r\nAccept: application/json\r\nDataServiceVersion: 3.0"


async def replace_all(table: TableClient, entities: Sequence[Entity]) -> None:
    """Insert or replace the entities, all or none. At most 100, of one partition, less than 4 MiB.

    Raises what `TableClient.submit_transaction` raises, which tables in memory have as well.
    """
    if isinstance(table, TableClient) and await _are_done(table, [_replacement(entity) for entity in entities]):
        return
    await table.submit_transaction([("upsert", entity, {"mode": "replace"}) for entity in entities])


async def delete_all(table: TableClient, keys: Sequence[Key]) -> None:
    """Delete the entities with these partition and row keys, all or none, as `replace_all`.

    Raises TableTransactionError with status 404 if one of them is not there.
    """
    if isinstance(table, TableClient) and await _are_done(table, [_Operation("DELETE", *key) for key in keys]):
        return
    await table.submit_transaction([("delete", {"PartitionKey": one, "RowKey": row}) for one, row in keys])


@dataclass(frozen=True, slots=True)
class _Operation:
    """What is to be done with one entity; nothing is sent along with a deletion."""

    method: Literal["PUT", "DELETE"]
    partition: str
    row: str
    body: str = ""

    def part(self, table_url: str, number: int) -> str:
        """The operation as a request of its own, with a number that the transaction has only once."""
        address = f"{table_url}(PartitionKey='{_in_key(self.partition)}',RowKey='{_in_key(self.row)}')"
        headers = f"{_ENTITY_HEADERS}\r\nContent-Length: {len(self.body)}" if self.body else _DELETION_HEADERS
        return (
            f"{_PART_HEADERS}\r\nContent-ID: {number}\r\n\r\n"
            f"{self.method} {address} HTTP/1.1\r\n{headers}\r\n\r\n{self.body}"
        )


def _replacement(entity: Entity) -> _Operation:
    return _Operation("PUT", entity["PartitionKey"], entity["RowKey"], _encode(_properties(entity)))


async def _are_done(table: TableClient, operations: Sequence[_Operation]) -> bool:
    """Send the operations; False if the service has refused any, and so all, of them."""
    # The SDK's public methods end at submit_transaction; its version is pinned, and tests meet a change of this.
    response = await table._client.send_request(_request(table, operations), stream=True)
    answer: bytes = await response.read()
    return response.status_code == _ACCEPTED and answer.count(_DONE) == len(operations)


def _request(table: TableClient, operations: Sequence[_Operation]) -> HttpRequest:
    account = table.url.partition("?")[0]
    batch, changes = f"batch_{uuid4()}", f"changeset_{uuid4()}"
    parts = [one.part(f"{account}/{table.table_name}", number) for number, one in enumerate(operations)]
    lines = [
        f"--{batch}\r\nContent-Type: multipart/mixed; boundary={changes}\r\n",
        *(f"--{changes}\r\n{part}" for part in parts),
        f"--{changes}--\r\n",
        f"--{batch}--\r\n",
    ]
    headers = {
        "Content-Type": f"multipart/mixed; boundary={batch}",
        "Accept": "application/json",
        "x-ms-version": table.api_version,
        "DataServiceVersion": "3.0",
        "MaxDataServiceVersion": "3.0;NetFx",
    }
    return HttpRequest("POST", f"{account}/$batch", headers=headers, content="\r\n".join(lines).encode())


def _in_key(key: str) -> str:
    return quote(key.replace("'", "''"), safe="")


def _properties(entity: Entity) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for name, value in entity.items():
        if isinstance(value, _PLAIN):
            properties[name] = value
            continue
        kind, text = _typed(value)
        properties[f"{name}{_TYPE}"], properties[name] = kind, text
    return properties


def _typed(value: Any) -> tuple[str, str | float]:
    """The type and the text of a value that JSON alone cannot tell."""
    if isinstance(value, float):
        return "Edm.Double", value if math.isfinite(value) else _NOT_FINITE[str(value)]
    if isinstance(value, datetime):
        return "Edm.DateTime", value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, EntityProperty):
        if value.edm_type is EdmType.INT64:
            return "Edm.Int64", str(value.value)
        if value.edm_type is EdmType.BINARY:
            return "Edm.Binary", b64encode(value.value).decode("ascii")
    raise TypeError(f"{type(value).__name__} is no type that this app stores")
