"""The queue service in memory, whose time the test owns."""

from __future__ import annotations

import pytest

from devhost.queues.memory_queues import MemoryQueues
from tests.helpers.manual_clock import ManualClock
from tests.helpers.queue_contract import QueueContract


class TestMemoryQueues(QueueContract):
    @pytest.fixture
    def service(self) -> MemoryQueues:
        return MemoryQueues(ManualClock())


async def test_a_hidden_message_is_seen_again_exactly_when_the_clock_says_so() -> None:
    clock = ManualClock()
    queues = MemoryQueues(clock)
    await queues.create("work")
    await queues.send("work", "x")
    await queues.receive("work", count=1, hidden_for_s=600)
    await clock.advance(599.9)
    assert await queues.receive("work", count=1, hidden_for_s=600) == []
    await clock.advance(0.1)
    assert [one.dequeue_count for one in await queues.receive("work", count=1, hidden_for_s=600)] == [2]


async def test_a_deleted_queue_takes_its_messages_along() -> None:
    queues = MemoryQueues(ManualClock())
    await queues.create("work")
    await queues.send("work", "x")
    queues.delete_queue("work")
    assert (await queues.exists("work"), list(queues.texts("work"))) == (False, [])


async def test_the_time_of_the_next_visible_message_is_known() -> None:
    clock = ManualClock()
    queues = MemoryQueues(clock)
    await queues.create("work")
    nothing = queues.next_visible_at("work")
    await queues.send("work", "x")
    sent_at = clock.now()
    await clock.advance(5)
    assert (nothing, queues.next_visible_at("work")) == (None, sent_at)
