from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.helpers.host_process import RunningHost, running_host
from tests.helpers.processes import wait_until
from tests.helpers.tiny_apps import write_app

CODE = """
    import json
    import azure.durable_functions as df

    app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("start/{name}/{id}")
    @app.durable_client_input(client_name="client")
    async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
        body = req.get_body()
        try:
            new_id = await client.start_new(req.route_params["name"], req.route_params["id"],
                                            json.loads(body) if body else None)
        except Exception as error:
            return func.HttpResponse(str(error), status_code=400)
        return client.create_check_status_response(req, new_id)

    @app.route("state/{id}")
    @app.durable_client_input(client_name="client")
    async def state(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
        return func.HttpResponse((await client.get_status(req.route_params["id"])).runtime_status.value)

    @app.orchestration_trigger(context_name="context")
    def chain(context):
        first = yield context.call_activity("add_one", context.get_input())
        second = yield context.call_activity("Adder", first)
        return [first, second, (yield context.call_activity("nothing", None))]

    @app.orchestration_trigger(context_name="context")
    def fails(context):
        yield context.call_activity("boom", None)

    @app.activity_trigger(input_name="number")
    def add_one(number: int) -> int:
        return number + 1

    @app.activity_trigger(input_name="number", activity="Adder")
    async def renamed(number):
        return number + 1

    @app.activity_trigger(input_name="number")
    def nothing(number):
        assert number is None

    @app.activity_trigger(input_name="number")
    def boom(number):
        raise ValueError("boom text")
"""


@pytest.fixture(scope="module", params=[1, 2], ids=["in the host", "two workers"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    with running_host(write_app(tmp_path_factory.mktemp("durable") / "app", CODE), workers=request.param) as running:
        yield running


def finished(host: RunningHost, url: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        answer = host.get(url)
        return answer.json() if answer.status == 200 else None

    return wait_until(look)


def test_chain_completes_with_the_results_of_its_activities(host: RunningHost):
    started = host.post("/api/start/chain/chain-1", 40)
    status = finished(host, started.json()["statusQueryGetUri"])
    assert (status["runtimeStatus"], status["output"]) == ("Completed", [41, 42, None])


def test_start_answers_202_with_its_location(host: RunningHost):
    started = host.post("/api/start/chain/chain-2", 1)
    assert (started.status, started.headers["Location"]) == (202, started.json()["statusQueryGetUri"])


def test_client_reads_the_status_back(host: RunningHost):
    finished(host, host.post("/api/start/chain/chain-3", 1).json()["statusQueryGetUri"])
    assert host.get("/api/state/chain-3").body == b"Completed"


def test_failed_activity_fails_the_instance_and_names_the_exception(host: RunningHost):
    answer = host.get(host.post("/api/start/fails/fails-1").json()["statusQueryGetUri"])
    wait_until(lambda: host.get("/api/state/fails-1").body == b"Failed")
    answer = host.get("/runtime/webhooks/durabletask/instances/fails-1")
    assert "Activity function 'boom' failed:  ValueError: boom text" in answer.json()["output"]


def test_traceback_of_a_failed_activity_is_on_the_console(host: RunningHost):
    host.post("/api/start/fails/fails-2")
    assert wait_until(lambda: 'raise ValueError("boom text")' in host.log())


def test_unknown_orchestrator_is_named_to_the_client(host: RunningHost):
    answer = host.post("/api/start/nobody/x")
    assert (answer.status, "The function 'nobody' doesn't exist" in answer.body.decode()) == (400, True)


def test_public_webhook_starts_an_orchestration(host: RunningHost):
    started = host.post("/runtime/webhooks/DurableTask/orchestrators/chain/chain-4", 1)
    assert started.status == 202
