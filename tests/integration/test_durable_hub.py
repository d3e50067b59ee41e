"""The whole engine over a SQLite file, with real SDK orchestrators."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.durable.errors import (
    InstanceAlreadyLive,
    InstanceFinished,
    InstanceNotFinished,
    InstanceNotFound,
    InvalidInstanceId,
    UnknownFunction,
    WrongState,
)
from devhost.durable.hub import TaskHub
from devhost.durable.instance import Instance, InstanceQuery, RuntimeStatus
from tests.helpers.durable_hub import running_hub, status_is, wait_until

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

Context = df.DurableOrchestrationContext
Steps = Generator[Any, Any, Any]


def double(value: int) -> int:
    return value * 2


def boom(value: Any) -> None:
    raise ValueError("boom")


def wait_for_go(context: Context) -> Steps:
    return (yield context.wait_for_external_event("go"))


async def run(hub: TaskHub, name: str, input_text: str | None = None, instance_id: str | None = None) -> Instance:
    own_id = await hub.create_instance(name, instance_id=instance_id, input_text=input_text)
    ended = await hub.wait_until_finished(own_id, 20)
    assert ended is not None, f"{name} is still {await hub.get_instance(own_id)}"
    return ended


async def test_a_chain_hands_each_result_to_the_next_activity(tmp_path: Path) -> None:
    def chain(context: Context) -> Steps:
        value = json.loads(context.get_input())["n"] if isinstance(context.get_input(), str) else 0
        for _ in range(3):
            value = yield context.call_activity("double", value)
        return {"value": value}

    async with running_hub(tmp_path / "hub.sqlite", {"chain": chain}, {"double": double}) as hub:
        ended = await run(hub, "chain", json.dumps(json.dumps(json.dumps({"n": 5}))))
    assert (ended.runtime_status, ended.output_text) == (RuntimeStatus.COMPLETED, '{"value":40}')


async def test_a_fan_out_of_200_gathers_all_results_in_call_order(tmp_path: Path) -> None:
    def fan(context: Context) -> Steps:
        return (yield context.task_all([context.call_activity("double", n) for n in range(200)]))

    async with running_hub(tmp_path / "hub.sqlite", {"fan": fan}, {"double": double}) as hub:
        ended = await run(hub, "fan")
    assert ended.output_text == json.dumps([n * 2 for n in range(200)], separators=(",", ":"))


@pytest.mark.row("durable/4.5/event-pattern")
async def test_retries_use_up_their_attempts_and_leave_one_timer_after_the_last(tmp_path: Path) -> None:
    calls: list[str] = []

    def fail(value: str) -> None:
        calls.append(value)
        raise ValueError("boom")

    def retrying(context: Context) -> Steps:
        try:
            yield context.call_activity_with_retry("fail", df.RetryOptions(20, 3), "x")
        except Exception as error:
            return json.loads(str(error).split("\n")[1])["Message"]

    async with running_hub(tmp_path / "hub.sqlite", {"retrying": retrying}, {"fail": fail}) as hub:
        ended = await run(hub, "retrying")
        history = await hub.history(ended.instance_id)
    assert (calls, ended.output_text) == (["x", "x", "x"], '" ValueError: boom"')
    kinds = [event["EventType"] for event in history if event["EventType"] in (4, 6, 10, 11)]
    assert kinds == [4, 6, 10, 11] * 3


async def test_a_flaky_activity_succeeds_on_a_later_attempt(tmp_path: Path) -> None:
    failures = iter([True, True, False])

    def flaky(value: str) -> str:
        if next(failures):
            raise ValueError("not yet")
        return value

    def retrying(context: Context) -> Steps:
        return (yield context.call_activity_with_retry("flaky", df.RetryOptions(1, 5), "x"))

    async with running_hub(tmp_path / "hub.sqlite", {"retrying": retrying}, {"flaky": flaky}) as hub:
        ended = await run(hub, "retrying")
    assert ended.output_text == '"x"'


async def test_children_return_their_output_and_know_their_parent(tmp_path: Path) -> None:
    def parent(context: Context) -> Steps:
        both = [context.call_sub_orchestrator("child", n) for n in (1, 2)]
        return (yield context.task_all(both))

    def child(context: Context) -> Steps:
        doubled = yield context.call_activity("double", int(context.get_input()))
        return [doubled, context.parent_instance_id]

    orchestrators = {"parent": parent, "child": child}
    async with running_hub(tmp_path / "hub.sqlite", orchestrators, {"double": double}) as hub:
        ended = await run(hub, "parent", instance_id="p")
        listed, _ = await hub.list_instances(InstanceQuery(), top=10, continuation=None)
    assert ended.output_text == '[[2,"p"],[4,"p"]]'
    children = sorted(one.instance_id for one in listed if one.name == "child")
    assert children == [f"{ended.execution_id}:0", f"{ended.execution_id}:1"]


async def test_a_failed_child_shows_its_whole_failure_to_the_parent(tmp_path: Path) -> None:
    def parent(context: Context) -> Steps:
        try:
            yield context.call_sub_orchestrator("child")
        except Exception as error:
            return str(error).split("\n", maxsplit=1)[0]

    def child(context: Context) -> Steps:
        yield context.call_activity("double", 1)
        raise ValueError("bad child")

    orchestrators = {"parent": parent, "child": child}
    async with running_hub(tmp_path / "hub.sqlite", orchestrators, {"double": double}) as hub:
        ended = await run(hub, "parent")
    assert ended.output_text == "\"Orchestrator function 'child' failed: bad child \""


async def test_the_failure_of_a_deep_child_reaches_the_top_without_doubling_at_every_level(tmp_path: Path) -> None:
    def tower(context: Context) -> Steps:
        floor = context.get_input()
        if floor == 0:
            yield context.call_activity("double", 1)
            raise ValueError("cellar")
        return (yield context.call_sub_orchestrator("tower", floor - 1))

    async with running_hub(tmp_path / "hub.sqlite", {"tower": tower}, {"double": double}) as hub:
        ended = await run(hub, "tower", '"24"')
    assert ended.output_text is not None
    assert ended.output_text.startswith("Orchestrator function 'tower' failed: " * 25 + "cellar \n Message: cellar")
    assert len(ended.output_text) < 100_000


async def test_half_a_surrogate_pair_in_an_error_ends_the_instance_and_not_the_host(tmp_path: Path) -> None:
    def broken(context: Context) -> Steps:
        yield context.call_activity("shout", "\ud800")
        raise ValueError("\ud800 in a text")

    def shout(value: str) -> str:
        return value * 2

    async with running_hub(tmp_path / "hub.sqlite", {"broken": broken}, {"shout": shout}) as hub:
        ended = await run(hub, "broken")
    assert ended.output_text == "Orchestrator function 'broken' failed: \\ud800 in a text"


async def test_a_terminated_child_fails_at_its_parent_with_the_reason(tmp_path: Path) -> None:
    def parent(context: Context) -> Steps:
        try:
            yield context.call_sub_orchestrator("child", None, "kid")
        except Exception as error:
            return str(error).split("\n", maxsplit=1)[0]

    orchestrators = {"parent": parent, "child": wait_for_go}
    async with running_hub(tmp_path / "hub.sqlite", orchestrators) as hub:
        own_id = await hub.create_instance("parent", instance_id=None, input_text=None)
        await wait_until(lambda: hub.get_instance("kid"), lambda found: found is not None)
        await hub.terminate("kid", "enough")
        ended = await hub.wait_until_finished(own_id, 10)
    assert ended is not None
    assert ended.output_text == '"enough "'


async def test_a_timer_fires_not_before_its_time(tmp_path: Path) -> None:
    def sleepy(context: Context) -> Steps:
        due = context.current_utc_datetime + timedelta(milliseconds=150)
        yield context.create_timer(due)
        return context.current_utc_datetime >= due

    async with running_hub(tmp_path / "hub.sqlite", {"sleepy": sleepy}) as hub:
        ended = await run(hub, "sleepy")
    assert ended.output_text == "true"
    assert (ended.last_updated_at - ended.created_at) >= timedelta(milliseconds=150)


async def test_a_cancelled_timer_does_not_keep_the_instance_running(tmp_path: Path) -> None:
    def hurried(context: Context) -> Steps:
        timer = context.create_timer(context.current_utc_datetime + timedelta(days=1))
        yield context.task_any([context.call_activity("double", 1), timer])
        timer.cancel()
        return "done"

    async with running_hub(tmp_path / "hub.sqlite", {"hurried": hurried}, {"double": double}) as hub:
        ended = await run(hub, "hurried")
    assert ended.output_text == '"done"'


async def test_losers_of_task_any_keep_the_instance_running_until_they_end(tmp_path: Path) -> None:
    may_end = asyncio.Event()

    async def slow(value: Any) -> None:
        await may_end.wait()

    def race(context: Context) -> Steps:
        yield context.task_any([context.call_activity("double", 1), context.call_activity("slow")])
        context.set_custom_status("decided")
        return "won"

    async with running_hub(tmp_path / "hub.sqlite", {"race": race}, {"double": double, "slow": slow}) as hub:
        own_id = await hub.create_instance("race", instance_id=None, input_text=None)

        async def status() -> Instance | None:
            return await hub.get_instance(own_id)

        held = await wait_until(status, lambda found: found is not None and found.custom_status_text is not None)
        assert held is not None
        may_end.set()
        ended = await hub.wait_until_finished(own_id, 10)
    assert (held.runtime_status, held.output_text) == (RuntimeStatus.RUNNING, None)
    assert ended is not None
    assert ended.output_text == '"won"'


@pytest.mark.row("durable/4.4/when-all")
async def test_what_follows_a_failed_task_all_waits_for_its_other_members(tmp_path: Path) -> None:
    order: list[str] = []
    may_end = asyncio.Event()

    async def slow(value: Any) -> None:
        await may_end.wait()
        order.append("slow")

    def clean_up(value: Any) -> None:
        order.append("clean_up")

    def careful(context: Context) -> Steps:
        try:
            yield context.task_all([context.call_activity("boom"), context.call_activity("slow")])
        except Exception:
            context.set_custom_status("failed")
            yield context.call_activity("clean_up")

    activities = {"boom": boom, "slow": slow, "clean_up": clean_up}
    async with running_hub(tmp_path / "hub.sqlite", {"careful": careful}, activities) as hub:
        own_id = await hub.create_instance("careful", instance_id=None, input_text=None)

        async def status() -> Instance | None:
            return await hub.get_instance(own_id)

        await wait_until(status, lambda found: found is not None and found.custom_status_text == '"failed"')
        may_end.set()
        await hub.wait_until_finished(own_id, 10)
    assert order == ["slow", "clean_up"]


async def test_an_event_reaches_a_waiting_orchestrator(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub.sqlite", {"waiter": wait_for_go}) as hub:
        await hub.create_instance("waiter", instance_id="w", input_text=None)
        await status_is(hub, "w", RuntimeStatus.RUNNING)
        await hub.raise_event("w", "go", '{"a":1}')
        ended = await hub.wait_until_finished("w", 10)
    assert ended is not None
    assert ended.output_text == '{"a":1}'


@pytest.mark.filterwarnings("ignore:Potential duplicate Task completion for TaskId. go")
async def test_an_event_before_the_wait_is_kept_for_it(tmp_path: Path) -> None:
    may_end = asyncio.Event()

    async def slow(value: Any) -> None:
        await may_end.wait()

    def late(context: Context) -> Steps:
        yield context.call_activity("slow")
        return (yield context.wait_for_external_event("go"))

    async with running_hub(tmp_path / "hub.sqlite", {"late": late}, {"slow": slow}) as hub:
        await hub.create_instance("late", instance_id="l", input_text=None)
        await hub.raise_event("l", "go", "7")
        may_end.set()
        ended = await hub.wait_until_finished("l", 10)
    assert ended is not None
    assert ended.output_text == "7"


async def test_each_generation_takes_one_event_and_none_is_lost(tmp_path: Path) -> None:
    def eternal(context: Context) -> Steps:
        seen = json.loads(context.get_input()) if isinstance(context.get_input(), str) else context.get_input()
        seen = seen or []
        event = yield context.wait_for_external_event("tick")
        seen = [*seen, event]
        if len(seen) == 20:
            return seen
        context.continue_as_new(seen)

    async with running_hub(tmp_path / "hub.sqlite", {"eternal": eternal}) as hub:
        await hub.create_instance("eternal", instance_id="e", input_text=None)
        await asyncio.gather(*(hub.raise_event("e", "tick", str(n)) for n in range(20)))
        ended = await hub.wait_until_finished("e", 20)
    assert ended is not None
    assert ended.output_text == json.dumps(list(range(20)), separators=(",", ":"))


@pytest.mark.row("durable/4.9/new-history")
async def test_a_new_generation_has_a_history_of_its_own(tmp_path: Path) -> None:
    def thrice(context: Context) -> Steps:
        count = int(context.get_input() or 0)
        yield context.call_activity("double", count)
        if count == 2:
            return "third"
        context.continue_as_new(count + 1)

    async with running_hub(tmp_path / "hub.sqlite", {"thrice": thrice}, {"double": double}) as hub:
        ended = await run(hub, "thrice")
        history = await hub.history(ended.instance_id)
    assert (ended.output_text, ended.input_text) == ('"third"', '"2"')
    assert [event["EventType"] for event in history] == [12, 0, 4, 13, 12, 5, 1, 13]
    assert history[1]["OrchestrationInstance"]["ExecutionId"] == ended.execution_id
    assert history[1]["Generation"] == 2


async def test_a_suspended_instance_holds_events_until_it_is_resumed(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub.sqlite", {"waiter": wait_for_go}) as hub:
        await hub.create_instance("waiter", instance_id="w", input_text=None)
        await status_is(hub, "w", RuntimeStatus.RUNNING)
        await hub.suspend("w", "lunch")
        await hub.raise_event("w", "go", "1")
        with pytest.raises(WrongState):
            await hub.suspend("w", "again")
        suspended = await hub.wait_until_finished("w", 0.1)
        shown = await hub.get_instance("w")
        await hub.resume("w", "back")
        ended = await hub.wait_until_finished("w", 10)
        history = await hub.history("w")
    assert suspended is None
    assert shown is not None
    assert (shown.runtime_status, shown.output_text) == (RuntimeStatus.SUSPENDED, "lunch")
    assert ended is not None
    assert ended.output_text == "1"
    assert [event["EventType"] for event in history][-6:] == [12, 19, 15, 20, 1, 13]


async def test_terminate_ends_at_once_with_the_reason_as_output(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub.sqlite", {"waiter": wait_for_go}) as hub:
        await hub.create_instance("waiter", instance_id="w", input_text=None)
        await status_is(hub, "w", RuntimeStatus.RUNNING)
        await hub.terminate("w", "enough")
        ended = await hub.get_instance("w")
        history = await hub.history("w")
        with pytest.raises(InstanceFinished):
            await hub.raise_event("w", "go", "1")
    assert ended is not None
    assert (ended.runtime_status, ended.output_text) == (RuntimeStatus.TERMINATED, "enough")
    assert [event["EventType"] for event in history] == [12, 0, 13, 3, 1]


@pytest.mark.row("durable/4.10/activities-of-terminated")
async def test_results_of_a_terminated_execution_do_not_reach_its_successor(tmp_path: Path) -> None:
    gates = [asyncio.Event(), asyncio.Event()]
    results = iter(["old", "new"])

    async def slow(value: Any) -> str:
        mine = next(results)
        await gates[0 if mine == "old" else 1].wait()
        return mine

    def one(context: Context) -> Steps:
        return (yield context.call_activity("slow"))

    async with running_hub(tmp_path / "hub.sqlite", {"one": one}, {"slow": slow}) as hub:
        await hub.create_instance("one", instance_id="o", input_text=None)
        await status_is(hub, "o", RuntimeStatus.RUNNING)
        await hub.terminate("o", "enough")
        await hub.create_instance("one", instance_id="o", input_text=None)
        await status_is(hub, "o", RuntimeStatus.RUNNING)
        gates[0].set()
        assert await hub.wait_until_finished("o", 0.2) is None
        gates[1].set()
        ended = await hub.wait_until_finished("o", 10)
    assert ended is not None
    assert ended.output_text == '"new"'


async def test_second_start_while_live_is_refused(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub.sqlite", {"waiter": wait_for_go}) as hub:
        starts = [hub.create_instance("waiter", instance_id="w", input_text=None) for _ in range(5)]
        outcomes = await asyncio.gather(*starts, return_exceptions=True)
    assert sum(outcome == "w" for outcome in outcomes) == 1
    assert sum(isinstance(outcome, InstanceAlreadyLive) for outcome in outcomes) == 4


async def test_an_ended_instance_is_replaced_by_a_start_with_its_id(tmp_path: Path) -> None:
    def quick(context: Context) -> Steps:
        return (yield context.call_activity("double", int(context.get_input())))

    async with running_hub(tmp_path / "hub.sqlite", {"quick": quick}, {"double": double}) as hub:
        first = await run(hub, "quick", '"1"', "q")
        second = await run(hub, "quick", '"2"', "q")
    assert (first.output_text, second.output_text) == ("2", "4")
    assert first.execution_id != second.execution_id


@pytest.mark.row("durable/6.5/any-state")
async def test_any_state_replaces_a_live_instance_after_terminating_it(tmp_path: Path) -> None:
    orchestrators = {"waiter": wait_for_go}
    async with running_hub(tmp_path / "hub.sqlite", orchestrators, override_any_state=True) as hub:
        await hub.create_instance("waiter", instance_id="w", input_text='"1"')
        first = await status_is(hub, "w", RuntimeStatus.RUNNING)
        await hub.create_instance("waiter", instance_id="w", input_text='"2"')
        second = await status_is(hub, "w", RuntimeStatus.RUNNING)
    assert (first.input_text, second.input_text) == ('"1"', '"2"')


async def test_refusals_name_what_is_wrong(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub.sqlite", {"waiter": wait_for_go}) as hub:
        with pytest.raises(UnknownFunction, match="known orchestrator functions: 'waiter'"):
            await hub.create_instance("nobody", instance_id=None, input_text=None)
        with pytest.raises(InvalidInstanceId, match="'#'"):
            await hub.create_instance("waiter", instance_id="a#b", input_text=None)
        with pytest.raises(InstanceNotFound):
            await hub.terminate("nobody", "x")
        with pytest.raises(InstanceNotFound):
            await hub.purge("nobody")
        await hub.create_instance("WAITER", instance_id="w", input_text=None)
        with pytest.raises(InstanceNotFinished):
            await hub.purge("w")


async def test_purge_forgets_ended_instances_only(tmp_path: Path) -> None:
    def quick(context: Context) -> Steps:
        return (yield context.call_activity("double", 1))

    orchestrators = {"quick": quick, "waiter": wait_for_go}
    async with running_hub(tmp_path / "hub.sqlite", orchestrators, {"double": double}) as hub:
        for name in ("q1", "q2", "q3"):
            await run(hub, "quick", None, name)
        await hub.create_instance("waiter", instance_id="w", input_text=None)
        await hub.purge("q1")
        purged = await hub.purge_matching(InstanceQuery())
        left, _ = await hub.list_instances(InstanceQuery(), top=10, continuation=None)
        history = await hub.history("q1")
    assert (purged, [one.instance_id for one in left], history) == (2, ["w"], [])


async def test_lists_are_filtered_and_come_in_pages(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub.sqlite", {"waiter": wait_for_go}) as hub:
        for number in range(5):
            await hub.create_instance("waiter", instance_id=f"a{number}", input_text=None)
        await hub.create_instance("waiter", instance_id="b", input_text=None)
        await status_is(hub, "b", RuntimeStatus.RUNNING)
        await hub.terminate("a0", "x")
        live = InstanceQuery(prefix="a", statuses=frozenset({RuntimeStatus.RUNNING, RuntimeStatus.PENDING}))
        first, token = await hub.list_instances(live, top=3, continuation=None)
        second, end = await hub.list_instances(live, top=3, continuation=token)
        made = await hub.get_instance("b")
        assert made is not None
        later, _ = await hub.list_instances(InstanceQuery(created_from=made.created_at), top=9, continuation=None)
    assert [one.instance_id for one in first] == ["a1", "a2", "a3"]
    assert ([one.instance_id for one in second], end) == (["a4"], None)
    assert [one.instance_id for one in later] == ["b"]


async def test_a_new_hub_on_the_same_file_goes_on(tmp_path: Path) -> None:
    def two_steps(context: Context) -> Steps:
        first = yield context.call_activity("double", 1)
        event = yield context.wait_for_external_event("go")
        return [first, event]

    orchestrators = {"two_steps": two_steps}
    async with running_hub(tmp_path / "hub.sqlite", orchestrators, {"double": double}) as hub:
        await hub.create_instance("two_steps", instance_id="t", input_text=None)
        await status_is(hub, "t", RuntimeStatus.RUNNING)
    async with running_hub(tmp_path / "hub.sqlite", orchestrators, {"double": double}) as hub:
        await wait_until(lambda: hub.history("t"), lambda found: any(event["EventType"] == 5 for event in found))
        await hub.raise_event("t", "go", "3")
        ended = await hub.wait_until_finished("t", 10)
    assert ended is not None
    assert ended.output_text == "[2,3]"


@pytest.mark.row("durable/4.14/at-least-once")
async def test_an_activity_that_was_under_way_is_run_again_after_a_restart(tmp_path: Path) -> None:
    never = asyncio.Event()

    async def stuck(value: Any) -> None:
        await never.wait()

    def one(context: Context) -> Steps:
        return (yield context.call_activity("work"))

    async with running_hub(tmp_path / "hub.sqlite", {"one": one}, {"work": stuck}) as hub:
        await hub.create_instance("one", instance_id="o", input_text=None)
        await status_is(hub, "o", RuntimeStatus.RUNNING)
    async with running_hub(tmp_path / "hub.sqlite", {"one": one}, {"work": lambda _: "again"}) as hub:
        ended = await hub.wait_until_finished("o", 10)
    assert ended is not None
    assert ended.output_text == '"again"'


async def test_an_orchestrator_that_is_gone_after_a_restart_fails_its_instances(tmp_path: Path) -> None:
    async with running_hub(tmp_path / "hub.sqlite", {"waiter": wait_for_go}) as hub:
        await hub.create_instance("waiter", instance_id="w", input_text=None)
        await status_is(hub, "w", RuntimeStatus.RUNNING)
    async with running_hub(tmp_path / "hub.sqlite", {"other": wait_for_go}) as hub:
        await hub.raise_event("w", "go", "1")
        ended = await hub.wait_until_finished("w", 10)
    assert ended is not None
    assert ended.runtime_status is RuntimeStatus.FAILED
    assert ended.output_text is not None
    assert ended.output_text.startswith("Orchestrator function 'waiter' failed: The function 'waiter' doesn't exist")
