"""Replaced activities, and the calls that a test can look at."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from devhost.testing import Call, Host, KitError, UnexpectedCalls
from tests.helpers.kit_app import make_app


async def test_a_replaced_activity_gets_the_input_and_gives_the_result() -> None:
    async with Host(make_app()) as host:
        host.replace_activity("greet", lambda given: [given, "!"])
        run = await host.start("greeting", {"town": "Oslo", "size": 1.5})
        assert (await host.status(run)).output == [{"town": "Oslo", "size": 1.5}, "!"]


async def test_a_replaced_activity_may_be_async_and_sleep_in_virtual_time() -> None:
    async with Host(make_app()) as host:

        async def slow(name: str) -> str:
            await host.clock.sleep(3600)
            return f"{name} at {host.clock.now():%H:%M}"

        host.replace_activity("greet", slow)
        run = await host.start("greeting", "Tokyo")
        assert (await host.status(run)).runtime_status == "Running"
        assert (await host.wait_for(run)).output == "Tokyo at 01:00"


async def test_an_activity_that_waits_for_the_first_of_two_sleeps_ends_with_it() -> None:
    async with Host(make_app()) as host:

        async def first_of_two(_: Any) -> None:
            sleeps = [asyncio.ensure_future(host.clock.sleep(seconds)) for seconds in (10, 1000)]
            _, late = await asyncio.wait(sleeps, return_when=asyncio.FIRST_COMPLETED)
            for sleep in late:
                sleep.cancel()

        host.replace_activity("greet", first_of_two)
        await host.wait_for(await host.start("greeting"))
        assert f"{host.clock.now():%H:%M:%S}" == "00:00:10"


async def test_sleeping_activities_run_side_by_side() -> None:
    async with Host(make_app()) as host:
        in_flight = most = 0

        async def slow(name: str) -> str:
            nonlocal in_flight, most
            in_flight += 1
            most = max(most, in_flight)
            await host.clock.sleep(60)
            in_flight -= 1
            return name

        host.replace_activity("greet", slow)
        await host.start("order", 1)
        await host.advance(minutes=1)
        assert (most, in_flight) == (4, 0)


async def test_a_replaced_activity_that_raises_is_retried_as_the_real_one() -> None:
    faults = iter([ValueError("first"), ValueError("second")])

    def broken(number: int) -> int:
        for fault in faults:
            raise fault
        return number

    async with Host(make_app()) as host:
        host.replace_activity("Reserve", broken)
        run = await host.start("order", 7)
        await host.wait_for(run, lambda status: status.custom_status is not None)
        reserved = [call for call in host.calls if call.name == "reserve"]
    assert reserved == [
        Call("reserve", 7, run, datetime(2026, 1, 1, 0, 0, tzinfo=UTC), error="ValueError: first"),
        Call("reserve", 7, run, datetime(2026, 1, 1, 0, 1, tzinfo=UTC), error="ValueError: second"),
        Call("reserve", 7, run, datetime(2026, 1, 1, 0, 2, tzinfo=UTC), result=7),
    ]


async def test_a_replacement_can_be_for_one_block_only() -> None:
    outputs = []
    async with Host(make_app()) as host:
        host.replace_activity("greet", lambda _: "outer")
        with host.replace_activity("greet", lambda _: "inner"):
            outputs.append((await host.wait_for(await host.start("greeting"))).output)
        outputs.append((await host.wait_for(await host.start("greeting"))).output)
    assert outputs == ["inner", "outer"]


async def test_an_unknown_activity_cannot_be_replaced() -> None:
    async with Host(make_app()) as host:
        with pytest.raises(KitError, match=r"has no activity 'gret' .* it has: 'greet', 'reserve'"):
            host.replace_activity("gret", lambda _: None)


async def test_a_result_that_is_no_json_fails_the_call_as_in_the_app() -> None:
    async with Host(make_app()) as host:
        host.replace_activity("greet", lambda _: object())
        run = await host.start("greeting")
        assert (await host.status(run)).runtime_status == "Failed"
        assert "must be json serializable" in (host.calls[0].error or "")


async def test_expected_calls_pass() -> None:
    async with Host(make_app()) as host:
        await host.start("order", 1)
        host.calls.expect(("reserve", 1), ("greet", "1-0"), "greet", "greet", ("greet", "1-3"))
        assert host.calls.inputs("Greet") == ["1-0", "1-1", "1-2", "1-3"]
        assert len(host.calls[1:]) == 4


async def test_unexpected_calls_are_shown_beside_the_expected_ones() -> None:
    async with Host(make_app()) as host:
        await host.start("order", 1)
        with pytest.raises(UnexpectedCalls) as caught:
            host.calls.expect(("reserve", 2), "charge", "greet", "greet", "greet")
    assert str(caught.value).splitlines()[1:] == [
        "  - reserve(2)",
        "  + reserve(1)",
        "  - charge(...)",
        "    greet('1-0')",
        "    greet('1-1')",
        "    greet('1-2')",
        "  + greet('1-3')",
    ]


async def test_results_reach_the_engine_in_the_order_of_the_calls_however_long_they_take() -> None:
    async def uneven(name: str) -> str:
        await asyncio.sleep({"1-0": 0.03, "1-1": 0.0, "1-2": 0.02, "1-3": 0.01}[name])
        return name

    async with Host(make_app()) as host:
        host.replace_activity("greet", uneven)
        run = await host.start("order", 1)
        completions = [event for event in await host.history(run) if event["EventType"] == 5]
    assert [event["Result"] for event in completions[1:]] == ['"1-0"', '"1-1"', '"1-2"', '"1-3"']


async def test_a_host_closes_while_an_activity_sleeps() -> None:
    ended: list[Any] = []
    async with Host(make_app()) as host:

        async def slow(_: str) -> None:
            try:
                await host.clock.sleep(60)
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise

        host.replace_activity("greet", slow)
        await host.start("greeting")
    assert ended == ["cancelled"]
