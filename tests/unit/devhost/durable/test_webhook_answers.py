from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from devhost.durable.errors import HubError
from devhost.durable.instance import Instance, RuntimeStatus
from devhost.durable.webhooks.answers import (
    empty_answer,
    json_answer,
    refusal_answer,
    status_body,
    status_code,
    whole_seconds,
)

INSTANCE = Instance(
    instance_id="abc",
    execution_id="e",
    name="chain",
    version="",
    runtime_status=RuntimeStatus.COMPLETED,
    input_text='"{\\"n\\": 1}"',
    custom_status_text=None,
    output_text='["a","b"]',
    created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    last_updated_at=datetime(2026, 1, 2, 3, 4, 6, 999_999, tzinfo=UTC),
)


def test_status_body_is_the_documented_one():
    body = json.dumps(status_body(INSTANCE, show_input=True), separators=(",", ":"))
    assert body == (
        '{"name":"chain","instanceId":"abc","runtimeStatus":"Completed","input":"{\\"n\\": 1}",'
        '"customStatus":null,"output":["a","b"],"createdTime":"2026-01-02T03:04:05Z",'
        '"lastUpdatedTime":"2026-01-02T03:04:06Z"}'
    )


def test_custom_status_is_shown_as_its_value():
    instance = replace(INSTANCE, custom_status_text='{"done":3}')
    assert status_body(instance, show_input=False)["customStatus"] == {"done": 3}


def test_times_are_shown_in_utc():
    assert whole_seconds(datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2)))) == "2026-01-02T01:00:00Z"


@pytest.mark.row("durable/6.2/status-live", "durable/6.2/status-ended")
@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("Pending", 202),
        ("Running", 202),
        ("ContinuedAsNew", 202),
        ("Suspended", 202),
        ("Completed", 200),
        ("Terminated", 200),
        ("Canceled", 200),
        ("Failed", 200),
    ],
)
def test_status_code_tells_whether_it_can_still_run(status, code):
    instance = replace(INSTANCE, runtime_status=RuntimeStatus(status))
    assert status_code(instance, failed_is_500=False) == code


@pytest.mark.row("durable/6.2/status-failed")
@pytest.mark.parametrize(("status", "code"), [("Failed", 500), ("Terminated", 200), ("Running", 202)])
def test_only_failures_are_500_on_request(status, code):
    instance = replace(INSTANCE, runtime_status=RuntimeStatus(status))
    assert status_code(instance, failed_is_500=True) == code


def test_empty_answer_has_no_body():
    assert empty_answer(404).body is None


def test_json_answer_names_its_charset():
    assert json_answer(200, None).headers["Content-Type"] == "application/json; charset=utf-8"


def test_refusal_of_an_unknown_kind_is_a_fault_with_its_text():
    answer = refusal_answer(HubError("no room"))
    assert answer.status == 500
    assert json.loads(answer.body)["ExceptionMessage"] == "no room"
