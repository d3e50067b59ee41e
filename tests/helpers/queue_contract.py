"""What every queue service must do, for the memory one and for the real ones."""

from __future__ import annotations

import uuid

import pytest

from devhost.queues.queue_client import MessageGone, QueueNotFound, QueueService, send_creating


class QueueContract:
    """Inherit it, and give the fixture `service`; the tests use queues of their own."""

    @pytest.fixture
    def queue(self) -> str:
        return f"q-{uuid.uuid4().hex[:12]}"

    async def test_a_queue_exists_once_it_was_created(self, service: QueueService, queue: str) -> None:
        before = await service.exists(queue)
        await service.create(queue)
        await service.create(queue)
        assert (before, await service.exists(queue)) == (False, True)

    async def test_a_missing_queue_takes_and_gives_nothing(self, service: QueueService, queue: str) -> None:
        with pytest.raises(QueueNotFound, match=queue):
            await service.send(queue, "x")
        with pytest.raises(QueueNotFound, match=queue):
            await service.receive(queue, count=1, hidden_for_s=60)

    async def test_sending_may_create_the_queue(self, service: QueueService, queue: str) -> None:
        await send_creating(service, queue, "first")
        await send_creating(service, queue, "second")
        received = await service.receive(queue, count=32, hidden_for_s=60)
        assert [message.text for message in received] == ["first", "second"]

    async def test_a_received_message_is_hidden_and_counted(self, service: QueueService, queue: str) -> None:
        await send_creating(service, queue, "aGVsbG8= <&> ä")
        (message,) = await service.receive(queue, count=32, hidden_for_s=60)
        assert (message.text, message.dequeue_count) == ("aGVsbG8= <&> ä", 1)
        assert message.inserted_at < message.next_visible_at < message.expires_at
        assert await service.receive(queue, count=32, hidden_for_s=60) == []

    async def test_no_more_than_asked_for_is_received(self, service: QueueService, queue: str) -> None:
        for number in range(3):
            await send_creating(service, queue, str(number))
        first = await service.receive(queue, count=2, hidden_for_s=60)
        second = await service.receive(queue, count=2, hidden_for_s=60)
        assert [[one.text for one in part] for part in (first, second)] == [["0", "1"], ["2"]]

    async def test_a_released_message_comes_again_with_a_higher_count(self, service: QueueService, queue: str) -> None:
        await send_creating(service, queue, "x")
        (message,) = await service.receive(queue, count=1, hidden_for_s=60)
        await service.hide(queue, message, for_s=0)
        (again,) = await service.receive(queue, count=1, hidden_for_s=60)
        assert (again.id, again.text, again.dequeue_count) == (message.id, "x", 2)

    async def test_renewing_the_lease_gives_a_new_receipt_and_voids_the_old_one(
        self, service: QueueService, queue: str
    ) -> None:
        await send_creating(service, queue, "x")
        (old,) = await service.receive(queue, count=1, hidden_for_s=60)
        new = await service.hide(queue, old, for_s=60)
        with pytest.raises(MessageGone, match=old.id):
            await service.delete(queue, old)
        await service.delete(queue, new)

    async def test_a_deleted_message_is_gone(self, service: QueueService, queue: str) -> None:
        await send_creating(service, queue, "x")
        (message,) = await service.receive(queue, count=1, hidden_for_s=60)
        await service.delete(queue, message)
        with pytest.raises(MessageGone):
            await service.delete(queue, message)
        with pytest.raises(MessageGone):
            await service.hide(queue, message, for_s=0)
