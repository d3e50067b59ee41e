"""Reads and writes one binding to storage."""

from collections.abc import Callable, Mapping
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError
from azure.functions.meta import Datum

from devhost.errors import DevhostError
from devhost.queues.queue_client import is_queue_name, send_creating
from devhost.queues.queue_message import encode_body
from devhost.storage_bindings.accounts import StorageAccounts
from devhost.storage_bindings.blobs import read_blob, write_blob
from devhost.storage_bindings.errors import BadOutputValue, StorageBindingError
from devhost.storage_bindings.expressions import RunFacts, resolve_expressions
from devhost.storage_bindings.output_values import blob_content, message_body, values_of
from devhost.storage_bindings.table_rows import row_of
from devhost.storage_bindings.tables import insert_rows, read_rows


class BindingAccess:
    """Bindings are as in function.json. Every fault is a StorageBindingError."""

    def __init__(self, accounts: StorageAccounts, *, is_base64: bool, on_sent: Callable[[str], None]) -> None:
        """`is_base64`: how messages are stored; `on_sent` is told the queue of every message sent."""
        self._accounts = accounts
        self._is_base64 = is_base64
        self._on_sent = on_sent

    async def read(self, written: Mapping[str, Any], facts: RunFacts, *, wants_text: bool) -> Datum | None:
        """The value of an in binding; None if the blob does not exist. `wants_text`: the parameter is a str."""
        binding = _Binding(written, facts)
        try:
            if binding.type == "blob":
                content = await read_blob(self._accounts.blobs(binding.connection), binding.text("path"))
                return None if content is None else _as_wanted(binding, content, wants_text=wants_text)
            return await self._read_table(binding)
        except _FAULTS as error:
            raise _error(binding, error) from error

    async def _read_table(self, binding: "_Binding") -> Datum:
        # rowKey is not read: the real host gives a worker the whole partition, see binding_warnings.
        rows = await read_rows(
            self._accounts.tables(binding.connection),
            binding.text("tableName"),
            partition_key=binding.text("partitionKey"),
            written_filter=binding.text("filter"),
            take=int(binding.text("take") or 0),
        )
        return Datum(rows, "string")

    async def write(self, written: Mapping[str, Any], facts: RunFacts, datum: Datum) -> None:
        """Write what an out binding was given."""
        binding = _Binding(written, facts)
        try:
            match binding.type:
                case "queue":
                    await self._send(binding, datum)
                case "table":
                    keys = {"partition_key": binding.given("partitionKey"), "row_key": binding.given("rowKey")}
                    rows = [row_of(value, **keys) for value in values_of(datum)]
                    await insert_rows(self._accounts.tables(binding.connection), binding.text("tableName"), rows)
                case "blob":
                    content = blob_content(datum)
                    await write_blob(self._accounts.blobs(binding.connection), binding.text("path"), content)
        except _FAULTS as error:
            raise _error(binding, error) from error

    async def _send(self, binding: "_Binding", datum: Datum) -> None:
        queue = binding.text("queueName").lower()
        if not is_queue_name(queue):
            raise BadOutputValue(
                f"'{queue}' is no name for a queue; use 3 to 63 lower-case letters, digits and hyphens."
            )
        service = self._accounts.queues(binding.connection)
        for value in values_of(datum):
            await send_creating(service, queue, encode_body(message_body(value), is_base64=self._is_base64))
            self._on_sent(queue)


class _Binding:
    """One binding of one run."""

    def __init__(self, binding: Mapping[str, Any], facts: RunFacts) -> None:
        self._binding, self._facts = binding, facts
        self.name, self.type = str(binding["name"]), str(binding["type"])
        self.connection = str(binding.get("connection") or "")
        self.data_type = str(binding.get("dataType") or "").upper()

    def text(self, key: str) -> str:
        """A property with its expressions resolved; empty if it is not set. Raises UnresolvedExpression."""
        return self.given(key) or ""

    def given(self, key: str) -> str | None:
        """The same; None if it is not set, since an empty key of a row is a key, too."""
        written = self._binding.get(key)
        return None if written is None else resolve_expressions(str(written), self._facts)


# The client libraries add ValueError for names that they refuse.
_FAULTS = (AzureError, OSError, ValueError, DevhostError)


def _error(binding: _Binding, error: BaseException) -> StorageBindingError:
    reason = str(error).partition("\n")[0]
    if isinstance(error, ServiceRequestError) or (isinstance(error, OSError) and not isinstance(error, AzureError)):
        reason = f"the {binding.type} service cannot be reached ({reason}). Start Azurite, or correct the connection."
    elif isinstance(error, HttpResponseError):
        reason = f"the {binding.type} service refuses the request ({error.status_code}: {reason})"
    elif isinstance(error, UnicodeDecodeError):
        reason = "the content is not UTF-8 text; annotate the parameter func.InputStream or bytes"
    return StorageBindingError(binding.name, reason)


def _as_wanted(binding: _Binding, content: bytes, *, wants_text: bool) -> Datum:
    is_text = binding.data_type == "STRING" or (wants_text and binding.data_type != "BINARY")
    return Datum(content.decode(), "string") if is_text else Datum(content, "bytes")
