"""The life of messages under a listener, second by second, on a clock that the test moves."""

from __future__ import annotations

import asyncio
import itertools
import logging

import pytest

from devhost.queues.queue_client import QueueServiceFault, ReceivedMessage
from tests.helpers.queue_host import QueueHost, base64_text, listening, quick


async def fail(_text: str) -> bool:
    return False


def logged(caplog: pytest.LogCaptureFixture, part: str) -> list[str]:
    return [record.getMessage() for record in caplog.records if part in record.getMessage()]


async def test_a_message_is_run_and_deleted() -> None:
    async with listening(QueueHost()) as host:
        await host.send("hello")
        await host.clock.advance(3)
        assert (host.texts, list(host.service.texts("work"))) == (["hello"], [])


@pytest.mark.row("host/5/polling")
async def test_an_idle_queue_is_looked_at_every_two_seconds_at_last() -> None:
    async with listening(QueueHost()) as host:
        await host.send()
        await host.clock.advance(60)
        await host.send("late")
        sent_at = host.elapsed_s
        await host.clock.advance(2.5)
        assert host.runs[0][0] - sent_at <= 2.0


@pytest.mark.row("host/5/polling")
async def test_after_a_message_the_next_look_is_soon() -> None:
    async with listening(QueueHost()) as host:
        await host.send()
        await host.clock.advance(60)
        await host.send("first")
        host.wake()
        await host.clock.settle()
        await host.send("second")
        await host.clock.advance(0.1)
        assert host.texts == ["first", "second"]


async def test_a_message_that_this_host_has_sent_wakes_the_listener_at_once() -> None:
    async with listening(QueueHost()) as host:
        await host.send()
        await host.clock.advance(60)
        await host.send("mine")
        host.wake()
        await host.clock.settle()
        assert host.texts == ["mine"]


async def test_a_failed_message_is_seen_again_at_once_five_times_and_then_is_poison(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with listening(QueueHost(answer=fail)) as host:
        await host.send("bad")
        await host.clock.advance(10)
        assert host.texts == ["bad"] * 5
        assert list(host.service.texts("work")) == []
        assert list(host.service.texts("work-poison")) == [base64_text("bad")]
        assert [metadata["DequeueCount"].value for metadata in host.metadata] == ["1", "2", "3", "4", "5"]
    assert len(logged(caplog, "has reached MaxDequeueCount of 5. Moving message to queue 'work-poison'")) == 1


@pytest.mark.row("host/5/options/visibility-timeout", "host/5/failure")
async def test_a_failed_message_waits_for_the_visibility_timeout() -> None:
    host = QueueHost(answer=fail, options=quick(visibility_timeout_s=30.0, max_dequeue_count=3))
    async with listening(host):
        await host.send("bad")
        await host.clock.advance(100)
        times = [at for at, _ in host.runs]
    assert len(times) == 3
    assert all(30.0 <= later - earlier <= 32.1 for earlier, later in itertools.pairwise(times))


@pytest.mark.row("host/5/above-count")
async def test_a_message_received_too_often_already_is_poison_without_a_run() -> None:
    host = QueueHost()
    await host.send("crashes the host")
    for _ in range(5):
        (message,) = await host.service.receive("work", count=1, hidden_for_s=1)
        await host.service.hide("work", message, for_s=0)
    async with listening(host):
        await host.clock.advance(3)
        assert host.runs == []
        assert list(host.service.texts("work-poison")) == [base64_text("crashes the host")]


@pytest.mark.row("host/5/poison-of-poison")
async def test_a_poison_queue_has_no_poison_queue_and_its_failures_stay_hidden_for_the_lease() -> None:
    async with listening(QueueHost(queue="work-poison", answer=fail)) as host:
        await host.send("bad")
        await host.clock.advance(599)
        before = len(host.runs)
        await host.clock.advance(4000)
        assert (before, len(host.runs)) == (1, 8)
        assert not await host.service.exists("work-poison-poison")


async def test_text_that_is_no_base64_is_poison_at_once_and_the_log_tells_the_cure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with listening(QueueHost()) as host:
        await host.send("plain text", raw=True)
        await host.clock.advance(3)
        assert host.runs == []
        assert list(host.service.texts("work-poison")) == ["plain text"]
    assert "TextBase64EncodePolicy" in logged(caplog, "cannot be decoded")[0]


@pytest.mark.row("host/5/encoding-none")
async def test_plain_text_is_received_when_host_json_says_so() -> None:
    async with listening(QueueHost(options=quick(is_base64=False))) as host:
        await host.send("plain text", raw=True)
        await host.clock.advance(3)
        assert host.texts == ["plain text"]


async def test_a_body_that_is_no_text_fails_like_a_run(caplog: pytest.LogCaptureFixture) -> None:
    async with listening(QueueHost(options=quick(max_dequeue_count=2))) as host:
        await host.send("/w==", raw=True)
        await host.clock.advance(10)
        assert host.runs == []
        assert list(host.service.texts("work-poison")) == ["/w=="]
    assert len(logged(caplog, "not UTF-8 text")) == 2


@pytest.mark.row("host/5/hidden")
async def test_a_long_run_keeps_its_message_hidden() -> None:
    async def one_hour(_text: str) -> bool:
        await host.clock.sleep(3600)
        return True

    host = QueueHost(answer=one_hour)
    async with listening(host):
        await host.send("long")
        await host.clock.advance(3700)
        assert (len(host.runs), list(host.service.texts("work"))) == (1, [])


@pytest.mark.row("host/5/concurrency", "host/5/options/new-batch-threshold")
async def test_no_more_run_at_once_than_batch_and_threshold_allow() -> None:
    async def ten_seconds(_text: str) -> bool:
        await host.clock.sleep(10)
        return True

    host = QueueHost(answer=ten_seconds, options=quick(batch_size=4, new_batch_threshold=2))
    async with listening(host):
        await host.send(*(str(number) for number in range(20)))
        await host.clock.advance(200)
        assert sorted(host.texts, key=int) == [str(number) for number in range(20)]
        assert 4 <= host.most_running <= 6


async def test_with_a_batch_of_one_and_no_threshold_runs_never_overlap() -> None:
    async def a_second(_text: str) -> bool:
        await host.clock.sleep(1)
        return True

    host = QueueHost(answer=a_second, options=quick(batch_size=1, new_batch_threshold=0))
    async with listening(host):
        await host.send("a", "b", "c")
        await host.clock.advance(20)
        assert (host.texts, host.most_running) == (["a", "b", "c"], 1)


async def test_a_missing_queue_is_said_once_and_served_once_it_is_there(caplog: pytest.LogCaptureFixture) -> None:
    async with listening(QueueHost()) as host:
        await host.clock.advance(600)
        missing = logged(caplog, "does not exist. The trigger does not create it")
        await host.send("hello")
        await host.clock.advance(3)
        assert (len(missing), host.texts) == (1, ["hello"])


async def test_a_queue_deleted_under_the_listener_is_waited_for_again() -> None:
    async with listening(QueueHost()) as host:
        await host.send("before")
        await host.clock.advance(3)
        host.service.delete_queue("work")
        await host.clock.advance(60)
        await host.send("after")
        await host.clock.advance(3)
        assert host.texts == ["before", "after"]


async def test_an_unreachable_service_is_said_once_and_used_again_when_it_is_back(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreachable(_queue: str) -> bool:
        raise QueueServiceFault("the queue service at http://127.0.0.1:10001 cannot be reached; start Azurite")

    host = QueueHost()
    with monkeypatch.context() as patch:
        patch.setattr(host.service, "exists", unreachable)
        await host.start()
        await host.clock.advance(600)
    await host.send("hello")
    await host.clock.advance(3)
    await host.stop()
    assert host.texts == ["hello"]
    assert len(logged(caplog, "cannot be reached; start Azurite")) == 1
    assert len(logged(caplog, "can be read now")) == 1


async def test_a_lease_that_cannot_be_renewed_is_tried_again_before_it_is_over(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def long(_text: str) -> bool:
        await host.clock.sleep(700)
        return True

    calls: list[float] = []
    host = QueueHost(answer=long)
    real = host.service.hide

    async def flaky(queue: str, message: ReceivedMessage, *, for_s: float) -> ReceivedMessage:
        calls.append(host.elapsed_s)
        if len(calls) == 1:
            raise QueueServiceFault("down for a moment")
        return await real(queue, message, for_s=for_s)

    monkeypatch.setattr(host.service, "hide", flaky)
    async with listening(host):
        await host.send("long")
        await host.clock.advance(800)
        assert len(host.runs) == 1
        assert list(host.service.texts("work")) == []
    assert [round(at - calls[0]) for at in calls] == [0, 150]
    assert len(logged(caplog, "could not be kept hidden")) == 1


async def test_a_message_that_cannot_be_deleted_is_seen_again_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = QueueHost()

    async def down(_queue: str, _message: ReceivedMessage) -> None:
        raise QueueServiceFault("down")

    async with listening(host):
        with monkeypatch.context() as patch:
            patch.setattr(host.service, "delete", down)
            await host.send("twice")
            await host.clock.advance(3)
        await host.clock.advance(605)
        assert host.texts == ["twice", "twice"]
    assert len(logged(caplog, "could not be settled, so it will be seen again: down")) == 1


async def test_a_message_taken_away_during_its_run_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def deleted_meanwhile(_text: str) -> bool:
        host.service.delete_queue("work")
        return True

    host = QueueHost(answer=deleted_meanwhile)
    async with listening(host):
        await host.send("x")
        await host.clock.advance(1)
        assert host.texts == ["x"]
    assert logged(caplog, "could not be settled") == []


async def test_a_stop_lets_a_short_run_end() -> None:
    may_end = asyncio.Event()

    async def wait(_text: str) -> bool:
        return await may_end.wait()

    host = QueueHost(answer=wait)
    await host.send("x")
    await host.start()
    await host.clock.advance(1)
    stopping = asyncio.create_task(host.stop(grace_s=5))
    await host.clock.settle()
    may_end.set()
    await stopping
    assert list(host.service.texts("work")) == []


async def test_a_stop_cuts_a_long_run_and_shows_its_message_to_others_at_once() -> None:
    async def never(_text: str) -> bool:
        return await asyncio.Event().wait()

    host = QueueHost(answer=never)
    await host.send("x")
    await host.start()
    await host.clock.advance(1)
    await host.stop()
    host.answer = None
    await host.restart()
    await host.clock.settle()
    await host.stop()
    assert host.texts == ["x", "x"]
    assert [metadata["DequeueCount"].value for metadata in host.metadata] == ["1", "2"]


async def test_after_a_stop_nothing_more_is_received() -> None:
    host = QueueHost()
    await host.send()
    await host.start()
    await host.stop()
    await host.stop()
    await host.send("late")
    await host.clock.advance(60)
    assert (host.runs, host.clock.sleeper_count) == ([], 0)


async def test_a_message_received_while_the_host_stops_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    host = QueueHost()
    await host.send("x")
    may_answer, real = asyncio.Event(), host.service.receive

    async def slow(queue: str, *, count: int, hidden_for_s: float) -> list[ReceivedMessage]:
        messages = await real(queue, count=count, hidden_for_s=hidden_for_s)
        await may_answer.wait()
        return messages

    monkeypatch.setattr(host.service, "receive", slow)
    await host.start()
    stopping = asyncio.create_task(host.stop(grace_s=5))
    await host.clock.settle()
    may_answer.set()
    await stopping
    assert host.runs == []
    assert host.service.next_visible_at("work") == host.clock.now()
