"""What a test can do with an app in the kit."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.durable.errors import InstanceAlreadyLive, InstanceNotFound, UnknownFunction
from devhost.errors import AppLoadError
from devhost.testing import Host, KitError, NotReached, StillBusy, SyncHost
from devhost.timers.timer_loop import UnknownTimer
from tests.helpers.kit_app import make_app
from tests.helpers.tiny_apps import write_app


async def test_an_orchestration_is_started_with_a_value_and_completes_with_one() -> None:
    async with Host(make_app()) as host:
        run = await host.start("greeting", "Tokyo")
        status = await host.wait_for(run)
    assert (status.name, status.input, status.output) == ("greeting", "Tokyo", "Hello Tokyo!")


def test_a_plain_test_needs_no_async() -> None:
    with SyncHost(make_app()) as host:
        run = host.start("greeting", {"name": "Oslo"})
        assert host.wait_for(run).output == "Hello {'name': 'Oslo'}!"
        assert host.calls.names == ["greet"]
        assert [event["EventType"] for event in host.history(run)] == [12, 0, 4, 13, 12, 5, 1, 13]
        assert [one.instance_id for one in host.instances()] == [run]


async def test_one_app_object_serves_many_hosts() -> None:
    app = make_app()
    outputs = []
    for name in ("a", "b"):
        async with Host(app) as host:
            outputs.append((await host.wait_for(await host.start("greeting", name))).output)
    assert outputs == ["Hello a!", "Hello b!"]


async def test_between_two_lines_of_a_test_everything_possible_has_happened() -> None:
    async with Host(make_app()) as host:
        run = await host.start("order", 7)
        assert (await host.status(run)).runtime_status == "Running"
        assert host.calls.names == ["reserve", "greet", "greet", "greet", "greet"]
        await host.advance(hours=2)
        assert (await host.status(run)).custom_status == "waiting for the payment"


async def test_a_whole_order_in_virtual_time() -> None:
    async with Host(make_app()) as host:
        run = await host.start("order", 7, instance_id="order-7")
        await host.wait_for(run, lambda status: status.custom_status == "waiting for the payment")
        await host.raise_event(run, "paid", {"cents": 100})
        status = await host.wait_for(run)
    hellos = ["Hello 7-0!", "Hello 7-1!", "Hello 7-2!", "Hello 7-3!"]
    assert status.output == [{"reserved": 7}, hellos, {"cents": 100}, ["done", "done"]]
    assert status.last_updated_at - status.created_at == timedelta(hours=2, minutes=2)


async def test_an_event_that_comes_in_time_and_one_that_does_not() -> None:
    async with Host(make_app()) as host:
        quick, slow = await host.start("approval"), await host.start("approval")
        await host.advance(hours=23)
        await host.raise_event(quick, "approved", "by Ann")
        assert (await host.wait_for(quick)).output == "by Ann"
        assert (await host.wait_for(slow)).output == "too late"
        assert host.clock.now() == datetime(2026, 1, 2, tzinfo=UTC)


async def test_waiting_for_what_cannot_come_fails_at_once_and_says_what_is_missing() -> None:
    async with Host(make_app()) as host:
        run = await host.start("order", 7, instance_id="order-7")
        with pytest.raises(NotReached) as caught:
            await host.wait_for(run)
    assert str(caught.value) == (
        "Instance 'order-7' does not become 'Completed': nothing is left to happen. The clock shows "
        "2026-01-01 02:00:00.\n"
        "'order-7' (order) is Running.\n"
        "  Its custom status: 'waiting for the payment'\n"
        "  It waits for the event 'paid': raise_event('order-7', 'paid', ...)"
    )


async def test_waiting_for_completion_of_an_instance_that_fails_shows_why() -> None:
    def broken(_: Any) -> None:
        raise ValueError("no such town")

    async with Host(make_app()) as host:
        host.replace_activity("greet", broken)
        run = await host.start("greeting", "Tokyo")
        with pytest.raises(NotReached, match=r"it has ended(.|\n)*is Failed(.|\n)*ValueError: no such town"):
            await host.wait_for(run)
        assert host.calls[0].error == "ValueError: no such town"


async def test_the_picture_follows_open_children() -> None:
    async with Host(make_app()) as host:
        run = await host.start("order", 7, instance_id="order-7")
        await host.advance(hours=2)
        await host.raise_event(run, "paid")
        with pytest.raises(NotReached) as caught:
            await host.wait_for(run, within=timedelta(seconds=30))
    assert str(caught.value).splitlines()[3:6] == [
        "  It waits for the sub-orchestration 'count_down'",
        "    '7:1' (count_down) is Running.",
        "      It waits for a timer, due at 2026-01-01T02:01:00.0000000Z",
    ]


async def test_timer_functions_alone_keep_a_hopeless_wait_going_for_one_day() -> None:
    ticks: list[str] = []
    async with Host(make_app(ticks)) as host:
        run = await host.start("order", 7)
        with pytest.raises(NotReached, match=r"nothing that could change this is due before 2026-01-02 02:00"):
            await host.wait_for(run)
    assert len(ticks) == 26 * 12


async def test_a_wait_ends_after_the_virtual_time_that_it_was_given() -> None:
    async with Host(make_app()) as host:
        run = await host.start("approval")
        with pytest.raises(NotReached, match="due before 2026-01-01 23:00"):
            await host.wait_for(run, within=timedelta(hours=23))
        assert (await host.wait_for(run, within=timedelta(hours=24))).output == "too late"


async def test_the_status_of_an_unknown_instance_is_refused() -> None:
    async with Host(make_app()) as host:
        with pytest.raises(InstanceNotFound, match="'nobody'"):
            await host.status("nobody")
        with pytest.raises(NotReached, match="There is no instance 'nobody'"):
            await host.wait_for("nobody")


async def test_refusals_of_the_engine_reach_the_test() -> None:
    async with Host(make_app()) as host:
        run = await host.start("approval")
        with pytest.raises(InstanceAlreadyLive):
            await host.start("approval", instance_id=run)
        with pytest.raises(UnknownFunction, match="known orchestrator functions"):
            await host.start("aproval")


async def test_an_instance_can_be_suspended_resumed_terminated_and_purged() -> None:
    async with Host(make_app()) as host:
        run = await host.start("approval")
        await host.suspend(run, "lunch")
        await host.advance(days=2)
        assert (await host.status(run)).runtime_status == "Suspended"
        await host.resume(run, "back")
        assert (await host.status(run)).output == "too late"
        other = await host.start("approval")
        await host.terminate(other, "not needed")
        assert (await host.wait_for(other, "Terminated")).output == "not needed"
        await host.purge(other)
        assert [one.instance_id for one in await host.instances()] == [run]


async def test_a_route_starts_an_orchestration_through_the_real_client() -> None:
    async with Host(make_app()) as host:
        reply = await host.request("POST", "/api/greetings/Tokyo")
        assert reply.status == 202
        await host.wait_for(reply.json()["id"])
        status = await host.request("GET", reply.json()["statusQueryGetUri"])
        assert status.json()["output"] == "Hello Tokyo!"
        assert (await host.request("GET", "/api/nowhere")).status == 404


def test_clients_work_in_many_loops_one_after_the_other() -> None:
    app = make_app()
    statuses = []
    for _ in range(3):
        with SyncHost(app) as host:
            statuses.append(host.request("POST", "/api/greetings/x").status)
    assert statuses == [202, 202, 202]


async def test_the_durable_webhooks_take_bodies() -> None:
    async with Host(make_app()) as host:
        path = "/runtime/webhooks/durabletask/orchestrators/greeting/by-http"
        reply = await host.request("POST", path, json='"Rome"')
        assert reply.status == 202
        assert (await host.wait_for("by-http")).output == "Hello Rome!"


async def test_a_request_that_waits_for_its_orchestration_moves_the_clock() -> None:
    path = "/runtime/webhooks/durabletask/orchestrators/approval?timeout=200000&pollingInterval=1"
    async with Host(make_app()) as host:
        reply = await host.request("POST", path)
        assert (reply.status, reply.json()) == (200, "too late")


async def test_a_timer_function_runs_on_its_schedule_and_by_hand() -> None:
    ticks: list[str] = []
    async with Host(make_app(ticks), start=datetime(2026, 5, 1, 10, 1, tzinfo=UTC)) as host:
        await host.advance(minutes=3)
        assert ticks == []
        await host.advance(minutes=1)
        assert ticks == ["on time"]
        await host.run_timer("tick")
        assert len(ticks) == 2
        with pytest.raises(UnknownTimer):
            await host.run_timer("tock")


async def test_a_day_of_a_five_minute_timer_costs_little_more_than_calling_it() -> None:
    ticks: list[str] = []
    async with Host(make_app(ticks)) as host:
        began = time.perf_counter()
        for _ in range(288):
            await host.run_timer("tick")
        by_hand_s = time.perf_counter() - began
        began = time.perf_counter()
        await host.advance(days=1)
        by_clock_s = time.perf_counter() - began
    assert len(ticks) == 576
    assert by_clock_s < 10 * by_hand_s + 0.5


async def test_settings_are_there_while_the_host_is_open_and_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIT_OLD", "before")
    seen: dict[str, str | None] = {}

    def look(_: Any) -> None:
        seen.update({name: os.environ.get(name) for name in ("KIT_OLD", "KIT_NEW")})
        os.environ["KIT_LEFT_BEHIND"] = "x"

    async with Host(make_app(), settings={"KIT_OLD": "during", "KIT_NEW": "1"}) as host:
        host.replace_activity("greet", look)
        await host.start("greeting")
    after = {name: os.environ.get(name) for name in ("KIT_OLD", "KIT_NEW", "KIT_LEFT_BEHIND")}
    assert seen == {"KIT_OLD": "during", "KIT_NEW": "1"}
    assert after == {"KIT_OLD": "before", "KIT_NEW": None, "KIT_LEFT_BEHIND": None}


async def test_a_new_host_goes_on_with_the_state_of_an_old_one(tmp_path: Path) -> None:
    app = make_app()
    async with Host(app, state_dir=tmp_path) as host:
        first = await host.start("approval")
        await host.advance(hours=1)
        await host.start("greeting", "x")
    async with Host(app, state_dir=tmp_path) as host:
        assert host.clock.now() == datetime(2026, 1, 1, 1, tzinfo=UTC)
        second = await host.start("approval")
        assert second != first
        assert (await host.wait_for(first)).output == "too late"
        assert host.clock.now() == datetime(2026, 1, 2, tzinfo=UTC)


async def test_the_app_may_be_a_folder_with_host_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "kit_folder_app", raising=False)
    code = """
    import os
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    @app.route(route="hello")
    def hello(req: func.HttpRequest) -> str:
        return os.environ["GREETING"]
    """
    write_app(tmp_path, code, host_json={"version": "2.0", "extensions": {"http": {"routePrefix": "v1"}}})
    (tmp_path / "function_app.py").rename(tmp_path / "kit_folder_app.py")
    settings = {"PYTHON_SCRIPT_FILE_NAME": "kit_folder_app.py", "GREETING": "hi"}
    replies = []
    for _ in range(2):
        async with Host(tmp_path, settings=settings) as host:
            replies.append((await host.request("GET", "/v1/hello")).text)
    assert replies == ["hi", "hi"]


async def test_a_folder_without_an_app_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AppLoadError, match=r"function_app\.py"):
        await Host(tmp_path).__aenter__()


async def test_a_function_that_the_host_would_leave_out_is_an_error() -> None:
    app = make_app()

    @app.timer_trigger(arg_name="timer", schedule="%NOT_SET%")
    def never(timer: df.DurableOrchestrationContext) -> None: ...

    with pytest.raises((KitError, AppLoadError), match="never"):
        await Host(app).__aenter__()


async def test_code_that_takes_real_time_is_waited_for() -> None:
    async def slow(name: str) -> str:
        await asyncio.sleep(0.05)
        return name

    async with Host(make_app()) as host:
        host.replace_activity("greet", slow)
        run = await host.start("greeting", "Tokyo")
        assert (await host.status(run)).output == "Tokyo"


async def test_code_that_never_ends_is_named() -> None:
    async def stuck(_: str) -> None:
        await asyncio.Event().wait()

    async with Host(make_app(), patience_s=0.1) as host:
        host.replace_activity("greet", stuck)
        with pytest.raises(StillBusy, match=r"Still busy after 0\.1 s .* the activity 'greet' of instance 'g-1'"):
            await host.start("greeting", "Tokyo", instance_id="g-1")


async def test_a_host_that_is_not_open_says_so() -> None:
    with pytest.raises(KitError, match="async with"):
        await Host(make_app()).start("greeting")
    with pytest.raises(KitError, match="async with Host"), SyncHost(make_app()):
        pass
    with pytest.raises(KitError, match="with SyncHost"):
        SyncHost(make_app()).start("greeting")
