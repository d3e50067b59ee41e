"""Rows of durable/4.5 to 4.13: retries, ends, timers, events, generations, suspension, children, refusals."""

from __future__ import annotations

import pytest

from tests.conformance.durable_app import DurableApp
from tests.helpers.processes import wait_until

row = pytest.mark.row


@row("durable/4.5/event-pattern", "durable/4.5/timer-after-last-failure")
@pytest.mark.parametrize("attempts", [1, 3])
def test_each_attempt_has_its_timer_and_the_last_error_is_the_tasks(durable: DurableApp, attempts: int) -> None:
    status = durable.run("retries_failing_activity", attempts)
    assert status["output"] == "Activity function 'boom' failed:  ValueError: again"
    kinds = [one for one in durable.event_names(status["instanceId"]) if one.startswith(("Task", "Timer"))]
    assert kinds == ["TaskFailed", "TimerCreated", "TimerFired"] * attempts


@row("durable/4.5/child-ids")
def test_each_attempt_of_a_child_with_an_id_has_that_id(durable: DurableApp) -> None:
    own_id = durable.run("retries_child_with_id")["instanceId"]
    failures = [one for one in durable.history(own_id) if one["EventType"] == "SubOrchestrationInstanceFailed"]
    children = durable.call("GET", f"instances?instanceIdPrefix={own_id}-").json()
    assert (len(failures), [one["instanceId"] for one in children]) == (2, [f"{own_id}-child"])


@row("durable/4.6/completed")
def test_a_completed_instance_shows_its_output_and_the_end_in_its_history(durable: DurableApp) -> None:
    status = durable.run("calls_activity", "x")
    end = durable.history(status["instanceId"])[-1]
    assert (status["runtimeStatus"], status["output"]) == ("Completed", "x")
    assert (end["EventType"], end["OrchestrationStatus"], end["Result"]) == ("ExecutionCompleted", "Completed", "x")


@row("durable/4.6/failed-with-label")
def test_a_failed_instance_shows_its_error_as_plain_text(durable: DurableApp) -> None:
    own_id = durable.start("fails_once_asked")
    durable.raise_event(own_id, "go")
    status = durable.ended(own_id)
    text = f"Orchestrator function 'fails_once_asked' failed: asked {own_id}"
    assert (status["runtimeStatus"], status["output"]) == ("Failed", text)
    assert durable.history(own_id)[-1]["OrchestrationStatus"] == "Failed"


@row("durable/4.6/terminate-ignores-open-tasks")
def test_terminate_does_not_wait_for_an_activity(durable: DurableApp) -> None:
    own_id = durable.start("winner_opens_the_gate")
    durable.when_custom(own_id, "next")
    durable.command(own_id, "terminate", "enough")
    assert durable.ended(own_id)["runtimeStatus"] == "Terminated"
    durable.release(own_id)


@row("durable/4.6/times")
def test_created_time_is_that_of_the_present_generation(durable: DurableApp) -> None:
    own_id = durable.start("new_generation_after_a_second")
    first = durable.when_status(own_id, "Running")
    second = durable.status_when(own_id, lambda status: status["createdTime"] != first["createdTime"])
    assert second["createdTime"] > first["createdTime"]
    durable.command(own_id, "terminate")


@row("durable/4.7/past")
def test_a_timer_in_the_past_fires_at_once(durable: DurableApp) -> None:
    assert durable.output("old_timer") == "fired"


@row("durable/4.7/cancel")
def test_a_cancelled_timer_writes_no_event_and_does_not_hold_up_the_end(durable: DurableApp) -> None:
    status = durable.run("cancels_timer")
    assert status["output"] == "cancelled"
    assert "TimerFired" not in durable.event_names(status["instanceId"])


@row("durable/4.7/cancel-completed")
def test_cancelling_a_timer_that_has_fired_raises(durable: DurableApp) -> None:
    assert durable.output("cancels_fired_timer") == "ValueError"


@row("durable/4.8/exact-case")
def test_an_event_in_other_case_satisfies_no_wait(durable: DurableApp) -> None:
    own_id = durable.start("waits")
    durable.raise_event(own_id, "Go", "wrong case")
    wait_until(lambda: "EventRaised" in durable.event_names(own_id))
    assert durable.status(own_id)["runtimeStatus"] == "Running"
    durable.raise_event(own_id, "go", "right case")
    assert durable.ended(own_id)["output"] == "right case"


@row("durable/4.8/newest-wait-first")
def test_the_newest_of_two_waits_gets_the_event(durable: DurableApp) -> None:
    own_id = durable.start("two_waits_at_once")
    durable.raise_event(own_id, "e")
    assert durable.ended(own_id)["output"] == [False, True]


@row("durable/4.8/abandoned-waits")
def test_an_abandoned_wait_takes_an_event_when_no_newer_one_is_open(durable: DurableApp) -> None:
    own_id = durable.start("abandons_a_wait")
    durable.when_custom(own_id, "second wait")
    durable.raise_event(own_id, "e", 1)
    durable.when_custom(own_id, "between")
    durable.raise_event(own_id, "e", 2)
    durable.raise_event(own_id, "continue")
    durable.when_custom(own_id, "third wait")
    durable.raise_event(own_id, "e", 3)
    assert durable.ended(own_id)["output"] == [1, 3]


@row("durable/4.8/early-event", "durable/4.8/early-events-last-value")
def test_early_events_of_one_name_give_their_last_value_to_each_wait(durable: DurableApp) -> None:
    own_id = durable.start("early_events")
    durable.raise_event(own_id, "e", 1)
    durable.raise_event(own_id, "e", 2)
    durable.raise_event(own_id, "continue")
    assert durable.ended(own_id)["output"] == [2, 2]
    raised = [one["Input"] for one in durable.history(own_id) if one["EventType"] == "EventRaised"]
    assert raised == ["1", "2", "{}"]


@row("durable/4.8/fifo")
def test_events_that_come_after_their_waits_are_taken_in_turn(durable: DurableApp) -> None:
    own_id = durable.start("events_in_turn")
    for seen in range(3):
        durable.when_custom(own_id, f"{seen} seen")
        durable.raise_event(own_id, "e", seen)
    assert durable.ended(own_id)["output"] == [0, 1, 2]


@row("durable/4.9/new-history")
def test_the_history_of_a_new_generation_begins_anew(durable: DurableApp) -> None:
    status = durable.run("counts_generations", 0)
    assert durable.event_names(status["instanceId"]) == ["ExecutionStarted", "TaskCompleted", "ExecutionCompleted"]


@row("durable/4.9/same-identity")
def test_generations_share_id_name_and_version(durable: DurableApp) -> None:
    own_id = durable.start("counts_generations", 0, query="?version=1.2")
    status = durable.ended(own_id)
    assert status["name"] == "counts_generations"
    assert status["output"] == {"count": 3, "id": own_id, "version": "1.2"}


@row("durable/4.9/same-identity", "durable/4.9/parent-sees-last")
def test_a_parent_sees_the_last_generation_of_its_child_which_still_knows_it(durable: DurableApp) -> None:
    status = durable.run("parent_of_generations")
    assert status["output"] == {"count": 2, "parent": status["instanceId"]}


@row("durable/4.9/input")
def test_any_input_goes_to_the_next_generation_and_none_too(durable: DurableApp) -> None:
    assert durable.output("input_of_generations", "begin") == "None arrived"


@row("durable/4.9/raise-afterwards")
def test_an_error_after_continue_as_new_fails_its_instance(durable: DurableApp) -> None:
    status = durable.run("raises_after_continue_as_new")
    text = "Orchestrator function 'raises_after_continue_as_new' failed: too late"
    assert (status["runtimeStatus"], status["output"]) == ("Failed", text)


@row("durable/4.10/suspend", "durable/4.10/held-events", "durable/4.10/no-replay-while-suspended")
def test_a_suspended_instance_keeps_events_in_order_and_is_not_called(durable: DurableApp) -> None:
    own_id = durable.start("notes_its_replays")
    durable.when_status(own_id, "Running")
    calls = len(durable.notes(own_id))
    assert durable.command(own_id, "suspend", "pause").status == 202
    durable.when_status(own_id, "Suspended")
    durable.raise_event(own_id, "go", 1)
    other = durable.run("calls_activity", "time passes")
    assert (len(durable.notes(own_id)), other["output"]) == (calls, "time passes")
    assert durable.status(own_id)["runtimeStatus"] == "Suspended"
    durable.command(own_id, "resume", "on")
    durable.status_when(own_id, lambda _: len(durable.notes(own_id)) > calls)
    durable.raise_event(own_id, "go", 2)
    assert durable.ended(own_id)["output"] == [1, 2]


@row("durable/4.10/resume", "durable/4.10/reason-as-output")
def test_the_reasons_of_suspension_and_resume_are_shown_until_the_real_output(durable: DurableApp) -> None:
    own_id = durable.start("waits")
    durable.when_status(own_id, "Running")
    durable.command(own_id, "suspend", "a pause")
    assert durable.when_status(own_id, "Suspended")["output"] == "a pause"
    durable.command(own_id, "resume", "and on")
    assert durable.when_status(own_id, "Running")["output"] == "and on"
    wait_until(lambda: "ExecutionResumed" in durable.event_names(own_id))
    durable.raise_event(own_id, "go", "real")
    assert durable.ended(own_id)["output"] == "real"
    names = durable.event_names(own_id)
    assert [one for one in names if one.startswith("Execution")] == [
        "ExecutionStarted",
        "ExecutionSuspended",
        "ExecutionResumed",
        "ExecutionCompleted",
    ]


@row("durable/4.10/terminate", "durable/4.10/terminate-history")
@pytest.mark.parametrize("before", ["Running", "Suspended"])
def test_terminate_ends_an_instance_with_its_reason(durable: DurableApp, before: str) -> None:
    own_id = durable.start("waits")
    durable.when_status(own_id, "Running")
    if before == "Suspended":
        durable.command(own_id, "suspend")
        durable.when_status(own_id, before)
    durable.command(own_id, "terminate", "no longer needed")
    status = durable.ended(own_id)
    assert (status["runtimeStatus"], status["output"]) == ("Terminated", "no longer needed")
    last, end = durable.history(own_id)[-2:]
    assert (last["EventType"], end["EventType"]) == ("ExecutionTerminated", "ExecutionCompleted")
    assert end["OrchestrationStatus"] == "Terminated"


@row("durable/4.10/children-of-terminated")
def test_a_child_of_a_terminated_instance_goes_on(durable: DurableApp) -> None:
    own_id = durable.start("catches_child", "waits")
    child_id = f"{own_id}-child"
    durable.when_status(child_id, "Running")
    durable.command(own_id, "terminate")
    durable.ended(own_id)
    assert durable.status(child_id)["runtimeStatus"] == "Running"
    durable.raise_event(child_id, "go", "alive")
    assert durable.ended(child_id)["output"] == "alive"


@row("durable/4.11/default-id")
def test_a_child_without_id_is_named_after_its_parents_execution_and_the_task(durable: DurableApp) -> None:
    execution, _, task_id = durable.output("default_child").rpartition(":")
    assert (len(execution), task_id) == (32, "0")


@row("durable/4.11/knows-parent", "durable/4.11/no-duplicate-check")
def test_a_child_knows_its_parent_and_replaces_an_instance_of_its_id(durable: DurableApp) -> None:
    old = durable.run("calls_activity", "old")["instanceId"]
    parent = durable.run("parent_with_id", old)
    assert parent["output"] == parent["instanceId"]
    assert (durable.status(old)["name"], durable.status(old)["output"]) == ("tells_parent", parent["instanceId"])


@row("durable/4.11/no-duplicate-check")
def test_a_child_replaces_a_live_instance_of_its_id(durable: DurableApp) -> None:
    old = durable.start("waits")
    durable.when_status(old, "Running")
    assert durable.run("parent_with_id", old)["runtimeStatus"] == "Completed"
    assert durable.status(old)["name"] == "tells_parent"


@row("durable/4.11/failure")
def test_a_parent_gets_the_whole_failure_of_its_child(durable: DurableApp) -> None:
    text = durable.output("catches_child", "always_fails")
    whole = "Orchestrator function 'always_fails' failed: Activity function 'boom' failed:  ValueError: child text \n {"
    assert (text.startswith(whole), " \n Message: Activity function 'boom' failed" in text) == (True, True)


@row("durable/4.11/terminated")
def test_a_terminated_child_fails_at_its_parent_with_the_reason(durable: DurableApp) -> None:
    own_id = durable.start("catches_child", "waits")
    durable.when_status(f"{own_id}-child", "Running")
    durable.command(f"{own_id}-child", "terminate", "out of time")
    assert durable.ended(own_id)["output"].startswith("out of time")


@row("durable/4.11/refused-ids")
def test_a_child_with_the_id_of_its_own_parent_fails_it(durable: DurableApp) -> None:
    status = durable.run("calls_child_by_its_own_id")
    assert (status["runtimeStatus"], f"'{status['instanceId']}'" in status["output"]) == ("Failed", True)


@row("durable/4.13/unknown-activity")
def test_an_unknown_activity_fails_its_instance_and_names_the_known_ones(durable: DurableApp) -> None:
    output = durable.run("calls_unknown_activity")["output"]
    assert output.startswith(
        "Orchestrator function 'calls_unknown_activity' failed: The function 'nobody' doesn't exist, is disabled, or "
        "is not an activity function. Additional info: The following are the known activity functions: 'boom', "
    )


@row("durable/4.13/unknown-child")
def test_an_unknown_child_fails_its_instance_and_names_the_known_ones(durable: DurableApp) -> None:
    output = durable.run("calls_unknown_child")["output"]
    assert output.startswith(
        "Orchestrator function 'calls_unknown_child' failed: The function 'nobody' doesn't exist, is disabled, or "
        "is not an orchestrator function. Additional info: The following are the known orchestrator functions: "
    )


@row("durable/4.13/nested-task-all")
def test_the_sdks_own_error_of_a_nested_group_is_reported_as_it_is(durable: DurableApp) -> None:
    own_id = durable.start("nested_groups")
    wait_until(lambda: "TaskFailed" in durable.event_names(own_id))
    durable.release("nested")
    status = durable.ended(own_id)
    assert status["runtimeStatus"] == "Failed"
    assert "Parent Task -1 does not have pending sub-task with ID -1" in status["output"]


@row("durable/4.3/unmatched-warning")
def test_the_sdks_warning_of_a_completion_without_a_task_is_on_the_console(durable: DurableApp) -> None:
    own_id = durable.start("waits")
    durable.raise_event(own_id, "nobody_waits_for_this")
    text = "Potential duplicate Task completion for TaskId: nobody_waits_for_this"
    assert wait_until(lambda: text in durable.host.log())
