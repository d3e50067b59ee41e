"""The host's own task ids, its gate, retries, timers and event waits."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devhost.durable import protocol
from devhost.durable.episodes.commands import DropTimer, SendOperation, StartActivity, StartChild, StartTimer
from devhost.durable.episodes.task_table import NonDeterminism, TaskTable

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def activity(name: str = "A") -> dict[str, Any]:
    return {"actionType": 0, "functionName": name, "input": "null"}


def retried(attempts: int = 2) -> dict[str, Any]:
    options = {"firstRetryIntervalInMilliseconds": 5000, "maxNumberOfAttempts": attempts}
    action = {"actionType": 1, "functionName": "R", "input": "null", "retryOptions": options}
    return {"actionType": 12, "compoundActions": [action]}


def child(instance_id: str | None = None) -> dict[str, Any]:
    return {"actionType": 2, "functionName": "C", "input": "1", "instanceId": instance_id, "version": None}


def timer(*, is_cancelled: bool = False) -> dict[str, Any]:
    return {"actionType": 5, "fireAt": "2026-01-02T03:05:00.000000Z", "isCanceled": is_cancelled}


def wait(name: str = "go") -> dict[str, Any]:
    return {"actionType": 6, "externalEventName": name, "reason": "ExternalEvent"}


def entity(*, is_call: bool) -> dict[str, Any]:
    return {"actionType": 7 if is_call else 9, "instanceId": "@counter@k", "operation": "get", "input": "null"}


def every(*actions: dict[str, Any]) -> dict[str, Any]:
    return {"actionType": 12, "compoundActions": list(actions)}


def either(*actions: dict[str, Any]) -> dict[str, Any]:
    return {"actionType": 11, "compoundActions": list(actions)}


def table(*actions: dict[str, Any]) -> TaskTable:
    made = TaskTable()
    made.bind(actions)
    made.extend()
    return made


def started(made: TaskTable) -> list[int]:
    return [command.task_id for command in made.take_commands()]


def complete(made: TaskTable, task_id: int) -> None:
    made.apply(protocol.task_completed(NOW, task_id, None), NOW)


def fail(made: TaskTable, task_id: int) -> None:
    made.apply(protocol.task_failed(NOW, task_id, "r", "d"), NOW)


def fire(made: TaskTable, timer_id: int) -> None:
    made.apply(protocol.timer_fired(NOW, timer_id, NOW), NOW)


def raise_event(made: TaskTable, name: str) -> None:
    made.apply(protocol.event_raised(NOW, name, "null"), NOW)


@pytest.mark.row("durable/4.3/depth-first")
def test_ids_are_given_depth_first_and_waits_take_none() -> None:
    made = table(either(wait(), every(activity("A"), activity("B")), timer()))
    assert made.take_commands() == [
        StartActivity(0, "A", "null"),
        StartActivity(1, "B", "null"),
        StartTimer(2, datetime(2026, 1, 2, 3, 5, tzinfo=UTC)),
    ]


def test_a_child_is_started_with_the_id_that_was_asked_for() -> None:
    assert table(child("kid")).take_commands() == [StartChild(0, "C", "1", "kid", None)]


def test_an_action_behind_the_gate_has_an_id_but_is_not_started() -> None:
    made = table(every(activity(), activity()), activity("after"))
    assert (started(made), made.next_id, made.awaited_ids) == ([0, 1], 3, {0, 1, 2})


def test_a_failed_member_does_not_open_the_gate_behind_task_all() -> None:
    made = table(every(activity(), activity()), activity("after"))
    made.take_commands()
    fail(made, 0)
    assert started(made) == []


@pytest.mark.row("durable/4.14/open-gate")
def test_the_last_member_opens_the_gate_behind_task_all() -> None:
    made = table(every(activity(), activity()), activity("after"))
    made.take_commands()
    fail(made, 0)
    complete(made, 1)
    assert started(made) == [2]


def test_one_member_opens_the_gate_behind_task_any() -> None:
    made = table(either(activity(), activity()), activity("after"))
    made.take_commands()
    complete(made, 1)
    assert started(made) == [2]


def test_an_empty_group_does_not_close_the_gate() -> None:
    assert started(table(every(), either(), activity())) == [0]


@pytest.mark.row("durable/4.3/retry-timer-id", "durable/4.5/interval")
def test_a_failed_attempt_is_followed_by_a_timer_after_the_interval() -> None:
    made = table(retried())
    made.take_commands()
    fail(made, 0)
    assert made.take_commands() == [StartTimer(1, NOW + timedelta(seconds=5))]


@pytest.mark.row("durable/4.3/retry-attempt-id")
def test_a_fired_retry_timer_starts_the_next_attempt_with_a_new_id() -> None:
    made = table(retried())
    fail(made, 0)
    made.take_commands()
    fire(made, 1)
    assert made.take_commands() == [StartActivity(2, "R", "null")]


@pytest.mark.row("durable/4.5/timer-after-last-failure")
def test_the_last_failed_attempt_is_followed_by_a_timer_that_is_due_at_once() -> None:
    made = table(retried(attempts=1))
    made.take_commands()
    fail(made, 0)
    assert made.take_commands() == [StartTimer(1, NOW)]


@pytest.mark.row("durable/4.4/with-retry")
def test_the_closing_timer_completes_the_task() -> None:
    made = table(retried(attempts=1), activity("after"))
    fail(made, 0)
    made.take_commands()
    fire(made, 2)
    assert (started(made), made.awaited_ids) == ([1], {1})


@pytest.mark.row("durable/4.5/success-needs-no-timer")
def test_a_succeeded_retry_needs_no_timer() -> None:
    made = table(retried())
    made.take_commands()
    complete(made, 0)
    assert (started(made), made.open_task_count) == ([], 0)


def test_only_retry_events_with_attempts_left_take_ids() -> None:
    made = table(every(retried(attempts=1), activity(), timer()))
    failed, other = protocol.task_failed(NOW, 0, "r", "d"), protocol.task_failed(NOW, 1, "r", "d")
    assert (made.takes_id(failed), made.takes_id(other)) == (True, False)
    fail(made, 0)
    assert made.takes_id(protocol.timer_fired(NOW, 3, NOW)) is False


@pytest.mark.row("durable/4.1/append-only")
def test_a_cancelled_timer_is_dropped_and_no_longer_open() -> None:
    made = table(either(activity(), timer()))
    made.take_commands()
    made.bind([either(activity(), timer(is_cancelled=True))])
    assert (made.take_commands(), made.awaited_ids) == ([DropTimer(1)], {0})


@pytest.mark.row("durable/4.7/slipped-through")
def test_a_timer_that_fires_after_its_cancellation_changes_nothing() -> None:
    made = table(either(activity(), timer()))
    made.bind([either(activity(), timer(is_cancelled=True))])
    fire(made, 1)
    assert made.awaited_ids == {0}


@pytest.mark.row("durable/4.4/event")
def test_an_event_matches_ignoring_case_on_the_hosts_side() -> None:
    made = table(wait("Go"), activity())
    raise_event(made, "gO")
    assert started(made) == [0]


@pytest.mark.row("durable/4.8/newest-wait-first")
def test_the_newest_wait_of_a_name_gets_the_event() -> None:
    made = table(either(wait(), activity()), wait(), activity("after"))
    made.take_commands()
    complete(made, 0)
    raise_event(made, "go")
    assert started(made) == [1]


def test_an_early_event_is_kept_for_one_wait() -> None:
    made = table(activity(), wait(), wait(), activity("after"))
    made.take_commands()
    raise_event(made, "go")
    complete(made, 0)
    assert started(made) == []
    raise_event(made, "go")
    assert started(made) == [1]


@pytest.mark.row("durable/4.6/waits-do-not-count")
def test_waits_do_not_count_as_open_tasks() -> None:
    made = table(wait())
    assert (made.open_task_count, made.is_gate_passed, made.is_idle) == (0, False, False)


def test_a_table_with_nothing_outstanding_is_idle() -> None:
    made = table(activity())
    complete(made, 0)
    assert made.is_idle


def test_continue_as_new_takes_effect_when_the_gate_reaches_it() -> None:
    made = table(activity(), {"actionType": 4, "input": "1"})
    assert made.is_continued is False
    complete(made, 0)
    assert made.is_continued is True


def test_a_result_for_an_unknown_id_is_ignored() -> None:
    made = table(activity())
    complete(made, 9)
    assert made.awaited_ids == {0}


def test_a_table_comes_back_from_its_text_in_the_middle_of_everything() -> None:
    actions = [either(wait(), retried(), timer()), wait("x"), activity("after")]
    made = table(*actions)
    made.take_commands()
    fail(made, 0)
    raise_event(made, "x")
    restored = TaskTable.from_text(made.to_text())
    restored.bind(actions)
    assert restored.to_text() == made.to_text()
    raise_event(restored, "go")
    assert [command.task_id for command in restored.take_commands()] == [2]


@pytest.mark.row("durable/4.1/append-only")
def test_another_activity_in_the_same_place_is_non_determinism() -> None:
    made = table(activity("A"))
    with pytest.raises(NonDeterminism, match=r"asked for the activity 'A', .* asked for the activity 'B'"):
        made.bind([activity("B")])


@pytest.mark.row("durable/4.1/append-only")
def test_an_answer_that_lost_an_action_is_non_determinism() -> None:
    made = table(activity("A"), activity("B"))
    with pytest.raises(NonDeterminism, match=r"'B', but the present replay has not asked for it"):
        made.bind([activity("A")])


def test_a_group_that_grew_is_non_determinism() -> None:
    made = table(every(activity("A")))
    with pytest.raises(NonDeterminism, match="the activity 'B'"):
        made.bind([every(activity("A"), activity("B"))])


def test_an_entity_call_holds_the_gate_until_its_response_but_no_completion() -> None:
    made = table(entity(is_call=True), activity("after"))
    assert made.take_commands() == [SendOperation(0, "@counter@k", "get", "null", True)]
    assert (made.open_task_count, made.expected_count, made.is_idle, made.awaited_ids) == (0, 1, False, {0, 1})
    made.respond(0)
    assert started(made) == [1]


def test_a_signal_takes_an_id_and_is_complete_at_once() -> None:
    made = table(entity(is_call=False), activity("after"))
    assert made.take_commands() == [
        SendOperation(0, "@counter@k", "get", "null", False),
        StartActivity(1, "after", "null"),
    ]
    assert made.awaited_ids == {1}


def test_a_signal_behind_the_gate_is_held_and_awaited_by_nobody() -> None:
    made = table(activity(), entity(is_call=False))
    assert (started(made), made.next_id, made.awaited_ids) == ([0], 2, {0})
    complete(made, 0)
    assert started(made) == [1]


def test_a_second_response_and_an_event_named_like_a_request_change_nothing() -> None:
    made = table(entity(is_call=True), activity("after"))
    made.take_commands()
    raise_event(made, "00000000-0000-0000-0000-000000000000")
    assert started(made) == []
    made.respond(0)
    made.respond(0)
    assert started(made) == [1]


def test_a_table_of_schema_version_1_knows_its_waits_and_early_events() -> None:
    tasks = '[[6,"Go",null,1,1,null],[5,"",0,1,1,0]]'
    text = (
        '{"next":1,"seen":1,"gate":[0,true],"continued":false,"carried":[],'
        f'"early":{{"said":2}},"waits":{{"go":[0]}},"tasks":{tasks}}}'
    )
    stored = json.loads(TaskTable.from_text(text).to_text())
    assert stored["events"] == [{"go": [["Go", 0]]}, {"said": ["said", "said"]}, False]
