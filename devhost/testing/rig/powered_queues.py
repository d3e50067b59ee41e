"""Queues as a host sees them that may go down: what it does to a message is one of its writes."""

from devhost.queues.memory_queues import MemoryQueues
from devhost.queues.queue_client import ReceivedMessage
from devhost.testing.rig.power import Power


class PoweredQueues:
    """`QueueService` of one life of a host. The queues go on without it, as those of an account do.

    Receiving is no write of its own: a host that goes down right after it has done nothing with the message.
    """

    def __init__(self, queues: MemoryQueues, power: Power) -> None:
        self._queues, self._power = queues, power

    async def exists(self, queue: str) -> bool:
        """True if there is a queue of this name."""
        await self._power.must_be_up()
        return await self._queues.exists(queue)

    async def create(self, queue: str) -> None:
        """Create the queue, unless it exists."""
        await self._power.must_be_up()
        await self._queues.create(queue)

    async def send(self, queue: str, text: str) -> None:
        """Put a message at the end, visible at once. Raises QueueNotFound."""
        await self._power.written("a new message", lambda: self._queues.send(queue, text))

    async def receive(self, queue: str, *, count: int, hidden_for_s: float) -> list[ReceivedMessage]:
        """Up to `count` visible messages, hidden from now on. Raises QueueNotFound."""
        await self._power.must_be_up()
        return await self._queues.receive(queue, count=count, hidden_for_s=hidden_for_s)

    async def hide(self, queue: str, message: ReceivedMessage, *, for_s: float) -> ReceivedMessage:
        """Hide a received message for `for_s` seconds from now. Raises QueueNotFound, MessageGone."""
        return await self._power.written(
            "a message that stays hidden, or is shown again", lambda: self._queues.hide(queue, message, for_s=for_s)
        )

    async def delete(self, queue: str, message: ReceivedMessage) -> None:
        """Delete a received message. Raises QueueNotFound, MessageGone."""
        await self._power.written("a message that is done", lambda: self._queues.delete(queue, message))

    async def close(self) -> None:
        """Keep everything: the next life finds it."""
