"""History events, the envelope and failure texts, as the SDK and apps read them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from devhost.durable.episodes.envelope import orchestrator_envelope
from devhost.durable.failure_texts import activity_failure
from devhost.durable.protocol import (
    dump_events,
    execution_started,
    format_time,
    orchestrator_started,
    parse_time,
    task_completed,
    timer_created,
)
from devhost.errors import FunctionFailed, text_of

AT = datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)


def test_times_are_utc_with_seven_fraction_digits() -> None:
    local = AT.astimezone(timezone(timedelta(hours=5)))
    assert format_time(local) == "2026-01-02T03:04:05.1234560Z"


def test_a_time_without_fraction_is_read() -> None:
    assert parse_time("2026-01-02T03:04:05Z") == AT.replace(microsecond=0)


def test_a_time_with_few_fraction_digits_is_read() -> None:
    assert parse_time("2026-01-02T03:04:05.5Z") == AT.replace(microsecond=500_000)


def test_a_stored_time_comes_back_unchanged() -> None:
    assert parse_time(format_time(AT)) == AT


def test_a_year_before_1000_is_written_with_four_digits() -> None:
    assert format_time(datetime(7, 1, 2, 3, 4, 5, tzinfo=UTC)) == "0007-01-02T03:04:05.0000000Z"


@pytest.mark.parametrize("text", ["7-01-02T03:04:05.000000Z", "0007-01-02T03:04:05Z"])
def test_a_year_before_1000_is_read_with_and_without_its_zeros(text: str) -> None:
    assert parse_time(text) == datetime(7, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_completion_carries_its_result_even_when_it_is_null() -> None:
    assert task_completed(AT, 3, None) == {
        "EventType": 5,
        "EventId": -1,
        "IsPlayed": False,
        "Timestamp": "2026-01-02T03:04:05.1234560Z",
        "TaskScheduledId": 3,
        "Result": None,
    }


def test_an_outbound_event_has_its_task_id_as_event_id() -> None:
    assert timer_created(AT, 7, AT)["EventId"] == 7


def test_execution_started_names_instance_and_version() -> None:
    event = execution_started(AT, name="chain", version="", input_text='"1"', instance_id="abc", execution_id="e")
    assert event["OrchestrationInstance"] == {"InstanceId": "abc", "ExecutionId": "e"}
    assert (event["Version"], event["Input"], event["ParentInstance"]) == ("", '"1"', None)


def test_events_are_dumped_with_the_wanted_played_flag() -> None:
    text = dump_events([orchestrator_started(AT), orchestrator_started(AT)], is_played=True)
    assert [event["IsPlayed"] for event in json.loads(f"[{text}]")] == [True, True]


def envelope(past: str = "", input_text: str | None = None) -> dict[str, object]:
    text = orchestrator_envelope(
        past=past,
        present='{"EventType":12}',
        input_text=input_text,
        instance_id='a"b',
        parent_instance_id=None,
        async_sleep_ms=30_000,
    )
    parsed: dict[str, object] = json.loads(text)
    return parsed


def test_the_first_episode_is_no_replay() -> None:
    assert envelope()["isReplaying"] is False


def test_past_events_stand_before_the_present_ones() -> None:
    assert envelope(past='{"EventType":0}')["history"] == [{"EventType": 0}, {"EventType": 12}]


def test_the_stored_input_is_parsed_once() -> None:
    assert envelope(input_text='"{\\"n\\": 1}"')["input"] == '{"n": 1}'


def test_an_input_that_is_no_json_stays_text() -> None:
    assert envelope(input_text="plain")["input"] == "plain"


def test_the_envelope_offers_the_schemas_of_the_product() -> None:
    fields = envelope()
    assert (fields["upperSchemaVersion"], fields["upperSchemaVersionNew"]) == (1, 3)
    assert fields["maximumShortTimerDuration"] == "6.00:00:00"


def test_details_of_a_failed_activity_are_one_line_of_json_with_a_message() -> None:
    failed = FunctionFailed("Bad", "ValueError", "bo\nom", "Traceback…\n  line")
    reason, details = activity_failure("Bad", failed)
    assert reason == "Activity function 'Bad' failed:  ValueError: bo\nom"
    assert "\n" not in details
    assert json.loads(details)["Message"] == " ValueError: bo\nom"


def test_an_exception_whose_text_raises_has_a_text_all_the_same() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise LookupError

    assert text_of(Mute()) == "<its text cannot be shown: __str__ raised LookupError>"
