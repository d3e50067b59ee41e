"""The queue service of Azure Storage, or of Azurite."""

from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from devhost.config.connections import BadConnection, StorageConnection
from devhost.queues.azure_client_options import STORAGE_CLIENT_OPTIONS
from devhost.queues.queue_client import MessageGone, QueueNotFound, QueueServiceFault, ReceivedMessage

if TYPE_CHECKING:
    from azure.identity.aio import DefaultAzureCredential

T = TypeVar("T")

_NEVER = datetime.max.replace(tzinfo=UTC)
_QUEUE_FAULTS = frozenset({"QueueNotFound", "QueueBeingDeleted", "QueueDisabled"})
_MESSAGE_FAULTS = frozenset({"MessageNotFound", "PopReceiptMismatch"})


class AzureQueues:
    """`QueueService` over HTTP. Build it inside a running event loop, and close it there."""

    def __init__(self, connection: StorageConnection) -> None:
        """Raises BadConnection."""
        self._setting = connection.setting
        self._identity: DefaultAzureCredential | None = None
        self._service = self._service_client(connection)
        self._clients: dict[str, QueueClient] = {}

    async def exists(self, queue: str) -> bool:
        """True if there is a queue of this name."""
        try:
            await self._call(queue, self._client(queue).get_queue_properties())
        except QueueNotFound:
            return False
        return True

    async def create(self, queue: str) -> None:
        """Create the queue, unless it exists."""
        try:
            await self._client(queue).create_queue()
        except ResourceExistsError:
            return
        except (AzureError, OSError) as error:
            raise self._fault(error) from error

    async def send(self, queue: str, text: str) -> None:
        """Put a message at the end, visible at once. Raises QueueNotFound."""
        await self._call(queue, self._client(queue).send_message(text))

    async def receive(self, queue: str, *, count: int, hidden_for_s: float) -> list[ReceivedMessage]:
        """Up to `count` (at most 32) visible messages, hidden from now on. Raises QueueNotFound."""
        found = self._client(queue).receive_messages(messages_per_page=count, visibility_timeout=round(hidden_for_s))
        # An empty answer has no page at all.
        page = await self._call(queue, anext(aiter(found.by_page()), None))
        return [] if page is None else [_received(message) async for message in page]

    async def hide(self, queue: str, message: ReceivedMessage, *, for_s: float) -> ReceivedMessage:
        """Hide a received message for `for_s` seconds (whole ones) from now. Raises QueueNotFound, MessageGone."""
        call = self._client(queue).update_message(message.id, message.pop_receipt, visibility_timeout=round(for_s))
        updated = await self._call(queue, call, message.id)
        return ReceivedMessage(
            id=message.id,
            pop_receipt=str(updated.pop_receipt),
            text=message.text,
            dequeue_count=message.dequeue_count,
            inserted_at=message.inserted_at,
            expires_at=message.expires_at,
            next_visible_at=updated.next_visible_on or message.next_visible_at,
        )

    async def delete(self, queue: str, message: ReceivedMessage) -> None:
        """Delete a received message. Raises QueueNotFound, MessageGone."""
        await self._call(queue, self._client(queue).delete_message(message.id, message.pop_receipt), message.id)

    async def close(self) -> None:
        """Release the connections."""
        for client in self._clients.values():
            await client.close()
        await self._service.close()
        if self._identity is not None:
            await self._identity.close()

    def _service_client(self, connection: StorageConnection) -> QueueServiceClient:
        if connection.connection_string is not None:
            try:
                return QueueServiceClient.from_connection_string(connection.connection_string, **STORAGE_CLIENT_OPTIONS)
            except ValueError as error:
                raise BadConnection(connection.setting, str(error)) from error
        url = connection.service_url("queue")
        from azure.identity.aio import DefaultAzureCredential

        self._identity = DefaultAzureCredential(managed_identity_client_id=connection.client_id)
        return QueueServiceClient(url, credential=self._identity, **STORAGE_CLIENT_OPTIONS)

    def _client(self, queue: str) -> QueueClient:
        if queue not in self._clients:
            self._clients[queue] = self._service.get_queue_client(queue)
        return self._clients[queue]

    async def _call(self, queue: str, call: Awaitable[T], message_id: str = "") -> T:
        try:
            return await call
        except HttpResponseError as error:
            code = getattr(error, "error_code", "")
            code = str(getattr(code, "value", code))
            if code in _MESSAGE_FAULTS:
                raise MessageGone(queue, message_id) from error
            if code in _QUEUE_FAULTS or isinstance(error, ResourceNotFoundError):
                raise QueueNotFound(queue) from error
            raise self._fault(error) from error
        except (AzureError, OSError) as error:
            raise self._fault(error) from error

    def _fault(self, error: BaseException) -> QueueServiceFault:
        reason = str(error).partition("\n")[0]
        if isinstance(error, HttpResponseError) and error.status_code is not None:
            return QueueServiceFault(
                f"the queue service at {self._service.url} refuses the request ({error.status_code}: {reason}); "
                f"check the connection in '{self._setting}' and the rights of its identity"
            )
        return QueueServiceFault(
            f"the queue service at {self._service.url} cannot be reached ({reason}); start Azurite, or correct "
            f"the connection in '{self._setting}'"
        )


def _received(message: QueueMessage) -> ReceivedMessage:
    return ReceivedMessage(
        id=message.id,
        pop_receipt=str(message.pop_receipt),
        text=str(message.content),
        dequeue_count=message.dequeue_count or 0,
        inserted_at=message.inserted_on or _NEVER,
        expires_at=message.expires_on or _NEVER,
        next_visible_at=message.next_visible_on or _NEVER,
    )
