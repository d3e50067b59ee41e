"""Looks into an account and puts things there, as an app's neighbours would."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any, TypeVar

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

T = TypeVar("T")


class StorageProbe:
    """One account, by its connection string; queue messages are base64 as the host has them by default."""

    def __init__(self, connection_string: str) -> None:
        self._connection_string = connection_string

    def create_queue(self, queue: str) -> None:
        """Create a queue, unless it exists."""
        with self._queues() as service, suppress(ResourceExistsError):
            service.create_queue(queue)

    def send(self, queue: str, *texts: str, raw: bool = False) -> None:
        """Send messages; the queue is created."""
        self.create_queue(queue)
        with self._queues() as service, closing(service.get_queue_client(queue)) as client:
            for text in texts:
                client.send_message(text if raw else base64.b64encode(text.encode()).decode())

    def stored(self, queue: str) -> list[str]:
        """The stored texts of up to 32 visible messages; they stay where they are."""
        with self._queues() as service, closing(service.get_queue_client(queue)) as client:
            try:
                return [str(message.content) for message in client.peek_messages(max_messages=32)]
            except ResourceNotFoundError:
                return []

    def take(self, queue: str) -> list[str]:
        """The decoded texts of all visible messages, which are deleted."""
        taken = []
        with (
            self._queues() as service,
            closing(service.get_queue_client(queue)) as client,
            suppress(ResourceNotFoundError),
        ):
            for message in client.receive_messages(messages_per_page=32, visibility_timeout=30):
                taken.append(base64.b64decode(message.content).decode())
                client.delete_message(message)
        return taken

    def count(self, queue: str) -> int:
        """All messages of the queue, hidden ones too."""
        with self._queues() as service, closing(service.get_queue_client(queue)) as client:
            return int(client.get_queue_properties().approximate_message_count or 0)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table; none without the table."""
        with TableServiceClient.from_connection_string(self._connection_string) as service:
            try:
                return [dict(row) for row in service.get_table_client(table).list_entities()]
            except ResourceNotFoundError:
                return []

    def insert(self, table: str, row: dict[str, Any]) -> None:
        """Insert a row; the table is created."""
        with TableServiceClient.from_connection_string(self._connection_string) as service:
            service.create_table_if_not_exists(table).upsert_entity(row)

    def blob(self, container: str, name: str) -> bytes | None:
        """The content of a blob."""
        with BlobServiceClient.from_connection_string(self._connection_string) as service:
            try:
                return bytes(service.get_blob_client(container, name).download_blob().readall())
            except ResourceNotFoundError:
                return None

    def blob_names(self, container: str) -> list[str]:
        """The names of all blobs of a container; none without it."""
        with BlobServiceClient.from_connection_string(self._connection_string) as service:
            try:
                return sorted(str(name) for name in service.get_container_client(container).list_blob_names())
            except ResourceNotFoundError:
                return []

    def _queues(self) -> QueueServiceClient:
        return QueueServiceClient.from_connection_string(self._connection_string)


def eventually(look: Callable[[], T], is_it: Callable[[T], bool], *, timeout_s: float = 60.0) -> T:
    """What `look` gives as soon as it is right; fails with the last value after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not is_it(found := look()):
        assert time.monotonic() < deadline, f"after {timeout_s:g} s it is still {found!r}"
        time.sleep(0.05)
    return found


def taken_json(probe: StorageProbe, queue: str, *, count: int = 1) -> list[Any]:
    """The next `count` messages of a queue, read as JSON."""
    taken: list[str] = []

    def look() -> list[str]:
        taken.extend(probe.take(queue))
        return taken

    eventually(look, lambda found: len(found) >= count)
    return [json.loads(text) for text in taken]
