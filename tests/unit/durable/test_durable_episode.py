"""Episodes with the real SDK: what is written after each answer."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.durable.episodes.episode import fail_for_fault
from devhost.durable.instance import RuntimeStatus
from devhost.durable.protocol import parent_instance, parse_time
from tests.helpers.durable_driver import RULES, START, Driver

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

Context = df.DurableOrchestrationContext
Steps = Generator[Any, Any, Any]
PARENT = parent_instance(name="boss", version="", instance_id="p", execution_id="pe", task_id=4)


def one_activity(context: Context) -> Steps:
    return (yield context.call_activity("A", {"x": 1}))


def drive(orchestrator: Any, **options: Any) -> Driver:
    driver = Driver(orchestrator, **options)
    driver.run()
    return driver


def kinds(driver: Driver) -> list[int]:
    return [event["EventType"] for event in driver.events]


@pytest.mark.row("durable/4.2/call-activity")
def test_the_first_episode_schedules_and_stays_running() -> None:
    driver = drive(one_activity)
    assert (kinds(driver), driver.status) == ([12, 0, 4, 13], RuntimeStatus.RUNNING)
    (queued,) = driver.last.effects.activities
    assert (queued.task_id, queued.name, queued.input_text) == (0, "A", '{"x": 1}')


@pytest.mark.row("durable/4.6/completed")
def test_a_completed_instance_has_its_output_and_a_closed_history() -> None:
    driver = drive(one_activity)
    driver.complete(0, "done")
    result = driver.run()
    assert (result.runtime_status, result.output_text) == (RuntimeStatus.COMPLETED, '"done"')
    assert kinds(driver) == [12, 0, 4, 13, 12, 5, 1, 13]
    assert (driver.events[-2]["EventId"], driver.events[-2]["Result"]) == (1, '"done"')


def test_an_input_is_written_into_the_history_only_on_request() -> None:
    without = drive(one_activity)
    stored = drive(one_activity, rules=replace(RULES, store_inputs=True))
    assert (without.events[2]["Input"], stored.events[2]["Input"]) == (None, '{"x": 1}')


@pytest.mark.row("durable/4.14/outbound-order")
def test_outbound_events_are_written_in_ascending_id() -> None:
    def mixed(context: Context) -> Steps:
        due = context.current_utc_datetime + timedelta(seconds=1)
        tasks = [context.call_sub_orchestrator("child"), context.create_timer(due), context.call_activity("A")]
        yield context.task_all(tasks)

    driver = drive(mixed)
    outbound = [(event["EventType"], event["EventId"]) for event in driver.events[2:-1]]
    assert outbound == [(7, 0), (10, 1), (4, 2)]


@pytest.mark.row("durable/4.6/failed-with-label")
def test_a_failure_is_reported_in_plain_text() -> None:
    def failing(context: Context) -> Steps:
        yield context.call_activity("A")
        raise ValueError("bad")

    driver = drive(failing)
    driver.complete(0)
    result = driver.run()
    assert result.output_text == "Orchestrator function 'main' failed: bad"
    assert result.runtime_status is RuntimeStatus.FAILED


@pytest.mark.row("durable/4.6/failed-without-label-later")
def test_an_error_without_label_is_reported_as_it_is() -> None:
    def not_a_task(context: Context) -> Steps:
        yield context.call_activity("A")
        yield [1]

    driver = drive(not_a_task)
    driver.complete(0)
    result = driver.run()
    assert result.runtime_status is RuntimeStatus.FAILED
    assert result.output_text is not None
    assert result.output_text.startswith(
        "Orchestrator function 'main' failed: One or more errors occurred. (Result: Failure\n"
        "Exception: AttributeError: 'list' object has no attribute '_is_scheduled'\nStack: Traceback"
    )


@pytest.mark.row("durable/4.6/open-tasks")
def test_a_failure_waits_for_open_tasks() -> None:
    def impatient(context: Context) -> Steps:
        yield context.task_all([context.call_activity("A"), context.call_activity("B")])

    driver = drive(impatient)
    driver.fail_task(0)
    driver.run()
    assert driver.status is RuntimeStatus.RUNNING
    driver.complete(1)
    assert driver.run().runtime_status is RuntimeStatus.FAILED


def test_completions_of_one_batch_cost_one_replay() -> None:
    def fan(context: Context) -> Steps:
        return len((yield context.task_all([context.call_activity("A") for _ in range(50)])))

    driver = drive(fan)
    for task_id in range(50):
        driver.complete(task_id)
    driver.run()
    assert (driver.replays, driver.last.output_text) == (2, "50")


@pytest.mark.row("durable/4.3/batch-rule")
def test_retry_events_are_taken_before_the_others_of_a_batch() -> None:
    def both(context: Context) -> Steps:
        retried = context.call_activity_with_retry("B", df.RetryOptions(1000, 3))
        yield context.task_any([context.call_activity("A"), retried])
        yield context.call_activity("A")

    driver = drive(both)
    driver.complete(0)
    driver.fail_task(1)
    result = driver.run_episode()
    assert [event["EventType"] for event in result.history] == [12, 6, 5, 10, 4, 13]
    assert ([timer_id for timer_id, _ in result.effects.timers], driver.inbox) == ([2], [])


@pytest.mark.row("durable/4.3/batch-rule")
def test_a_run_of_retry_events_is_taken_at_once() -> None:
    def retried(context: Context) -> Steps:
        options = df.RetryOptions(1000, 3)
        yield context.task_all([context.call_activity_with_retry("B", options) for _ in range(3)])

    driver = drive(retried)
    for task_id in range(3):
        driver.fail_task(task_id)
    result = driver.run_episode()
    assert [timer_id for timer_id, _ in result.effects.timers] == [3, 4, 5]


@pytest.mark.row("durable/4.14/inbox-order", "durable/4.9/late-results-dropped")
def test_a_result_of_an_older_generation_is_dropped() -> None:
    driver = drive(one_activity)
    driver.deliver({"EventType": 5, "TaskScheduledId": 0, "Result": "1"}, execution_id="old")
    driver.complete(0, "new")
    result = driver.run_episode()
    assert (result.output_text, driver.inbox) == ('"new"', [])


@pytest.mark.row("durable/4.14/now")
def test_the_episode_begins_no_earlier_than_its_timers_are_due() -> None:
    def sleepy(context: Context) -> Steps:
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=10))
        return context.current_utc_datetime.isoformat()

    driver = drive(sleepy)
    ((timer_id, fire_at),) = driver.last.effects.timers
    driver.deliver(
        {
            "EventType": 11,
            "EventId": -1,
            "IsPlayed": False,
            "Timestamp": "2026-01-02T03:04:06Z",
            "TimerId": timer_id,
            "FireAt": "2026-01-02T03:04:15.0000000Z",
        }
    )
    assert fire_at == START + timedelta(seconds=10)
    assert driver.run().output_text == '"2026-01-02T03:04:15+00:00"'


@pytest.mark.row("durable/4.7/long-timer")
@pytest.mark.parametrize("days", [7, 10, 20])
def test_a_long_timer_is_split_as_on_the_product_and_fires_once(days: int) -> None:
    def patient(context: Context) -> Steps:
        return (yield context.create_timer(context.current_utc_datetime + timedelta(days=days)))

    driver = drive(patient)
    fired: list[datetime] = []
    while driver.status is RuntimeStatus.RUNNING:
        ((timer_id, fire_at),) = driver.last.effects.timers
        fired.append(fire_at)
        driver.now = fire_at
        driver.fire(timer_id)
        driver.run()
    assert driver.status is RuntimeStatus.COMPLETED
    assert fired[-1] == START + timedelta(days=days)
    assert fired[0] == START + timedelta(days=3)


@pytest.mark.row("durable/4.1/custom-status-cleared")
def test_a_custom_status_is_kept_and_its_absence_clears_it() -> None:
    def reporting(context: Context) -> Steps:
        context.set_custom_status({"step": 1})
        yield context.call_activity("A")
        context.set_custom_status(None)
        yield context.call_activity("A")

    driver = drive(reporting)
    first = driver.last.custom_status_text
    driver.complete(0)
    assert (first, driver.run().custom_status_text) == ('{"step":1}', None)


@pytest.mark.row("durable/4.1/custom-status-limit")
def test_a_custom_status_beyond_16_kb_fails_the_instance() -> None:
    def talkative(context: Context) -> Steps:
        context.set_custom_status("x" * 8192)
        yield context.call_activity("A")

    result = drive(talkative).last
    assert (result.runtime_status, result.effects.activities) == (RuntimeStatus.FAILED, ())
    assert "16388 bytes" in (result.output_text or "")


def test_an_unknown_activity_fails_at_once_and_names_the_known_ones() -> None:
    def lost(context: Context) -> Steps:
        yield context.task_all([context.call_activity("A"), context.call_activity("nobody")])

    result = drive(lost).last
    assert result.output_text == (
        "Orchestrator function 'main' failed: The function 'nobody' doesn't exist, is disabled, or is not an "
        "activity function. Additional info: The following are the known activity functions: 'A', 'B'."
    )
    assert result.effects.activities == ()


def test_names_of_functions_compare_ignoring_case() -> None:
    def loud(context: Context) -> Steps:
        yield context.call_activity("a")

    assert drive(loud).status is RuntimeStatus.RUNNING


def test_a_timer_before_the_year_1000_is_long_overdue() -> None:
    def ancient(context: Context) -> Steps:
        yield context.create_timer(datetime(1, 1, 1, tzinfo=UTC))

    assert drive(ancient).last.effects.timers == ((0, datetime(1, 1, 1, tzinfo=UTC)),)


def test_a_child_id_that_cannot_be_encoded_fails_at_once() -> None:
    def parent(context: Context) -> Steps:
        yield context.call_sub_orchestrator("child", None, "\ud800")

    result = drive(parent).last
    assert result.output_text == (
        "Orchestrator function 'main' failed: Instance ID '\\ud800' is refused: the character '\\ud800' is not "
        "allowed (/ \\ # ?, control characters, halves of surrogate pairs)."
    )


@pytest.mark.row("durable/4.11/refused-ids")
@pytest.mark.parametrize("child_id", ["abc", "p", "@x", "a/b"])
def test_a_child_id_that_the_product_refuses_fails_at_once(child_id: str) -> None:
    def parent(context: Context) -> Steps:
        yield context.call_sub_orchestrator("child", None, child_id)

    result = drive(parent, parent=PARENT).last
    assert result.runtime_status is RuntimeStatus.FAILED
    assert f"'{child_id}'" in (result.output_text or "")


@pytest.mark.row("durable/4.13/too-many-actions")
def test_too_many_actions_fail_at_once() -> None:
    def greedy(context: Context) -> Steps:
        yield context.task_all([context.call_activity("A") for _ in range(11)])

    result = drive(greedy, rules=replace(RULES, max_actions=10)).last
    assert "maxOrchestrationActions in host.json allows 10" in (result.output_text or "")


@pytest.mark.row("durable/4.11/default-id")
def test_a_child_gets_a_default_id_and_doubly_encoded_input() -> None:
    def parent(context: Context) -> Steps:
        yield context.call_sub_orchestrator("child", {"a": 1})

    driver = drive(parent)
    (child,) = driver.last.effects.children
    assert child.instance_id == f"{'e' * 32}:0"
    assert child.input_text is not None
    assert json.loads(json.loads(child.input_text)) == {"a": 1}
    assert child.parent is not None
    assert child.parent["TaskScheduleId"] == 0


@pytest.mark.row("durable/4.5/child-ids")
def test_every_retry_of_a_child_gets_a_new_default_id() -> None:
    def parent(context: Context) -> Steps:
        yield context.call_sub_orchestrator_with_retry("child", df.RetryOptions(1000, 2))

    driver = drive(parent)
    driver.fail_task(0)
    driver.run()
    driver.fire(1)
    (child,) = driver.run().effects.children
    assert child.instance_id == f"{'e' * 32}:2"


@pytest.mark.row("durable/4.14/parent-is-told")
def test_a_finished_child_tells_its_parent() -> None:
    driver = drive(one_activity, parent=PARENT)
    driver.complete(0, 5)
    notice = driver.run().notice
    assert notice is not None
    assert (notice.instance_id, notice.execution_id) == ("p", "pe")
    assert (notice.event["EventType"], notice.event["TaskScheduledId"], notice.event["Result"]) == (8, 4, "5")


@pytest.mark.row("durable/4.14/parent-is-told")
def test_a_failed_child_tells_its_parent_why() -> None:
    def failing(context: Context) -> Steps:
        yield context.call_activity("A")
        raise ValueError("bad")

    driver = drive(failing, parent=PARENT)
    driver.complete(0)
    notice = driver.run().notice
    assert notice is not None
    assert notice.event["Reason"] == "Orchestrator function 'main' failed: bad"
    assert notice.event["Details"].startswith("Message: bad, StackTrace: ")


def test_an_instance_that_the_host_cannot_go_on_with_fails_with_the_error_and_tells_its_parent() -> None:
    driver = Driver(one_activity, parent=PARENT)
    driver.complete(0)
    result = fail_for_fault(driver.execution, driver.inbox, START, OverflowError("date value out of range"))
    output = (
        "Orchestrator function 'main' failed: The host could not carry out an episode of this instance: "
        "OverflowError: date value out of range"
    )
    assert (result.runtime_status, result.output_text) == (RuntimeStatus.FAILED, output)
    assert [event["EventType"] for event in result.history] == [12, 0, 5, 1, 13]
    assert result.notice is not None
    assert result.notice.event["Reason"] == output


def test_messages_of_other_generations_are_no_part_of_a_failure_but_leave_the_inbox() -> None:
    driver = Driver(one_activity)
    driver.deliver({"EventType": 5, "TaskScheduledId": 0, "Result": "1"}, execution_id="old")
    result = fail_for_fault(driver.execution, driver.inbox, START, ValueError("x"))
    assert ([event["EventType"] for event in result.history], set(result.consumed)) == ([12, 0, 1, 13], {1, 2})


def test_a_new_generation_starts_empty_with_the_new_input() -> None:
    def counter(context: Context) -> Steps:
        yield context.call_activity("A")
        context.continue_as_new(5)

    driver = drive(counter)
    driver.complete(0)
    result = driver.run_episode()
    assert result.runtime_status is RuntimeStatus.CONTINUED_AS_NEW
    assert result.next_generation is not None
    assert (result.next_generation.input_text, result.next_generation.generation) == ('"5"', 1)
    assert (driver.past, driver.table.next_id) == ("", 0)


@pytest.mark.row("durable/4.9/waits-for-open-tasks")
def test_a_new_generation_waits_for_open_tasks_of_the_old_one() -> None:
    def racer(context: Context) -> Steps:
        yield context.task_any([context.call_activity("A"), context.call_activity("B")])
        context.continue_as_new(None)

    driver = drive(racer)
    driver.complete(0)
    assert driver.run().runtime_status is RuntimeStatus.RUNNING


@pytest.mark.row("durable/4.9/later-events-carried")
def test_events_after_continue_as_new_go_to_the_next_generation_in_order() -> None:
    def racer(context: Context) -> Steps:
        seen = yield context.wait_for_external_event("go")
        if seen == "last":
            return [seen, (yield context.wait_for_external_event("go"))]
        yield context.task_any([context.call_activity("A"), context.call_activity("B")])
        context.continue_as_new(None)

    driver = drive(racer)
    driver.raise_event("go", "first")
    driver.run()
    driver.complete(0)
    driver.raise_event("go", "last")
    driver.run()
    driver.raise_event("go", "after")
    driver.complete(1)
    assert driver.run().output_text == '["last","after"]'


@pytest.mark.row("durable/4.9/early-events-lost")
@pytest.mark.filterwarnings("ignore:Potential duplicate Task completion for TaskId. other")
def test_an_early_event_that_nobody_took_is_lost_at_continue_as_new() -> None:
    def forgetful(context: Context) -> Steps:
        yield context.call_activity("A")
        if context.get_input() is None:
            context.continue_as_new("again")
            return
        yield context.wait_for_external_event("other")

    driver = drive(forgetful)
    driver.raise_event("other")
    driver.run()
    driver.complete(0)
    driver.run()
    driver.complete(0)
    assert driver.run().runtime_status is RuntimeStatus.RUNNING


def test_an_error_after_continue_as_new_fails_the_instance() -> None:
    def torn(context: Context) -> Steps:
        yield context.call_activity("A")
        context.continue_as_new(1)
        raise ValueError("too late")

    driver = drive(torn)
    driver.complete(0)
    result = driver.run()
    assert result.runtime_status is RuntimeStatus.FAILED
    assert result.output_text == "Orchestrator function 'main' failed: too late"


def test_an_output_that_is_no_json_fails_the_instance() -> None:
    def opaque(context: Context) -> Steps:
        yield context.call_activity("A")
        return {1, 2}

    driver = drive(opaque)
    driver.complete(0)
    assert driver.run().output_text == (
        "Orchestrator function 'main' failed: Object of type set is not JSON serializable"
    )


def test_a_changed_orchestrator_fails_and_names_both_sides() -> None:
    names = iter(["A", "B"])

    def moody(context: Context) -> Steps:
        yield context.call_activity(next(names))

    driver = drive(moody)
    driver.complete(0)
    result = driver.run()
    assert result.runtime_status is RuntimeStatus.FAILED
    assert "asked for the activity 'A', but the present replay asked for the activity 'B' instead" in (
        result.output_text or ""
    )


def test_an_instance_that_nothing_can_wake_is_reported() -> None:
    def shout(context: Context) -> Steps:
        yield context.wait_for_external_event("Approval")

    driver = drive(shout)
    assert driver.last.warning is None
    driver.raise_event("approval")
    with pytest.warns(UserWarning, match="Potential duplicate"):
        driver.run()
    assert driver.last.warning is not None
    assert "in other letter case" in driver.last.warning


@pytest.mark.row("durable/4.6/times")
def test_written_events_carry_the_time_of_their_episode() -> None:
    driver = drive(one_activity)
    driver.now += timedelta(seconds=3)
    driver.complete(0)
    driver.run()
    assert parse_time(driver.events[-1]["Timestamp"]) == START + timedelta(seconds=3)
    assert driver.last.updated_at == START + timedelta(seconds=3)


NEVER_COMES = (
    "Orchestrator function 'main' failed: The orchestrator yielded something that will never come: no activity, timer, "
    "sub-orchestration, entity call or event wait is outstanding. Usual causes: None was yielded, or one task stands "
    "in two yielded constructs."
)


def test_an_orchestrator_that_yields_none_fails_at_once() -> None:
    def blank(context: Context) -> Steps:
        yield None

    driver = drive(blank)
    assert (driver.status, driver.last.output_text) == (RuntimeStatus.FAILED, NEVER_COMES)


def test_an_orchestrator_that_yields_none_later_fails_then() -> None:
    def blank(context: Context) -> Steps:
        yield context.wait_for_external_event("go")
        yield None

    driver = drive(blank)
    driver.raise_event("go")
    assert (driver.run().runtime_status, driver.last.output_text) == (RuntimeStatus.FAILED, NEVER_COMES)


def test_a_wait_that_the_host_matched_in_another_case_still_takes_its_event() -> None:
    def shout(context: Context) -> Steps:
        yield context.call_activity("A")
        return (yield context.wait_for_external_event("Approval"))

    driver = drive(shout)
    driver.raise_event("approval", 1)  # early, and in another case
    driver.complete(0)
    with pytest.warns(UserWarning, match="Potential duplicate"):
        driver.run()
    assert driver.status is RuntimeStatus.RUNNING
    driver.raise_event("Approval", 2)
    with pytest.warns(UserWarning, match="Potential duplicate"):
        driver.run()
    assert (driver.status, driver.last.output_text) == (RuntimeStatus.COMPLETED, "2")


def test_a_cancelled_timer_does_not_disturb_the_ids_of_retries_that_follow() -> None:
    def hurried(context: Context) -> Steps:
        timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        yield context.task_any([context.call_activity("A"), timer])
        timer.cancel()
        yield context.call_activity_with_retry("B", df.RetryOptions(5_000, 3))
        return (yield context.call_activity("A"))

    driver = drive(hurried)
    driver.complete(0)
    driver.run()
    driver.fail_task(2)
    driver.run()
    driver.fire(3, after_s=5)
    driver.run()
    driver.complete(4)
    driver.run()
    driver.complete(5, "done")
    assert (driver.run().runtime_status, driver.last.output_text) == (RuntimeStatus.COMPLETED, '"done"')


def test_a_custom_status_of_a_failing_episode_is_stored_letter_for_letter() -> None:
    def fails(context: Context) -> Steps:
        yield from ()
        context.set_custom_status({"at": "2026-01-02T03:04:05.1234567+02:00"})
        raise ValueError("boom")

    assert drive(fails).last.custom_status_text == '{"at":"2026-01-02T03:04:05.1234567+02:00"}'


@pytest.mark.parametrize(
    ("body", "ending"),
    [
        ("[1]", "failed: the JSON object must be str, bytes or bytearray, not list"),
        ("1.5", "failed: the JSON object must be str, bytes or bytearray, not float"),
        ("true", "failed: the JSON object must be str, bytes or bytearray, not bool"),
        ('"bare"', "failed: Expecting value: line 1 column 1 (char 0)"),
        ('{"a":1}', '{"a":1}'),
        ('"[1]"', "[1]"),
    ],
)
def test_a_raw_body_is_repaired_for_get_input_only_if_it_is_an_object(body: str, ending: str) -> None:
    def echo(context: Context) -> Steps:
        yield from ()
        return context.get_input()

    driver = Driver(echo, body)
    assert (driver.run().output_text or "").endswith(ending)


def test_an_orchestrator_knows_whether_it_is_replayed_and_its_guids_stay_the_same() -> None:
    seen: list[tuple[bool, str]] = []

    def asks(context: Context) -> Steps:
        seen.append((context.is_replaying, str(context.new_guid())))
        yield context.call_activity("A")
        seen.append((context.is_replaying, str(context.new_guid())))

    driver = drive(asks)
    driver.complete(0)
    driver.run()
    (first, first_guid), (again, same_guid), (second, other_guid) = seen
    assert (first, again, second) == (False, True, False)
    assert first_guid == same_guid != other_guid
