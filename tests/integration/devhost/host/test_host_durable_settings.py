"""What `extensions.durableTask` of host.json changes in a running host, and what an app can see of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.helpers.host_process import RunningHost, running_host
from tests.helpers.processes import wait_until
from tests.helpers.tiny_apps import write_app

CODE = """
    import azure.durable_functions as df

    app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.orchestration_trigger(context_name="context")
    def waits(context):
        return [context.version, (yield context.wait_for_external_event("go"))]

    @app.orchestration_trigger(context_name="context")
    def measures(context):
        return (yield context.call_activity("length", context.get_input()))

    @app.orchestration_trigger(context_name="context")
    def calls_by_function(context):
        return (yield context.call_activity(renamed, 1))

    @app.orchestration_trigger(context_name="context")
    def acts_too_often(context):
        for number in range(6):
            yield context.call_activity("length", "")

    @app.activity_trigger(input_name="value")
    def length(value: str) -> int:
        return len(value)

    @app.activity_trigger(input_name="value", activity="Adder")
    def renamed(value: int) -> int:
        return value + 1
"""
OPTIONS = {
    "hubName": "%HUB%",
    "overridableExistingInstanceStates": "AnyState",
    "defaultVersion": 1.0,
    "versionMatchStrategy": "CurrentOrOlder",
    "versionFailureStrategy": "Reject",
    "maxOrchestrationActions": 5,
    "storeInputsInOrchestrationHistory": True,
    "extendedSessionsEnabled": False,
    "tracing": {"traceInputsAndOutputs": False, "distributedTracingEnabled": True, "version": "V2"},
    "notifications": {"eventGrid": {"topicEndpoint": "x"}},
    "storageProvider": {"type": "mssql", "partitionCount": 8, "anything": [1, {"else": None}]},
    "useGracefulShutdown": True,
    "useAppLease": True,
    "entityMessageReorderWindowInMinutes": 30,
    "throwStatusExceptionsOnRaiseEvent": True,
    "unknownToThisHost": {"a": 1},
}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    host_json = {"version": "2.0", "extensions": {"durableTask": OPTIONS}}
    folder = tmp_path_factory.mktemp("durable-settings") / "app"
    with running_host(write_app(folder, CODE, host_json=host_json, settings={"HUB": "MyHub"})) as running:
        yield running


def instance(host: RunningHost, instance_id: str, query: str = "") -> Any:
    return host.get(f"/runtime/webhooks/durabletask/instances/{instance_id}{query}").json()


def start(host: RunningHost, name: str, instance_id: str, body: bytes | None = None) -> None:
    answer = host.call("POST", f"/runtime/webhooks/durabletask/orchestrators/{name}/{instance_id}", body=body)
    assert answer.status == 202, answer.body


def ended(host: RunningHost, instance_id: str) -> Any:
    def look() -> Any:
        shown = instance(host, instance_id)
        return shown if shown["runtimeStatus"] in {"Completed", "Failed"} else None

    return wait_until(look)


def raise_go(host: RunningHost, instance_id: str, value: Any) -> None:
    answer = host.post(f"/runtime/webhooks/durabletask/instances/{instance_id}/raiseEvent/go", value)
    assert answer.status == 202, answer.body


@pytest.mark.row("durable/6.5/any-state")
def test_with_any_state_a_start_terminates_and_replaces_a_live_instance(host: RunningHost) -> None:
    start(host, "waits", "any", b'"1"')
    wait_until(lambda: instance(host, "any")["runtimeStatus"] == "Running")
    start(host, "waits", "any", b'"2"')
    assert instance(host, "any")["input"] == "2"
    wait_until(lambda: instance(host, "any")["runtimeStatus"] == "Running")
    raise_go(host, "any", "second")
    assert ended(host, "any")["output"] == ["1.0", "second"]


def test_with_any_state_a_live_instance_may_be_restarted_with_its_id(host: RunningHost) -> None:
    start(host, "waits", "again", b'"1"')
    answer = host.post("/runtime/webhooks/durabletask/instances/again/restart?restartWithNewInstanceId=false")
    assert (answer.status, answer.json()["id"]) == (202, "again")


def test_an_instance_that_is_started_without_a_version_has_the_default_one(host: RunningHost) -> None:
    start(host, "waits", "version")
    raise_go(host, "version", 0)
    assert ended(host, "version")["output"] == ["1.0", 0]


def test_a_version_in_the_query_wins(host: RunningHost) -> None:
    start(host, "waits", "own?version=2.5")
    raise_go(host, "own", 0)
    assert ended(host, "own")["output"] == ["2.5", 0]


def test_megabytes_arrive_over_http(host: RunningHost) -> None:
    text = "ü" * 3_000_000
    start(host, "measures", "large", json.dumps(json.dumps(text)).encode())
    assert ended(host, "large")["output"] == 3_000_000


def test_an_event_of_megabytes_arrives_over_http(host: RunningHost) -> None:
    start(host, "waits", "large-event")
    raise_go(host, "large-event", "x" * 3_000_000)
    assert len(ended(host, "large-event")["output"][1]) == 3_000_000


def test_a_decorated_function_is_called_by_its_function_name_which_a_renamed_activity_does_not_have(
    host: RunningHost,
) -> None:
    start(host, "calls_by_function", "renamed")
    assert ended(host, "renamed")["output"] == (
        "Orchestrator function 'calls_by_function' failed: The function 'renamed' doesn't exist, is disabled, or is "
        "not an activity function. Additional info: The following are the known activity functions: 'Adder', 'length'."
    )


def test_more_actions_than_host_json_allows_fail_the_instance(host: RunningHost) -> None:
    start(host, "acts_too_often", "often")
    assert "maxOrchestrationActions in host.json allows 5" in ended(host, "often")["output"]


def test_inputs_stand_in_the_history_when_host_json_says_so(host: RunningHost) -> None:
    start(host, "measures", "stored", b'"\\"abc\\""')
    ended(host, "stored")
    events = instance(host, "stored", "?showHistory=true")["historyEvents"]
    assert [one["Input"] for one in events if one["EventType"] == "TaskCompleted"] == ['"abc"']
