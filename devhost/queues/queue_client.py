"""What this host needs of a queue service, and what may go wrong with it."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from devhost.errors import DevhostError

MAX_RECEIVE = 32
"""Messages per receive, at most."""

_QUEUE_NAME = re.compile(r"(?=.{3,63}\Z)[a-z0-9]+(-[a-z0-9]+)*")


class QueueError(DevhostError):
    """Base of what a queue service may answer."""


class QueueNotFound(QueueError):
    """There is no queue of this name."""

    def __init__(self, queue: str) -> None:
        super().__init__(f"the queue '{queue}' does not exist")
        self.queue = queue


class MessageGone(QueueError):
    """The message was deleted, or someone else has received it since: its receipt is no longer valid."""

    def __init__(self, queue: str, message_id: str) -> None:
        super().__init__(f"the message {message_id} of the queue '{queue}' is no longer ours")
        self.queue = queue
        self.message_id = message_id


class QueueServiceFault(QueueError):
    """The service cannot be reached or refuses the request; the message names its address and the cure."""


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """One message as received; hidden from others until `next_visible_at`. Times are aware UTC."""

    id: str
    pop_receipt: str
    text: str
    """As stored, before any decoding."""
    dequeue_count: int
    """How often it has been received, this time included."""
    inserted_at: datetime
    expires_at: datetime
    next_visible_at: datetime


class QueueService(Protocol):
    """Queues of one account. Every call may raise QueueServiceFault."""

    async def exists(self, queue: str) -> bool:
        """True if there is a queue of this name."""

    async def create(self, queue: str) -> None:
        """Create the queue, unless it exists."""

    async def send(self, queue: str, text: str) -> None:
        """Put a message at the end, visible at once. Raises QueueNotFound."""

    async def receive(self, queue: str, *, count: int, hidden_for_s: float) -> list[ReceivedMessage]:
        """Up to `count` (at most MAX_RECEIVE) visible messages, hidden from now on. Raises QueueNotFound."""

    async def hide(self, queue: str, message: ReceivedMessage, *, for_s: float) -> ReceivedMessage:
        """Hide a received message for `for_s` seconds from now; 0 shows it at once. The message with its new
        receipt comes back; the old one is void. Raises QueueNotFound, MessageGone.
        """

    async def delete(self, queue: str, message: ReceivedMessage) -> None:
        """Delete a received message. Raises QueueNotFound, MessageGone."""

    async def close(self) -> None:
        """Release the connections."""


def is_queue_name(name: str) -> bool:
    """True for 3 to 63 lower-case letters, digits and single hyphens between them.

    Source: Azure Storage documentation, Naming queues and metadata.
    """
    return _QUEUE_NAME.fullmatch(name) is not None


async def send_creating(service: QueueService, queue: str, text: str) -> None:
    """Send, and create the queue if it is missing. Raises QueueServiceFault."""
    try:
        await service.send(queue, text)
    except QueueNotFound:
        await service.create(queue)
        await service.send(queue, text)
