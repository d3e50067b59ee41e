"""Crashes at chosen writes, and at every one."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import azure.functions as func
import pytest

from devhost.durable.errors import InstanceNotFound
from devhost.testing import CrashFound, CrashPoint, Host, HostCrashed, Moment, survive_every_crash
from tests.helpers.kit_app import make_app


async def order_of_everything(host: Host) -> Any:
    """Activities, retries, a timer, an event, children, continue-as-new."""
    run = await host.start("order", 7, instance_id="order-7")
    await host.advance(hours=1)
    await host.wait_for(run, lambda status: status.custom_status is not None)
    await host.raise_event(run, "paid", 100)
    return (await host.wait_for(run)).output


async def test_an_app_that_is_right_survives_a_crash_at_every_write() -> None:
    report = await survive_every_crash(make_app(), order_of_everything)
    hellos = ["Hello 7-0!", "Hello 7-1!", "Hello 7-2!", "Hello 7-3!"]
    assert report.outcome == [{"reserved": 7}, hellos, 100, ["done", "done"]]
    assert report.writes > 25
    assert report.crashes == 2 * report.writes


async def pay(host: Host, world: list[str]) -> Any:
    async def charge(name: str) -> str:
        world.append(name)
        return name

    host.replace_activity("greet", charge)
    run = await host.start("greeting", "order-7")
    await host.wait_for(run)
    return list(world)


async def test_an_activity_that_is_not_safe_to_repeat_is_found() -> None:
    with pytest.raises(CrashFound) as caught:
        await survive_every_crash(make_app(), pay, world=list)
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("(results of activities) changes the outcome.")
    assert lines[1:3] == ["  undisturbed: ['order-7']", "  after the crash: ['order-7', 'order-7']"]


async def test_an_activity_that_is_safe_to_repeat_is_not() -> None:
    async def pay_once(host: Host, world: set[str]) -> Any:
        host.replace_activity("greet", world.add)
        await host.wait_for(await host.start("greeting", "order-7"))
        return sorted(world)

    report = await survive_every_crash(make_app(), pay_once, world=set)
    assert report.outcome == ["order-7"]


async def test_a_check_of_each_outcome_names_the_crash_that_it_failed_at() -> None:
    seen: list[Any] = []

    def check(outcome: Any) -> None:
        seen.append(outcome)
        assert len(seen) < 4, "the fourth outcome is bad"

    with pytest.raises(CrashFound, match=r"A crash before write 2 breaks the scenario: .* the fourth outcome is bad"):
        await survive_every_crash(make_app(), order_of_everything, check=check)


def forgetful_app() -> df.DFApp:
    """Its orchestrator remembers a result outside of its history, so a replay in another process lacks it."""
    app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    memory: dict[str, Any] = {}

    @app.orchestration_trigger(context_name="context")
    def forgetful(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
        if not context.is_replaying:
            memory["rolls"] = memory.get("rolls", 0) + 1
        yield context.call_activity("roll", None)
        yield context.call_activity("roll", None)
        return memory["rolls"]

    @app.activity_trigger(input_name="nothing")
    def roll(nothing: str) -> int:
        return 4

    return app


async def test_an_orchestrator_with_memory_of_its_own_is_found() -> None:
    app = forgetful_app()

    async def scenario(host: Host) -> Any:
        return (await host.wait_for(await host.start("forgetful"))).output

    with pytest.raises(CrashFound):
        await survive_every_crash(app, scenario)


async def test_what_a_scenario_was_told_before_a_crash_it_is_told_again() -> None:
    """The host may be further by then: the status that was waited for is over."""

    async def scenario(host: Host) -> Any:
        with pytest.raises(InstanceNotFound):
            await host.raise_event("nobody", "paid")
        run = await host.start("order", 7)
        waiting = await host.wait_for(run, lambda status: status.custom_status is not None)
        live = [(one.name, one.runtime_status) for one in await host.instances()]
        await host.raise_event(run, "paid", 100)
        return waiting.runtime_status, live, (await host.wait_for(run)).output[2], len(await host.instances())

    report = await survive_every_crash(make_app(), scenario)
    assert report.outcome == ("Running", [("order", "Running")], 100, 3)


async def test_a_scenario_that_changes_by_itself_is_not_blamed_on_a_crash() -> None:
    runs: list[str] = []

    async def scenario(host: Host) -> Any:
        runs.append(await host.start("greeting", "Oslo"))
        return len(runs)

    with pytest.raises(CrashFound, match="It changes without a crash, too"):
        await survive_every_crash(make_app(), scenario)


async def test_timer_functions_and_requests_survive_every_crash() -> None:
    ticks: list[str] = []

    async def scenario(host: Host) -> Any:
        await host.request("POST", "/runtime/webhooks/durabletask/instances/nobody/terminate")
        await host.advance(minutes=11)
        return bool(ticks)

    report = await survive_every_crash(make_app(ticks), scenario)
    assert report.outcome is True


@pytest.mark.parametrize(("moment", "is_stored"), [(Moment.BEFORE, False), (Moment.AFTER, True)])
async def test_a_crash_is_on_one_side_of_a_write(moment: Moment, is_stored: bool, tmp_path: Path) -> None:
    app = make_app()
    async with Host(app, state_dir=tmp_path) as host:
        writes_of_a_start = host.writes + 1
    async with Host(app, state_dir=tmp_path, crash=CrashPoint(writes_of_a_start, moment)) as crashed:
        with pytest.raises(HostCrashed):
            await crashed.start("greeting", "Tokyo", instance_id="run")
    async with Host(app, state_dir=tmp_path, after=crashed) as host:
        assert [one.output for one in await host.instances()] == ["Hello Tokyo!"] * is_stored


async def test_nothing_of_the_app_runs_after_the_crash(tmp_path: Path) -> None:
    called: list[str] = []
    activities = {"greet": called.append}
    async with Host(make_app(), state_dir=tmp_path, activities=activities, crash=CrashPoint(3)) as host:
        with pytest.raises(HostCrashed):
            await host.start("greeting", "Tokyo")
    assert (called, host.last_write) == ([], "an episode of an orchestration")
