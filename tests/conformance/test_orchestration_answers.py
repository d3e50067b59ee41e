"""Rows of durable/4.1, 4.2 and 4.4: what an orchestrator's answer sets in motion, seen over HTTP."""

from __future__ import annotations

import pytest

from tests.conformance.durable_app import DurableApp

row = pytest.mark.row


def without_stack(text: str) -> str:
    return text.partition("\nStack:")[0]


@row("durable/4.1/output-null")
@pytest.mark.parametrize("value", [None, 0, "", False, [], {}])
def test_a_falsy_output_is_shown_as_it_is(durable: DurableApp, value: object) -> None:
    assert durable.output("returns_input", value) == value


@row("durable/4.1/custom-status-falsy")
@pytest.mark.parametrize("value", [0, "", [], {}])
def test_a_falsy_custom_status_is_shown_as_null(durable: DurableApp, value: object) -> None:
    own_id = durable.start("falsy_custom_status", value)
    durable.when_custom(own_id, {"step": 1})
    durable.raise_event(own_id, "next")
    assert durable.when_custom(own_id, None)["runtimeStatus"] == "Running"


@row("durable/4.1/custom-status-limit")
def test_a_custom_status_beyond_16_kb_fails_its_instance(durable: DurableApp) -> None:
    status = durable.run("large_custom_status")
    assert (status["runtimeStatus"], status["customStatus"]) == ("Failed", None)


@row("durable/4.1/error-output-not-json")
def test_an_output_that_is_no_json_fails_its_instance(durable: DurableApp) -> None:
    status = durable.run("output_no_json")
    text = "Orchestrator function 'output_no_json' failed: Object of type set is not JSON serializable"
    assert (status["runtimeStatus"], status["output"]) == ("Failed", text)


@row("durable/4.1/no-label-plain-function", "durable/4.6/failed-without-label")
def test_an_error_of_a_plain_function_is_reported_as_it_is(durable: DurableApp) -> None:
    status = durable.run("plain_and_raises")
    assert without_stack(status["output"]) == (
        "Orchestrator function 'plain_and_raises' failed: One or more errors occurred. (Result: Failure\n"
        "Exception: LookupError: no generator"
    )


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("yields_a_list", marks=row("durable/4.1/no-label-yield-of-no-task")),
        pytest.param("yields_a_list_later", marks=row("durable/4.6/failed-without-label-later")),
    ],
)
def test_an_error_of_the_sdk_is_reported_as_it_is_in_every_episode(durable: DurableApp, name: str) -> None:
    assert without_stack(durable.run(name)["output"]) == (
        f"Orchestrator function '{name}' failed: One or more errors occurred. (Result: Failure\n"
        "Exception: AttributeError: 'list' object has no attribute '_is_scheduled'"
    )


@row("durable/4.1/no-label-custom-status")
def test_a_custom_status_that_is_no_json_is_reported_as_the_error_it_is(durable: DurableApp) -> None:
    status = durable.run("custom_status_no_json")
    assert status["runtimeStatus"] == "Failed"
    assert "Exception: TypeError: class <class 'set'> does not expose a `to_json`" in status["output"]


@row("durable/4.2/call-activity")
def test_an_activity_gets_its_input_and_gives_its_result(durable: DurableApp) -> None:
    assert durable.output("calls_activity", {"a": ["Tokyo", None]}) == {"a": ["Tokyo", None]}


@row("durable/4.11/result")
def test_an_activity_and_a_child_without_result_give_none(durable: DurableApp) -> None:
    assert durable.output("gets_nothing") == [None, None]


@row("durable/4.2/call-activity-with-retry", "durable/4.4/with-retry")
def test_a_retried_activity_succeeds_on_its_third_attempt(durable: DurableApp) -> None:
    status = durable.run("retries_activity")
    assert (status["output"], len(durable.notes(status["instanceId"]))) == ("attempt 3", 3)


@row("durable/4.2/call-sub-orchestrator")
def test_a_child_has_the_id_and_input_that_it_was_given(durable: DurableApp) -> None:
    status = durable.run("calls_child", {"n": 1})
    child = durable.status(f"{status['instanceId']}-child")
    assert (status["output"], child["name"], child["runtimeStatus"]) == ({"n": 1}, "returns_input", "Completed")


@row("durable/4.2/call-sub-orchestrator-with-retry")
def test_a_retried_child_succeeds_on_its_third_attempt(durable: DurableApp) -> None:
    assert durable.output("retries_child") == "attempt 3"


@row("durable/4.2/continue-as-new", "durable/4.1/done-on-return")
def test_each_generation_gets_the_input_of_the_one_before(durable: DurableApp) -> None:
    assert durable.output("counts_generations", 0)["count"] == 3


@row("durable/4.2/create-timer", "durable/4.7/value")
def test_a_timer_gives_none_no_earlier_than_its_time(durable: DurableApp) -> None:
    assert durable.output("fires_timer", 50) == [None, True]


@row("durable/4.2/fire-at-is-utc")
def test_the_zone_of_a_timer_is_not_converted(durable: DurableApp) -> None:
    assert durable.run("timer_of_another_zone")["runtimeStatus"] == "Completed"


@row("durable/4.2/wait-for-external-event")
def test_a_wait_gives_the_value_of_the_event(durable: DurableApp) -> None:
    own_id = durable.start("waits")
    durable.raise_event(own_id, "go", {"a": 1})
    assert durable.ended(own_id)["output"] == {"a": 1}


@row("durable/4.2/when-any", "durable/4.6/waits-do-not-count")
def test_the_first_of_two_wins_and_an_open_wait_does_not_hold_up_the_end(durable: DurableApp) -> None:
    assert durable.output("any_of_two") == "first"


@row("durable/4.2/when-all")
def test_all_members_of_a_group_are_started_and_awaited(durable: DurableApp) -> None:
    assert durable.output("all_of_three") == ["activity", "child", None]


@row("durable/4.2/never-yielded")
def test_a_task_that_was_never_yielded_is_never_started(durable: DurableApp) -> None:
    status = durable.run("never_yields")
    assert (status["output"], durable.notes(status["instanceId"])) == ("only this", [])


@row("durable/4.2/signal-acts-when-called")
def test_continue_as_new_acts_without_a_yield(durable: DurableApp) -> None:
    assert durable.output("continues_without_yield") == "second"


@row("durable/4.2/nothing-after-continue-as-new")
def test_what_is_yielded_after_continue_as_new_is_never_started(durable: DurableApp) -> None:
    own_id = f"noted-{id(durable)}"
    assert durable.output("acts_after_continue_as_new", own_id) == "second"
    assert durable.notes(own_id) == []


@row("durable/4.2/empty-groups")
def test_empty_groups_give_none_at_once(durable: DurableApp) -> None:
    assert durable.output("empty_groups") == [None, None]


@row("durable/4.4/activity-child-http")
def test_a_failed_activity_lets_the_next_action_start(durable: DurableApp) -> None:
    assert durable.output("after_a_failure") == "next"


@row("durable/4.4/timer", "durable/4.7/cancel")
def test_a_cancelled_timer_lets_the_next_action_start(durable: DurableApp) -> None:
    assert durable.output("cancelled_timer_opens_the_gate") == "next"


@row("durable/4.4/event", "durable/4.4/when-all")
def test_what_follows_a_failed_group_starts_only_when_its_open_wait_is_matched_in_any_case(durable: DurableApp) -> None:
    own_id = durable.start("open_event_holds_the_gate")
    durable.when_custom(own_id, "failed")
    assert durable.event_names(own_id).count("TaskScheduled") == 0
    durable.raise_event(own_id, "GO")
    assert durable.ended(own_id)["output"] == "next"


@row("durable/4.4/not-finished-before")
def test_an_instance_whose_code_has_returned_is_running_until_the_gate_has_passed_all(durable: DurableApp) -> None:
    own_id = durable.start("open_event_holds_the_end")
    assert durable.when_custom(own_id, "failed")["runtimeStatus"] == "Running"
    durable.raise_event(own_id, "go")
    assert durable.ended(own_id)["output"] == "ended"


@row("durable/4.4/when-any", "durable/4.6/open-tasks")
def test_a_winner_lets_the_next_action_start_and_the_loser_holds_up_only_the_end(durable: DurableApp) -> None:
    own_id = durable.start("winner_opens_the_gate")
    assert durable.when_custom(own_id, "next")["runtimeStatus"] == "Running"
    durable.release(own_id)
    assert durable.ended(own_id)["output"] == "ended"


@row("durable/4.4/at-once")
def test_continue_as_new_holds_nothing_up(durable: DurableApp) -> None:
    assert durable.output("input_of_generations", "begin") == "None arrived"


@row("durable/4.3/task-in-two-groups")
def test_a_task_in_two_yielded_groups_is_started_twice_and_shifts_the_ids(durable: DurableApp) -> None:
    status = durable.run("two_groups")
    results = [one["Result"] for one in durable.history(status["instanceId"]) if one["EventType"] == "TaskCompleted"]
    assert (status["output"], results) == (1, [1, 1, 2])
