"""Faults of the app, of the host's own decisions and of its file: nothing hangs, nothing is lost, all is said."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
import tracemalloc
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.durable.hub import TaskHub
from devhost.durable.instance import Instance, RuntimeStatus
from tests.helpers.durable_hub import rows, rows_are, running_hub, status_is, wait_until

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

Context = df.DurableOrchestrationContext
Steps = Generator[Any, Any, Any]
HOST_FAULT = "The host could not carry out an episode of this instance: "


class Mute(Exception):
    """Has no text: asking for it raises."""

    def __str__(self) -> str:
        raise Mute


def double(value: int) -> int:
    return value * 2


def boom(value: Any) -> None:
    raise ValueError("boom")


def wait_for_go(context: Context) -> Steps:
    return (yield context.wait_for_external_event("go"))


def message_of_failure(context: Context) -> Steps:
    """The Message in the failure of the activity that the input names."""
    try:
        yield context.call_activity(json.loads(context.get_input()))
    except Exception as error:
        return json.loads(str(error).split("\n")[1])["Message"]


def every_kind_of_step(context: Context) -> Steps:
    """An activity, a timer and a child: each method of the store is needed."""
    doubled = yield context.call_activity("double", 2)
    yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=20))
    return doubled + (yield context.call_sub_orchestrator("child", 3))


def child(context: Context) -> Steps:
    return (yield context.call_activity("double", 3))


async def run(hub: TaskHub, name: str, value: Any = None) -> Instance:
    input_text = None if value is None else json.dumps(json.dumps(json.dumps(value)))
    own_id = await hub.create_instance(name, instance_id=None, input_text=input_text)
    ended = await hub.wait_until_finished(own_id, 10)
    assert ended is not None, f"{name} is still {await hub.get_instance(own_id)}"
    return ended


def retry_beyond_the_calendar(context: Context) -> Steps:
    yield context.call_activity_with_retry("boom", df.RetryOptions(10**15, 2))


def child_version_that_no_file_takes(context: Context) -> Steps:
    yield context.call_sub_orchestrator("child", 1, None, "\ud800")


def child_version_that_is_no_text(context: Context) -> Steps:
    yield context.call_sub_orchestrator("child", 1, None, {"major": 1})


def mute_failure(context: Context) -> Steps:
    yield context.call_activity("double", 1)
    raise Mute


@pytest.mark.parametrize(
    ("orchestrator", "error"),
    [
        (retry_beyond_the_calendar, "OverflowError: date value out of range"),
        (child_version_that_no_file_takes, "UnicodeEncodeError: 'utf-8' codec can't encode character '\\ud800'"),
        (child_version_that_is_no_text, "ProgrammingError: Error binding parameter"),
        (mute_failure, "Mute: <its text cannot be shown: __str__ raised Mute>"),
    ],
)
async def test_what_the_host_cannot_carry_out_fails_the_instance_at_once_with_the_real_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, orchestrator: Callable[..., Any], error: str
) -> None:
    orchestrators = {"main": orchestrator, "child": child}
    async with running_hub(tmp_path / "hub.sqlite", orchestrators, {"double": double, "boom": boom}) as hub:
        ended = await run(hub, "main")
    assert ended.runtime_status is RuntimeStatus.FAILED
    assert (ended.output_text or "").startswith(f"Orchestrator function 'main' failed: {HOST_FAULT}{error}")
    assert caplog.text.count("Traceback (most recent call last)") >= 1
    assert "will be repeated" not in caplog.text


async def test_a_failure_in_the_host_reaches_the_parent(tmp_path: Path) -> None:
    def parent(context: Context) -> Steps:
        try:
            yield context.call_sub_orchestrator("doomed")
        except Exception as error:
            return str(error).split("\n", maxsplit=1)[0]

    orchestrators = {"parent": parent, "doomed": retry_beyond_the_calendar}
    async with running_hub(tmp_path / "hub.sqlite", orchestrators, {"boom": boom}) as hub:
        ended = await run(hub, "parent")
    assert "OverflowError: date value out of range" in (ended.output_text or "")


async def test_a_timer_before_the_year_1000_fires_at_once(tmp_path: Path) -> None:
    def ancient(context: Context) -> Steps:
        yield context.create_timer(datetime(1, 1, 1, tzinfo=UTC))
        return "late"

    async with running_hub(tmp_path / "hub.sqlite", {"ancient": ancient}) as hub:
        ended = await run(hub, "ancient")
    assert ended.output_text == '"late"'


async def test_an_orchestrator_call_that_is_cancelled_inside_fails_its_instance(tmp_path: Path) -> None:
    def cancelled(context: Context) -> Steps:
        yield context.call_activity("double", 1)
        raise asyncio.CancelledError

    async with running_hub(tmp_path / "hub.sqlite", {"cancelled": cancelled}, {"double": double}) as hub:
        ended = await run(hub, "cancelled")
    assert ended.runtime_status is RuntimeStatus.FAILED
    assert "CancelledError" in (ended.output_text or "")


async def test_an_error_while_the_host_stops_ends_no_instance(tmp_path: Path) -> None:
    began, may_fail = threading.Event(), threading.Event()

    def stuck(context: Context) -> None:
        began.set()
        may_fail.wait(5)
        raise Mute

    async def has_begun() -> bool:
        return began.is_set()

    async with running_hub(tmp_path / "hub.sqlite", {"main": stuck}) as hub:
        await hub.create_instance("main", instance_id="m", input_text=None)
        await wait_until(has_begun, bool)
        asyncio.get_running_loop().call_later(0.05, may_fail.set)
    async with running_hub(tmp_path / "hub.sqlite", {"main": lambda _: "well"}) as hub:
        ended = await hub.wait_until_finished("m", 10)
    assert ended is not None
    assert ended.output_text == '"well"'


async def test_an_activity_whose_exception_has_no_text_fails_its_task(tmp_path: Path) -> None:
    def mute(value: Any) -> None:
        raise Mute

    async with running_hub(tmp_path / "hub.sqlite", {"main": message_of_failure}, {"mute": mute}) as hub:
        ended = await run(hub, "main", "mute")
    assert ended.output_text == '" Mute: <its text cannot be shown: __str__ raised Mute>"'


async def test_an_activity_call_that_is_cancelled_inside_fails_its_task(tmp_path: Path) -> None:
    async def cancelled(value: Any) -> None:
        raise asyncio.CancelledError

    async with running_hub(tmp_path / "hub.sqlite", {"main": message_of_failure}, {"cancelled": cancelled}) as hub:
        ended = await run(hub, "main", "cancelled")
    assert ended.output_text == '" CancelledError: "'


async def test_a_result_that_is_too_deep_to_be_read_fails_its_task(tmp_path: Path) -> None:
    def deep(value: Any) -> Any:
        nested: list[Any] = []
        for _ in range(100_000):
            nested = [nested]
        return nested

    async with running_hub(tmp_path / "hub.sqlite", {"main": message_of_failure}, {"deep": deep}) as hub:
        ended = await run(hub, "main", "deep")
    assert (ended.output_text or "").startswith('" RecursionError: ')


@pytest.mark.parametrize("method", ["load", "commit", "next_work", "record_results", "fire_timers"])
async def test_a_passing_fault_of_the_store_only_delays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    faults: dict[str, list[Exception]] = {method: [sqlite3.OperationalError("disk I/O error") for _ in range(2)]}
    orchestrators = {"main": every_kind_of_step, "child": child}
    async with running_hub(tmp_path / "hub.sqlite", orchestrators, {"double": double}, faults) as hub:
        ended = await run(hub, "main")
    assert (ended.output_text, faults) == ("10", {method: []})
    assert caplog.text.count("sqlite3.OperationalError: disk I/O error") == 2


@pytest.mark.parametrize("method", ["next_work", "record_results", "fire_timers"])
async def test_no_error_ends_a_background_loop(tmp_path: Path, method: str) -> None:
    faults: dict[str, list[Exception]] = {method: [ZeroDivisionError("unforeseen"), LookupError("unforeseen")]}
    orchestrators = {"main": every_kind_of_step, "child": child}
    async with running_hub(tmp_path / "hub.sqlite", orchestrators, {"double": double}, faults) as hub:
        first, second = await run(hub, "main"), await run(hub, "main")
    assert (first.runtime_status.is_terminal, second.output_text, faults) == (True, "10", {method: []})


async def test_a_result_that_the_store_cannot_take_fails_its_call_and_no_other(tmp_path: Path) -> None:
    may_end = asyncio.Event()

    async def slow(value: Any) -> Any:
        await may_end.wait()
        return value

    def both(context: Context) -> Steps:
        tasks = [context.call_activity("slow", n) for n in range(2)]
        try:
            yield context.task_all(tasks)
        except Exception as error:
            return json.loads(str(error).split("\n")[1])["Message"]

    faults: dict[str, list[Exception]] = {"record_results": []}
    async with running_hub(tmp_path / "hub.sqlite", {"both": both}, {"slow": slow}, faults) as hub:
        own_id = await hub.create_instance("both", instance_id=None, input_text=None)

        async def kinds() -> list[int]:
            return [event["EventType"] for event in await hub.history(own_id)]

        await wait_until(kinds, lambda found: 13 in found)
        # Once for the batch of two, once for the first of them alone.
        faults["record_results"] += [OverflowError("string too large") for _ in range(2)]
        may_end.set()
        ended = await hub.wait_until_finished(own_id, 10)
        outcomes = [event for event in await hub.history(own_id) if event["EventType"] in (5, 6)]
    assert ended is not None
    assert ended.output_text == '" OverflowError: string too large"'
    assert sorted(event["EventType"] for event in outcomes) == [5, 6]


async def test_a_fault_while_the_last_results_are_written_is_logged_and_the_calls_are_made_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    faults: dict[str, list[Exception]] = {"record_results": [sqlite3.OperationalError("disk full")] * 1000}
    path, orchestrators = tmp_path / "hub.sqlite", {"child": child}
    async with running_hub(path, orchestrators, {"double": double}, faults) as hub:
        await hub.create_instance("child", instance_id="c", input_text=None)
        await wait_until(lambda: _count(caplog, "disk full"), lambda count: count > 0)
    assert "The last results could not be written" in caplog.text
    async with running_hub(path, orchestrators, {"double": double}) as hub:
        ended = await hub.wait_until_finished("c", 10)
    assert ended is not None
    assert ended.output_text == "6"


async def _count(caplog: pytest.LogCaptureFixture, text: str) -> int:
    return caplog.text.count(text)


async def test_a_late_result_for_an_ended_instance_leaves_nothing_behind(tmp_path: Path) -> None:
    may_end = asyncio.Event()

    async def slow(value: Any) -> None:
        await may_end.wait()

    def one(context: Context) -> Steps:
        yield context.call_activity("slow")

    path = tmp_path / "hub.sqlite"
    async with running_hub(path, {"one": one}, {"slow": slow}) as hub:
        await hub.create_instance("one", instance_id="o", input_text=None)
        await wait_until(lambda: hub.history("o"), lambda found: len(found) > 2)
        await hub.terminate("o", "enough")
        may_end.set()

        async def left() -> tuple[int, int]:
            return rows(path, "work_items"), rows(path, "inbox")

        assert await wait_until(left, lambda found: found[0] == 0) == (0, 0)


async def test_a_stale_attempt_of_a_child_cannot_answer_for_the_next_one(tmp_path: Path) -> None:
    """Both attempts have the ID that the parent asked for, and their activities the same task id."""
    gates = [asyncio.Event(), asyncio.Event()]
    attempts = iter(["old", "new"])

    async def slow(value: Any) -> str:
        mine = next(attempts)
        await gates[0 if mine == "old" else 1].wait()
        return mine

    def parent(context: Context) -> Steps:
        return (yield context.call_sub_orchestrator_with_retry("kid", df.RetryOptions(1, 2), None, "kid"))

    def kid(context: Context) -> Steps:
        return (yield context.call_activity("slow"))

    path = tmp_path / "hub.sqlite"
    async with running_hub(path, {"parent": parent, "kid": kid}, {"slow": slow}) as hub:
        own_id = await hub.create_instance("parent", instance_id=None, input_text=None)
        await status_is(hub, "kid", RuntimeStatus.RUNNING)
        await hub.terminate("kid", "enough")
        await status_is(hub, "kid", RuntimeStatus.RUNNING)
        gates[0].set()
        await rows_are(path, "work_items", 1)
        assert await hub.wait_until_finished(own_id, 0.2) is None
        gates[1].set()
        ended = await hub.wait_until_finished(own_id, 10)
    assert ended is not None
    assert ended.output_text == '"new"'


async def test_terminated_instances_leave_no_memory_behind(tmp_path: Path) -> None:
    def heavy(context: Context) -> Steps:
        yield context.call_activity("swallow", "x" * 500_000)
        yield context.wait_for_external_event("go")

    names = [f"heavy-{number}" for number in range(10)]
    async with running_hub(tmp_path / "hub.sqlite", {"heavy": heavy}, {"swallow": lambda _: None}) as hub:
        tracemalloc.start()
        for name in names:
            await hub.create_instance("heavy", instance_id=name, input_text=json.dumps("y" * 1_000_000))
            await wait_until(
                lambda name=name: hub.history(name), lambda found: any(event["EventType"] == 5 for event in found)
            )
        waiting_bytes, _ = tracemalloc.get_traced_memory()
        for name in names:
            await hub.terminate(name, "enough")
        left_bytes, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert waiting_bytes < 15_000_000
    assert left_bytes < 1_000_000
