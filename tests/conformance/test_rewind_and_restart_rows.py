"""Rows of rewind and restart: durable/6.2, 6.6 and 6.7."""

from __future__ import annotations

import pytest

from tests.conformance.durable_app import DurableApp

row = pytest.mark.row


def failed(durable: DurableApp, name: str = "can_be_rewound") -> str:
    status = durable.run(name)
    assert status["runtimeStatus"] == "Failed", status
    return str(status["instanceId"])


@row("durable/6.2/rewind", "durable/6.7/failed-again")
def test_a_rewound_instance_runs_its_failed_task_again_and_nothing_else(durable: DurableApp) -> None:
    own_id = failed(durable)
    durable.release(own_id)
    answer = durable.command(own_id, "rewind", "try again")
    assert (answer.status, answer.body) == (202, b"")
    assert durable.when_status(own_id, "Completed")["output"] == [1, "at last"]
    assert (len(durable.notes(f"{own_id}-once")), len(durable.notes(own_id))) == (1, 2)


@row("durable/6.7/failed-again")
def test_a_rewound_instance_may_fail_and_be_rewound_once_more(durable: DurableApp) -> None:
    own_id = failed(durable)
    durable.command(own_id, "rewind", "too early")
    durable.status_when(own_id, lambda shown: len(durable.notes(own_id)) == 2 and shown["runtimeStatus"] == "Failed")
    durable.release(own_id)
    durable.command(own_id, "rewind", "in time")
    assert durable.when_status(own_id, "Completed")["output"] == [1, "at last"]


@row("durable/6.7/children")
def test_a_failed_child_is_rewound_with_its_parent(durable: DurableApp) -> None:
    own_id = failed(durable, "parent_to_be_rewound")
    durable.release(own_id)
    durable.command(own_id, "rewind", "try again")
    assert durable.when_status(own_id, "Completed")["output"] == [1, "at last"]
    assert durable.status(f"{own_id}-child")["runtimeStatus"] == "Completed"


@row("durable/6.7/generic-events")
def test_what_a_rewind_has_undone_stays_in_the_history_as_generic_events(durable: DurableApp) -> None:
    own_id = failed(durable)
    durable.release(own_id)
    durable.command(own_id, "rewind", "try again")
    durable.when_status(own_id, "Completed")
    names = durable.event_names(own_id)
    # The scheduled task, its failure, the end, and the message that wakes the instance.
    assert (names.count("GenericEvent"), "TaskFailed" in names) == (4, False)


@row("durable/6.2/rewind-not-failed", "durable/6.7/only-failed")
@pytest.mark.parametrize(("name", "shown"), [("waits", "Running"), ("returns_input", "Completed")])
def test_an_instance_that_has_not_failed_is_not_rewound(durable: DurableApp, name: str, shown: str) -> None:
    own_id = durable.start(name)
    durable.when_status(own_id, shown)
    answer = durable.command(own_id, "rewind", "x")
    assert (answer.status, isinstance(answer.json(), str)) == (412, True)
    assert durable.status(own_id)["runtimeStatus"] == shown


@row("durable/6.2/rewind-not-failed")
def test_an_unknown_instance_is_not_rewound(durable: DurableApp) -> None:
    answer = durable.command("nobody", "rewind", "x")
    assert (answer.status, answer.body) == (404, b"")


@row("durable/6.6/rewind")
def test_the_sdk_rewinds(durable: DurableApp) -> None:
    own_id = failed(durable)
    durable.release(own_id)
    assert durable.host.get(f"/api/sdk/rewind/{own_id}").body == b"rewound"
    durable.when_status(own_id, "Completed")
    assert b"No instance with ID" in durable.host.get("/api/sdk/rewind/nobody").body


@row("durable/6.2/restart")
@pytest.mark.parametrize("query", ["", "?restartWithNewInstanceId=true"])
def test_a_restart_begins_a_new_instance_of_the_same_name_and_input(durable: DurableApp, query: str) -> None:
    own_id = durable.run("calls_activity", {"a": 1})["instanceId"]
    answer = durable.call("POST", f"instances/{own_id}/restart{query}")
    new_id = answer.json()["id"]
    assert (answer.status, answer.headers["Retry-After"], new_id != own_id) == (202, "10", True)
    status = durable.ended(new_id)
    assert (status["name"], status["input"], status["output"]) == ("calls_activity", '{"a": 1}', {"a": 1})


@row("durable/6.2/restart-same-id")
def test_a_restart_may_keep_the_id(durable: DurableApp) -> None:
    own_id = durable.run("counts_generations", 3)["instanceId"]
    durable.call("DELETE", f"instances/{own_id}-other")
    answer = durable.call("POST", f"instances/{own_id}/restart?restartWithNewInstanceId=false")
    assert (answer.status, answer.json()["id"]) == (202, own_id)
    assert durable.ended(own_id)["output"]["count"] == 3


@row("durable/6.2/restart-unknown")
def test_a_restart_of_an_unknown_instance_is_400_in_fixed_words(durable: DurableApp) -> None:
    answer = durable.call("POST", "instances/nobody/restart")
    assert (answer.status, answer.json()["Message"]) == (
        400,
        "InstanceId does not match a valid orchestration instance.",
    )


@row("durable/6.2/restart-live-same-id")
def test_a_restart_of_a_running_instance_with_its_id_is_409(durable: DurableApp) -> None:
    own_id = durable.start("waits")
    durable.when_status(own_id, "Running")
    assert durable.call("POST", f"instances/{own_id}/restart?restartWithNewInstanceId=false").status == 409
    assert durable.status(own_id)["runtimeStatus"] == "Running"


@row("durable/6.6/restart")
def test_the_sdks_restart_returns_the_whole_answer(durable: DurableApp) -> None:
    own_id = durable.run("calls_activity", 1)["instanceId"]
    returned = durable.host.get(f"/api/sdk/restart/{own_id}").json()
    assert {"id", "statusQueryGetUri"} <= set(returned)
    assert durable.host.get("/api/sdk/restart/nobody").status == 500
