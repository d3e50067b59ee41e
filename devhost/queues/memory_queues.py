"""A queue service in memory, whose time is that of a clock: for tests that own the time."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from devhost.clock import Clock
from devhost.queues.queue_client import MessageGone, QueueNotFound, ReceivedMessage

TIME_TO_LIVE = timedelta(days=7)


@dataclass(slots=True)
class _Stored:
    message: ReceivedMessage
    visible_at: datetime


class MemoryQueues:
    """`QueueService` for one process. Messages are received in the order in which they became visible.

    Nothing else than a call moves a message: one becomes visible again when the clock says so.
    """

    def __init__(self, clock: Clock, *, new_id: Callable[[], str] = lambda: str(uuid.uuid4())) -> None:
        """`new_id` makes IDs and receipts of messages."""
        self._clock, self._new_id = clock, new_id
        self._queues: dict[str, list[_Stored]] = {}

    async def exists(self, queue: str) -> bool:
        """True if there is a queue of this name."""
        return queue in self._queues

    async def create(self, queue: str) -> None:
        """Create the queue, unless it exists."""
        self._queues.setdefault(queue, [])

    async def send(self, queue: str, text: str) -> None:
        """Put a message at the end, visible at once. Raises QueueNotFound."""
        now = self._now()
        message = ReceivedMessage(
            id=self._new_id(),
            pop_receipt="",
            text=text,
            dequeue_count=0,
            inserted_at=now,
            expires_at=now + TIME_TO_LIVE,
            next_visible_at=now,
        )
        self._stored(queue).append(_Stored(message, now))

    async def receive(self, queue: str, *, count: int, hidden_for_s: float) -> list[ReceivedMessage]:
        """Up to `count` visible messages, hidden from now on. Raises QueueNotFound."""
        now = self._now()
        visible = sorted((one for one in self._stored(queue) if one.visible_at <= now), key=lambda one: one.visible_at)
        for one in visible[:count]:
            one.message = replace(one.message, dequeue_count=one.message.dequeue_count + 1)
            self._hide(one, hidden_for_s)
        return [one.message for one in visible[:count]]

    async def hide(self, queue: str, message: ReceivedMessage, *, for_s: float) -> ReceivedMessage:
        """Hide a received message for `for_s` seconds from now. Raises QueueNotFound, MessageGone."""
        found = self._find(queue, message)
        self._hide(found, for_s)
        return found.message

    async def delete(self, queue: str, message: ReceivedMessage) -> None:
        """Delete a received message. Raises QueueNotFound, MessageGone."""
        self._stored(queue).remove(self._find(queue, message))

    async def close(self) -> None:
        """Keep everything: a later user of the same object finds it."""

    def delete_queue(self, queue: str) -> None:
        """Forget a queue with its messages."""
        self._queues.pop(queue, None)

    def texts(self, queue: str) -> Sequence[str]:
        """The texts of all messages, hidden ones included, in the order in which they were sent."""
        return [one.message.text for one in self._queues.get(queue, [])]

    def next_visible_at(self, queue: str) -> datetime | None:
        """When the next message is to be seen, now or later; None if there is none."""
        return min((one.visible_at for one in self._queues.get(queue, [])), default=None)

    def _hide(self, stored: _Stored, for_s: float) -> None:
        stored.visible_at = self._now() + timedelta(seconds=for_s)
        stored.message = replace(
            stored.message, pop_receipt=self._new_id(), next_visible_at=stored.visible_at.replace(microsecond=0)
        )

    def _find(self, queue: str, message: ReceivedMessage) -> _Stored:
        for one in self._stored(queue):
            if one.message.id == message.id and one.message.pop_receipt == message.pop_receipt:
                return one
        raise MessageGone(queue, message.id)

    def _stored(self, queue: str) -> list[_Stored]:
        if queue not in self._queues:
            raise QueueNotFound(queue)
        return self._queues[queue]

    def _now(self) -> datetime:
        return self._clock.now().astimezone(UTC)
