"""An app with entities in a real host: decorators, SDK client, orchestrator, disabled and refused ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.host_process import RunningHost, running_host
from tests.helpers.processes import wait_until
from tests.helpers.tiny_apps import write_app

CODE = """
    import json
    import azure.durable_functions as df

    app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.entity_trigger(context_name="context", entity_name="Counter")
    def count_things(context):
        total = context.get_state(lambda: 0)
        if context.operation_name == "add":
            total += context.get_input()
            context.set_state(total)
        elif context.operation_name == "fail":
            raise ValueError("bad op")
        context.set_result(total)

    @app.entity_trigger(context_name="context")
    def Plain(context):
        context.set_state([context.entity_name, context.entity_key, context.operation_name])

    @app.entity_trigger(context_name="context", entity_name="a@b")
    def badly_named(context):
        pass

    @app.entity_trigger(context_name="context")
    def switched_off(context):
        pass

    @app.orchestration_trigger(context_name="context")
    def use_counter(context):
        entity = df.EntityId("Counter", "mine")
        context.signal_entity(entity, "add", 2)
        total = yield context.call_entity(entity, "add", 3)
        try:
            yield context.call_entity(entity, "fail")
        except Exception as error:
            return [total, str(error)]

    @app.route("signal/{name}/{key}/{operation}")
    @app.durable_client_input(client_name="client")
    async def signal(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
        at = req.route_params
        body = req.get_body()
        try:
            await client.signal_entity(df.EntityId(at["name"], at["key"]), at["operation"],
                                       json.loads(body) if body else None)
        except Exception as error:
            return func.HttpResponse(str(error), status_code=400)
        return func.HttpResponse(status_code=202)

    @app.route("state/{name}/{key}")
    @app.durable_client_input(client_name="client")
    async def state(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
        found = await client.read_entity_state(df.EntityId(req.route_params["name"], req.route_params["key"]))
        return func.HttpResponse(json.dumps([found.entity_exists, found.entity_state]))
"""
SETTINGS = {"AzureWebJobs.switched_off.Disabled": "true"}


@pytest.fixture(scope="module", params=[1, 2], ids=["in the host", "two workers"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    folder = write_app(tmp_path_factory.mktemp("entities") / "app", CODE, settings=SETTINGS)
    with running_host(folder, workers=request.param) as running:
        yield running


def state_is(host: RunningHost, path: str, wanted: Any) -> None:
    def look() -> bool:
        return bool(host.get(f"/api/state/{path}").json() == [True, wanted])

    wait_until(look)


def test_an_entity_counts_what_the_sdk_client_signals(host: RunningHost) -> None:
    assert host.get("/api/state/Counter/k").json() == [False, None]
    for number in (1, 2, 3):
        assert host.post("/api/signal/Counter/k/add", number).status == 202
    state_is(host, "counter/k", 6)


def test_an_entity_without_a_name_of_its_own_has_the_name_of_its_function_in_lower_case(host: RunningHost) -> None:
    assert host.call("POST", "/api/signal/PLAIN/Key/touch").status == 202
    state_is(host, "plain/Key", ["plain", "Key", "touch"])


def test_an_orchestrator_calls_and_signals_and_catches(host: RunningHost) -> None:
    started = host.call("POST", "/runtime/webhooks/durabletask/orchestrators/use_counter/caller")
    assert started.status == 202

    def look() -> Any:
        answer = host.get("/runtime/webhooks/durabletask/instances/caller")
        return answer.json() if answer.status == 200 else None

    assert wait_until(look)["output"] == [5, "bad op"]
    state_is(host, "counter/mine", 5)


@pytest.mark.parametrize("name", ["count_things", "switched_off", "a@b"])
def test_other_names_are_no_entities(host: RunningHost, name: str) -> None:
    answer = host.call("POST", f"/api/signal/{name}/k/add")
    assert (answer.status, answer.body) == (400, b"The operation failed with an unexpected status code 400")


def test_an_entity_name_with_an_at_sign_is_reported_at_the_start(host: RunningHost) -> None:
    assert "The 'badly_named' function is in error: the entity name 'a@b' must not contain '@'." in host.log()


def test_entities_outlive_a_restart(tmp_path: Path) -> None:
    folder = write_app(tmp_path / "app", CODE, settings=SETTINGS)
    with running_host(folder) as first:
        assert first.post("/api/signal/Counter/k/add", 4).status == 202
        state_is(first, "Counter/k", 4)
    with running_host(folder) as second:
        state_is(second, "Counter/k", 4)
