"""What a test gets wrong is told at once, by name."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import azure.durable_functions as df
import azure.functions as func
import pytest

from devhost.durable.errors import UnknownFunction
from devhost.errors import HostStartError
from devhost.testing import CrashPoint, Host, HostCrashed, KitError, NotReached, SyncHost, survive_every_crash
from tests.helpers.kit_app import make_app


def eternal_app() -> df.DFApp:
    app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.orchestration_trigger(context_name="context")
    def for_ever(context: df.DurableOrchestrationContext) -> Generator[Any, Any, None]:
        yield context.wait_for_external_event("again")
        context.continue_as_new(None)

    return app


async def test_a_status_that_does_not_exist_is_not_waited_for() -> None:
    async with Host(eternal_app()) as host:
        run = await host.start("for_ever")
        with pytest.raises(KitError, match="There is no runtime status 'completed'; there are Pending, Running, Comp"):
            await host.wait_for(run, "completed")


async def test_the_picture_of_a_suspended_instance_says_how_to_resume_it() -> None:
    async with Host(make_app()) as host:
        run = await host.start("approval", instance_id="a-1")
        await host.suspend(run)
        with pytest.raises(NotReached, match=r"It waits to be resumed: resume\('a-1'\)"):
            await host.wait_for(run)


async def test_an_entity_that_the_app_does_not_have_has_no_state() -> None:
    async with Host(make_app()) as host:
        with pytest.raises(UnknownFunction, match="'conter' doesn't exist"):
            await host.entity_state("conter", "all")


async def test_a_path_without_a_slash_is_refused() -> None:
    async with Host(make_app()) as host:
        with pytest.raises(KitError, match="begins with a slash: '/api/greetings/Oslo'"):
            await host.request("POST", "api/greetings/Oslo")


async def test_the_clock_does_not_go_backwards() -> None:
    async with Host(make_app()) as host:
        with pytest.raises(KitError, match="forward only, not by -60 s"):
            await host.advance(minutes=-1)


def stopped(_: Any) -> NoReturn:
    pytest.fail("nobody is greeted")


async def stopped_later(_: Any) -> NoReturn:
    pytest.fail("nobody is greeted")


@pytest.mark.parametrize("fake", [stopped, stopped_later])
async def test_a_replaced_activity_may_fail_the_test(fake: Callable[[Any], Any]) -> None:
    async with Host(make_app(), activities={"greet": fake}) as host:
        with pytest.raises(pytest.fail.Exception, match="nobody is greeted"):
            await host.start("greeting", "Oslo")


async def test_an_exit_of_a_replaced_activity_fails_the_activity_as_in_the_app() -> None:
    def leave(_: Any) -> NoReturn:
        raise SystemExit(3)

    async with Host(make_app(), activities={"greet": leave}) as host:
        run = await host.start("greeting", "Oslo")
        assert (await host.status(run)).runtime_status == "Failed"
        assert host.calls[0].error == "SystemExit: 3"


async def test_a_replaced_activity_cannot_wait_for_the_rest_of_its_own_host() -> None:
    async with Host(make_app()) as host:

        async def advance(_: Any) -> None:
            await host.advance(hours=1)

        async def start(_: Any) -> None:
            await host.start("approval")

        for number, fake in enumerate((advance, start)):
            host.replace_activity("greet", fake)
            await host.start("greeting")
            assert str(host.calls[number].error).startswith("KitError: The host cannot come to rest while")


def test_a_start_without_a_time_zone_is_refused() -> None:
    """It would be another moment on every machine."""
    with pytest.raises(KitError, match="2026-05-01 00:00:00 has no time zone"):
        SyncHost(make_app(), start=datetime(2026, 5, 1))  # noqa: DTZ001


def test_a_plain_host_that_is_closed_says_so() -> None:
    with SyncHost(make_app()) as host:
        pass
    with pytest.raises(KitError, match="The host is not open"):
        host.start("greeting")


def test_two_plain_hosts_take_turns() -> None:
    """Each has an event loop; the SDK's client keeps one session for the process."""
    with SyncHost(make_app()) as one, SyncHost(make_app()) as other:
        statuses = [host.request("POST", "/api/greetings/Oslo").status for host in (one, other, one)]
        assert (statuses, len(one.instances()), len(other.instances())) == ([202, 202, 202], 2, 1)


async def test_hosts_that_close_in_the_order_in_which_they_opened_leave_no_settings() -> None:
    before = dict(os.environ)
    hosts = [Host(make_app(), settings={name: "1"}) for name in ("KIT_FIRST", "KIT_SECOND")]
    for host in hosts:
        await host.__aenter__()
    await hosts[0].__aexit__(None, None, None)
    assert os.environ["KIT_SECOND"] == "1"
    await hosts[1].__aexit__(None, None, None)
    assert dict(os.environ) == before


async def test_two_hosts_on_one_state_folder_refuse_each_other(tmp_path: Path) -> None:
    async with Host(make_app(), state_dir=tmp_path):
        with pytest.raises(HostStartError, match="is in use by another host"):
            await Host(make_app(), state_dir=tmp_path).__aenter__()
    async with Host(make_app(), state_dir=tmp_path) as host:
        assert await host.instances() == []


async def test_the_folder_of_a_host_that_has_crashed_is_free(tmp_path: Path) -> None:
    async with Host(make_app(), state_dir=tmp_path, crash=CrashPoint(2)) as crashed:
        with pytest.raises(HostCrashed):
            await crashed.start("greeting", "Oslo")
        async with Host(make_app(), state_dir=tmp_path, after=crashed) as host:
            assert await host.instances() == []


async def test_a_limit_that_is_no_timedelta_is_refused() -> None:
    async with Host(make_app()) as host:
        run = await host.start("approval")
        with pytest.raises(KitError, match=r"`within` is a timedelta, for example timedelta\(minutes=1\), not 60\."):
            await host.wait_for(run, within=60)  # type: ignore[arg-type]


def test_the_exception_of_a_crash_is_not_the_host_that_went_down() -> None:
    with pytest.raises(KitError, match="`after` is the host that went down, not HostCrashed: keep `crashed` of"):
        Host(make_app(), after=HostCrashed())  # type: ignore[arg-type]


def test_a_plain_host_goes_on_after_one_that_has_crashed(tmp_path: Path) -> None:
    with SyncHost(make_app(), state_dir=tmp_path, crash=CrashPoint(3)) as crashed:
        crashed.advance(hours=1)
        with pytest.raises(HostCrashed):
            crashed.start("greeting", "Oslo", instance_id="g-1")
    with SyncHost(make_app(), state_dir=tmp_path, after=crashed) as host:
        assert host.wait_for("g-1").output == "Hello Oslo!"
        assert f"{host.clock.now():%H:%M}" == "01:00"


def test_a_scenario_without_async_is_refused_before_anybody_awaits() -> None:
    def scenario(host: SyncHost) -> int:
        return len(host.instances())

    with pytest.raises(KitError, match="The scenario 'scenario' must be a coroutine function: write `async def`"):
        survive_every_crash(make_app(), scenario)  # type: ignore[arg-type]


async def test_the_message_of_a_failed_wait_has_no_json_of_a_failure() -> None:
    def greet(_: Any) -> NoReturn:
        raise ValueError("away")

    async with Host(make_app(), activities={"greet": greet}) as host:
        run = await host.start("greeting", "Oslo", instance_id="g-1")
        with pytest.raises(NotReached) as caught:
            await host.wait_for(run)
        assert str(caught.value).splitlines()[2:] == [
            "  Its output: Orchestrator function 'greeting' failed: Activity function 'greet' failed:  ValueError: away"
        ]
        assert '"$type":"System.Exception' in (await host.status(run)).output
