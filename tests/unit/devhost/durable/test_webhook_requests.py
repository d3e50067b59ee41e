from __future__ import annotations

from datetime import UTC, datetime

import pytest
from aiohttp.test_utils import make_mocked_request

from devhost.durable.instance import InstanceQuery, RuntimeStatus
from devhost.durable.webhooks.answers import RequestRefused
from devhost.durable.webhooks.requests import (
    Query,
    Target,
    read_list_query,
    read_purge_query,
    read_target,
    read_wait,
)


def query(text: str) -> Query:
    return Query(make_mocked_request("GET", f"/x?{text}"))


def target(path: str, tail: str) -> Target:
    return read_target(make_mocked_request("GET", path, headers={"Host": "h:1"}), tail)


def test_target_is_the_mount_point_and_the_segments_below_it():
    assert target("/Runtime/durabletask/instances/a", "instances/a") == Target(
        "http://h:1/Runtime/durabletask", ("instances", "a")
    )


def test_encoded_and_decoded_tails_mean_the_same():
    path = "/durabletask/instances/a%2520b%2Fc/"
    encoded = target(path, "instances/a%2520b%2Fc/")
    assert encoded == target(path, "instances/a%20b/c/")
    assert encoded == Target("http://h:1/durabletask", ("instances", "a%20b/c"))


def test_empty_tail_has_no_segments():
    assert target("/durabletask/", "") == Target("http://h:1/durabletask", ())


def test_names_are_compared_ignoring_case_and_repeated_ones_are_joined():
    assert query("TaskHub=a&TASKHUB=b").text("taskhub") == "a,b"


def test_empty_value_counts_as_absent():
    assert query("taskHub=").text("taskHub") is None


@pytest.mark.parametrize(
    ("text", "value"), [("x=True", True), ("x=false", False), ("x=1", True), ("x=", True), ("", True)]
)
def test_unreadable_flag_is_the_default(text, value):
    assert query(text).flag("x", default=True) is value


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02T03:04:05.678901Z", datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)),
        ("2026-01-02T03:04:05.6789012Z", datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)),
        ("2026-01-02T05:04:05%2B02:00", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02", datetime(2026, 1, 2, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_utc_unless_they_say_otherwise(text, moment):
    assert query(f"t={text}").moment("t") == moment


def test_offset_with_an_unencoded_plus_is_refused_with_the_cure():
    with pytest.raises(RequestRefused, match="as %2B"):
        query("t=2026-01-02T05:04:05+02:00").moment("t")


@pytest.mark.parametrize(
    ("text", "top"),
    [("top=7", 7), ("", 100), ("top=0", 100), ("top=-1", 100), ("top=x", 100), ("top=99999999999", 100)],
)
def test_top_is_a_positive_number_or_100(text, top):
    assert query(text).top() == top


def test_list_query_takes_every_filter():
    text = "instanceIdPrefix=p&createdTimeFrom=2026-01-01&createdTimeTo=2026-01-02&runtimeStatus=Failed,%20Running,x"
    assert read_list_query(query(text)) == InstanceQuery(
        prefix="p",
        created_from=datetime(2026, 1, 1, tzinfo=UTC),
        created_to=datetime(2026, 1, 2, tzinfo=UTC),
        statuses=frozenset({RuntimeStatus.FAILED, RuntimeStatus.RUNNING}),
    )


@pytest.mark.row("durable/6.2/purge-filter-status")
def test_purge_query_keeps_only_ended_statuses():
    found = read_purge_query(query("createdTimeFrom=2026-01-01&runtimeStatus=Failed,Running"))
    assert found.statuses == frozenset({RuntimeStatus.FAILED})


@pytest.mark.parametrize("status", ["Running", "completed"])
def test_purge_query_with_no_ended_status_is_refused(status):
    with pytest.raises(RequestRefused, match=r"^400: Only ended instances can be purged"):
        read_purge_query(query(f"createdTimeFrom=2026-01-01&runtimeStatus={status}"))


def test_wait_needs_both_parameters():
    assert read_wait(query("timeout=10")) is None


def test_wait_is_the_timeout():
    assert read_wait(query("timeout=10.5&pollingInterval=1")) == 10.5


@pytest.mark.parametrize("text", ["timeout=nan", "timeout=inf", "timeout=-1", "timeout=soon"])
def test_unreadable_wait_is_refused(text):
    with pytest.raises(RequestRefused, match="'timeout' is not a number of seconds"):
        read_wait(query(f"{text}&pollingInterval=1"))
