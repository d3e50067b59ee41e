from __future__ import annotations

from typing import Any

import pytest

from devhost.durable.webhooks.history_rendering import render_history


def event(event_type: int, event_id: int = -1, *, at: str = "05.1234567", **fields: Any) -> dict[str, Any]:
    timestamp = f"2026-01-02T03:04:{at}Z"
    return {"EventType": event_type, "EventId": event_id, "IsPlayed": True, "Timestamp": timestamp, **fields}


STARTED = event(
    0,
    Name="chain",
    Version="",
    Input='"1"',
    OrchestrationInstance={"InstanceId": "abc", "ExecutionId": "e"},
    ParentInstance=None,
    Tags=None,
)


@pytest.mark.row("durable/6.4/merged", "durable/6.4/ids-removed")
def test_scheduling_is_merged_into_its_completion():
    events = [
        event(4, 0, Name="Hello", Version="", Input=None),
        event(5, at="06.1234567", TaskScheduledId=0, Result='"Hello Tokyo!"'),
    ]
    assert render_history(events, show_input=True, show_output=True) == [
        {
            "EventType": "TaskCompleted",
            "Result": "Hello Tokyo!",
            "Timestamp": "2026-01-02T03:04:06.1234567Z",
            "ScheduledTime": "2026-01-02T03:04:05.1234567+00:00",
            "FunctionName": "Hello",
            "Input": None,
        }
    ]


@pytest.mark.row("durable/6.4/merged")
def test_failure_of_a_child_names_the_child():
    events = [
        event(7, 2, Name="Child", Version="", InstanceId="abc:2", Input=None),
        event(9, TaskScheduledId=2, Reason="boom", Details="d", FailureDetails=None),
    ]
    rendered = render_history(events, show_input=False, show_output=False)
    assert rendered == [
        {
            "EventType": "SubOrchestrationInstanceFailed",
            "Timestamp": "2026-01-02T03:04:05.1234567Z",
            "Reason": "boom",
            "Details": "d",
            "FailureDetails": None,
            "ScheduledTime": "2026-01-02T03:04:05.1234567+00:00",
            "FunctionName": "Child",
        }
    ]


@pytest.mark.row("durable/6.4/unfinished")
def test_scheduling_without_completion_stays_without_its_version():
    events = [event(4, 0, Name="Hello", Version="", Input=None)]
    assert render_history(events, show_input=False, show_output=False) == [
        {"EventType": "TaskScheduled", "Timestamp": "2026-01-02T03:04:05.1234567Z", "Name": "Hello"}
    ]


def test_task_and_child_with_equal_ids_of_two_kinds_are_told_apart():
    events = [
        event(4, 0, Name="Hello", Version="", Input=None),
        event(8, TaskScheduledId=0, Result=None),
    ]
    rendered = render_history(events, show_input=False, show_output=False)
    assert [one["EventType"] for one in rendered] == ["TaskScheduled", "SubOrchestrationInstanceCompleted"]


@pytest.mark.row("durable/6.4/episode-marks")
def test_episode_marks_are_left_out():
    assert render_history([event(12), event(13)], show_input=True, show_output=True) == []


@pytest.mark.row("durable/6.4/started")
def test_start_is_told_by_function_name_and_input():
    assert render_history([STARTED], show_input=True, show_output=False) == [
        {
            "EventType": "ExecutionStarted",
            "Timestamp": "2026-01-02T03:04:05.1234567Z",
            "Input": '"1"',
            "FunctionName": "chain",
        }
    ]


@pytest.mark.row("durable/6.4/hidden-input")
def test_input_is_hidden_on_request():
    assert "Input" not in render_history([STARTED], show_input=False, show_output=False)[0]


@pytest.mark.row("durable/6.4/completed")
def test_end_names_its_status_and_hides_its_result_by_default():
    events = [event(1, 3, OrchestrationStatus=1, Result="[1]", FailureDetails=None)]
    assert render_history(events, show_input=True, show_output=False) == [
        {
            "EventType": "ExecutionCompleted",
            "Timestamp": "2026-01-02T03:04:05.1234567Z",
            "OrchestrationStatus": "Completed",
            "FailureDetails": None,
        }
    ]


@pytest.mark.row("durable/6.4/others", "durable/6.4/ids-removed")
def test_timers_and_events_stay_without_their_ids():
    events = [
        event(10, 1, FireAt="2026-01-02T04:00:00Z"),
        event(11, TimerId=1, FireAt="2026-01-02T04:00:00Z"),
        event(15, Name="go", Input="1"),
    ]
    rendered = render_history(events, show_input=True, show_output=False)
    assert [sorted(one) for one in rendered] == [
        ["EventType", "FireAt", "Timestamp"],
        ["EventType", "FireAt", "Timestamp"],
        ["EventType", "Input", "Name", "Timestamp"],
    ]


def test_given_events_are_not_changed():
    raw = dict(STARTED)
    render_history([raw], show_input=False, show_output=False)
    assert raw == STARTED
