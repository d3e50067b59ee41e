"""Entities, queues, HTTP calls of orchestrators and retried timers in the kit."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

import azure.durable_functions as df
import azure.functions as func
import pytest

from devhost.testing import CrashFound, Host, check_replay, survive_every_crash

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
received: list[tuple[str, int]] = []
attempts: list[int] = []


@app.entity_trigger(context_name="context")
def counter(context: df.DurableEntityContext) -> None:
    """Adds up what it is sent."""
    total = context.get_state(lambda: 0)
    if context.operation_name == "add":
        total += context.get_input()
    context.set_state(total)
    context.set_result(total)


@app.orchestration_trigger(context_name="context")
def count(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """Signals twice, then asks."""
    entity = df.EntityId("counter", "all")
    context.signal_entity(entity, "add", 2)
    context.signal_entity(entity, "add", 3)
    return (yield context.call_entity(entity, "get"))


@app.orchestration_trigger(context_name="context")
def fetch(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    """One HTTP call."""
    answer = yield context.call_http("GET", "https://nowhere.example/prices")
    return [answer["statusCode"], answer["content"]]


@app.queue_trigger(arg_name="message", queue_name="orders", connection="AzureWebJobsStorage")
@app.queue_output(arg_name="receipt", queue_name="receipts", connection="AzureWebJobsStorage")
def take_order(message: func.QueueMessage, receipt: func.Out[str]) -> None:
    text = message.get_body().decode()
    received.append((text, message.dequeue_count))
    if text == "bad":
        raise ValueError("not an order")
    receipt.set(f"thanks for {text}")


@app.timer_trigger(arg_name="timer", schedule="0 0 * * * *")
@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:01:00")
def flaky(timer: func.TimerRequest, context: func.Context) -> None:
    attempts.append(context.retry_context.retry_count)
    if len(attempts) < 3:
        raise OSError("not yet")


async def test_entities_are_signalled_called_and_read() -> None:
    async with Host(app) as host:
        run = await host.start("count")
        assert (await host.status(run)).output == 5
        assert check_replay(await host.history(run), app).episodes == 2
        await host.signal_entity("Counter", "all", "add", 10)
        assert await host.entity_state("counter", "all") == 15
        assert await host.entity_state("counter", "other") is None


async def test_signals_survive_every_crash() -> None:
    async def scenario(host: Host) -> Any:
        run = await host.start("count")
        await host.signal_entity("counter", "all", "add", 1)
        await host.wait_for(run)
        return await host.entity_state("counter", "all")

    report = await survive_every_crash(app, scenario)
    assert report.outcome == 6


async def test_a_message_reaches_its_function_and_outputs_reach_their_queue() -> None:
    received.clear()
    async with Host(app) as host:
        await host.send_message("orders", {"books": 2})
        assert host.messages("orders") == []
        assert host.messages("receipts") == ['thanks for {"books": 2}']
    assert received == [('{"books": 2}', 1)]


async def test_a_message_whose_work_was_done_before_a_crash_comes_back() -> None:
    """Its function has done everything but the host has not deleted it: the one crash that every queue app meets."""

    async def scenario(host: Host) -> Any:
        received.clear()
        await host.send_message("orders", "7")
        await host.advance(minutes=30)
        return host.messages("receipts"), host.messages("orders"), host.messages("orders-poison")

    with pytest.raises(CrashFound) as caught:
        await survive_every_crash(app, scenario)
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("(a new message) changes the outcome.")
    assert lines[2] == "  after the crash: (['thanks for 7', 'thanks for 7'], [], [])"


async def test_a_message_that_fails_five_times_goes_to_the_poison_queue() -> None:
    received.clear()
    # The host.json in the working folder is this repository's, which gives its messages a day.
    queues = "AzureFunctionsJobHost__extensions__queues__"
    settings = {f"{queues}maxDequeueCount": "5", f"{queues}visibilityTimeout": "00:00:00"}
    async with Host(app, settings=settings) as host:
        await host.send_message("orders", "bad")
        assert host.messages("orders-poison") == ["bad"]
    assert received == [("bad", count) for count in (1, 2, 3, 4, 5)]


async def test_a_hidden_message_comes_back_in_virtual_time() -> None:
    received.clear()
    settings = {"AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:30:00"}
    async with Host(app, settings=settings) as host:
        await host.send_message("orders", "bad")
        assert received == [("bad", 1)]
        await host.advance(minutes=29)
        assert received == [("bad", 1)]
        await host.advance(minutes=1)
        assert received == [("bad", 1), ("bad", 2)]


async def test_an_http_call_of_an_orchestrator_can_be_replaced() -> None:
    def answer(request: dict[str, Any]) -> dict[str, Any]:
        assert request["uri"] == "https://nowhere.example/prices"
        return {"statusCode": 200, "headers": {}, "content": json.dumps({"tea": 3})}

    async with Host(app) as host:
        host.replace_activity("call_http", answer)
        run = await host.start("fetch")
        assert (await host.status(run)).output == [200, '{"tea": 3}']
        host.calls.expect("call_http")


async def test_the_retries_of_a_timer_take_virtual_time() -> None:
    attempts.clear()
    async with Host(app) as host:
        await host.advance(hours=1)
        assert attempts == [0]
        await host.advance(minutes=1)
        assert attempts == [0, 1]
        await host.advance(minutes=30)
        assert attempts == [0, 1, 2]


async def test_the_retries_of_a_timer_that_is_run_by_hand_move_the_clock() -> None:
    attempts.clear()
    async with Host(app) as host:
        await host.run_timer("flaky")
        assert (attempts, host.clock.now().minute) == ([0, 1, 2], 2)
