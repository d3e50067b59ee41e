"""What the management API makes of extreme times and deep values."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from aiohttp.test_utils import make_mocked_request

from devhost.durable.instance import Instance, RuntimeStatus
from devhost.durable.webhooks.answers import RequestRefused, json_answer, status_body
from devhost.durable.webhooks.json_values import stored_value
from devhost.durable.webhooks.requests import Query, read_list_query

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def created_from(text: str) -> datetime | None:
    return read_list_query(Query(make_mocked_request("GET", f"/x?createdTimeFrom={text}"))).created_from


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00%2B01:00", "9999-12-31T23:59:59-01:00"])
def test_a_time_whose_offset_leads_out_of_the_calendar_is_an_argument_error(text: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        created_from(text)
    assert refused.value.status == 400
    assert "'createdTimeFrom' is, in UTC, outside the years 1 to 9999" in refused.value.body["ExceptionMessage"]


def test_a_time_with_an_offset_becomes_utc() -> None:
    moment = created_from("2026-01-02T04:04:05%2B01:00")
    assert (moment, moment and moment.tzinfo) == (AT, UTC)


@pytest.mark.parametrize("levels", [501, 970, 5_000])
def test_a_value_that_is_nested_too_deep_to_be_written_is_shown_as_its_text(levels: int) -> None:
    assert stored_value(nested(levels)) == nested(levels)


def test_depth_counts_objects_and_arrays_wherever_they_stand() -> None:
    text = "[1," + '{"a":' * 500 + "2" + "}" * 500 + "]"
    assert stored_value(text) == text


def test_a_value_of_500_levels_is_shown_as_itself() -> None:
    assert json.dumps(stored_value(nested(500))) == nested(500)


@pytest.mark.parametrize("levels", [500, 970])
def test_the_status_of_an_instance_with_a_deep_output_can_be_written(levels: int) -> None:
    deep = Instance("a", "e", "main", "", RuntimeStatus.COMPLETED, None, nested(levels), nested(levels), AT, AT)
    answer = json_answer(200, status_body(deep, show_input=True))
    assert answer.status == 200
