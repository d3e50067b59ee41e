"""What the functions of an app can do to the host, and what must still work afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.helpers.host_process import RunningHost, running_host
from tests.helpers.processes import wait_until
from tests.helpers.tiny_apps import write_app

CODE = """
    import asyncio, sys, time
    import azure.durable_functions as df

    app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("alive")
    async def alive(req: func.HttpRequest) -> str:
        return "alive"

    @app.route("leave_in_background")
    async def leave_in_background(req: func.HttpRequest) -> str:
        async def leave():
            sys.exit(7)
        await asyncio.wait([asyncio.create_task(leave())])
        return "left"

    @app.route("stop_loop")
    async def stop_loop(req: func.HttpRequest) -> str:
        asyncio.get_running_loop().stop()
        return "stopped"

    @app.route("too_long_async")
    async def too_long_async(req: func.HttpRequest) -> str:
        await asyncio.sleep(600)

    @app.route("too_long")
    def too_long(req: func.HttpRequest) -> str:
        time.sleep(600)

    class Leaving:
        @staticmethod
        def to_json(value):
            sys.exit(5)

    @app.activity_trigger(input_name="kind")
    def work(kind):
        if kind == "leave while encoded":
            return Leaving()
        time.sleep(600)

    @app.orchestration_trigger(context_name="context")
    def one(context):
        return (yield context.call_activity("work", context.get_input()["kind"]))
"""
WEBHOOKS = "/runtime/webhooks/durabletask"


@pytest.fixture(scope="module", params=[1, 2], ids=["in the host", "two workers"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    host_json = {"version": "2.0", "functionTimeout": "00:00:01"}
    with running_host(
        write_app(tmp_path_factory.mktemp("survives") / "app", CODE, host_json=host_json), workers=request.param
    ) as running:
        yield running


def ended(host: RunningHost, instance_id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        answer = host.get(f"{WEBHOOKS}/instances/{instance_id}")
        return answer.json() if answer.status in {200, 500} else None

    return wait_until(look)


@pytest.mark.row("host/1.7/async-functions")
@pytest.mark.parametrize("path", ["/api/leave_in_background", "/api/stop_loop"])
def test_async_functions_go_on_after_their_loop_was_ended(host: RunningHost, path: str):
    host.get(path)
    assert host.get("/api/alive").body == b"alive"


@pytest.mark.row("host/2.3/time-out")
@pytest.mark.parametrize("path", ["/api/too_long_async", "/api/too_long"])
def test_run_over_the_function_timeout_is_500_with_an_empty_body(host: RunningHost, path: str):
    answer = host.get(path)
    assert (answer.status, answer.body) == (500, b"")


@pytest.mark.row("host/2.6/time-limit")
def test_run_over_the_function_timeout_is_logged_as_failed(host: RunningHost):
    host.get("/api/too_long_async")
    text = "FunctionTimeoutException: Timeout value of 00:00:01 was exceeded by function: Functions.too_long_async"
    assert wait_until(lambda: text in host.log())


@pytest.mark.row("host/2.6/time-limit")
def test_activity_over_the_function_timeout_fails_with_the_timeout(host: RunningHost):
    host.post(f"{WEBHOOKS}/orchestrators/one/late", {"kind": "sleep"})
    text = "FunctionTimeoutException: Timeout value of 00:00:01 was exceeded by function: Functions.work"
    assert text in ended(host, "late")["output"]


def test_result_that_leaves_while_it_is_encoded_fails_the_activity(host: RunningHost):
    host.post(f"{WEBHOOKS}/orchestrators/one/encoded", {"kind": "leave while encoded"})
    assert "SystemExit: 5" in ended(host, "encoded")["output"]
