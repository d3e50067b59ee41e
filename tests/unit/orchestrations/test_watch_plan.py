"""What a watch has to do, and when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrations.names import run_id_problem
from orchestrations.watch_plan import Watch, WatchRefused, read_watch, run_id

SIX = datetime(2026, 11, 21, 6, tzinfo=UTC)
HOURLY = Watch("books", 60, SIX)


def after(minutes: float) -> datetime:
    return SIX + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("over_after", "due_after"),
    [(0, 60), (25, 60), (59.9, 60), (60, 120), (61, 120), (150, 180), (6_000, 6_060)],
)
def test_the_next_run_is_due_at_the_next_time_of_the_plan_that_is_still_to_come(
    over_after: float, due_after: float
) -> None:
    assert HOURLY.after_run("completed", now=after(over_after)).due == after(due_after)


def test_a_clock_that_goes_back_does_not_bring_the_next_run_forward() -> None:
    assert HOURLY.after_run("completed", now=after(-5)).due == after(60)


def test_a_run_is_counted_and_its_outcome_is_kept() -> None:
    watch = HOURLY.after_run("failed", now=SIX).after_run("stopped", now=after(61))
    assert (watch.runs, watch.last) == (2, "stopped")


@pytest.mark.parametrize(("minutes", "again_after"), [(60, 3), (43_200, 10), (1 / 60, 1 / 60)])
def test_a_run_that_met_another_one_is_due_again_soon_and_does_not_count(minutes: float, again_after: float) -> None:
    watch = Watch("books", minutes, SIX, runs=7, last="completed").after_run("held", now=after(0.5))
    assert (watch.due, watch.runs, watch.last) == (after(0.5 + again_after), 7, "held")


def test_the_next_execution_reads_the_same_watch() -> None:
    watch = HOURLY.after_run("completed", now=after(1))
    assert read_watch(watch.as_input(), "watch:books", now=after(500)) == watch


def test_a_new_watch_is_due_now() -> None:
    assert read_watch({"source": "books", "intervalMinutes": 60}, "watch:books", now=SIX) == HOURLY


def test_an_interval_is_a_second_at_least() -> None:
    assert Watch("books", 1e-9, SIX).interval == timedelta(seconds=1)


@pytest.mark.parametrize("minutes", [0.5, 1, 43_200])
def test_these_intervals_are_taken(minutes: float) -> None:
    assert read_watch({"source": "books", "intervalMinutes": minutes}, "watch:books", now=SIX).minutes == minutes


@pytest.mark.parametrize("minutes", [0, -1, 43_201, float("nan"), float("inf"), True, "60", None, [60], 10**400])
def test_an_interval_that_cannot_be_is_refused_with_its_bounds(minutes: Any) -> None:
    with pytest.raises(WatchRefused, match=r"'intervalMinutes' must be a number above 0 and at most 43,200"):
        read_watch({"source": "books", "intervalMinutes": minutes}, "watch:books", now=SIX)


@pytest.mark.parametrize("source", [None, "", 7, ["books"]])
def test_a_source_that_is_no_name_is_refused(source: Any) -> None:
    with pytest.raises(WatchRefused, match="'source' must be the name of a source"):
        read_watch({"source": source, "intervalMinutes": 60}, "watch:books", now=SIX)


@pytest.mark.parametrize("request_", [None, "books", 7, ["books"]])
def test_an_input_that_is_no_object_is_refused(request_: Any) -> None:
    with pytest.raises(WatchRefused, match="the input must be an object"):
        read_watch(request_, "watch:books", now=SIX)


@pytest.mark.parametrize("instance_id", ["books", "watch:news", "watch:Books", "7f3a"])
def test_another_instance_id_than_the_one_of_its_source_is_refused(instance_id: str) -> None:
    with pytest.raises(WatchRefused, match="the watch of 'books' must have the instance ID 'watch:books'"):
        read_watch({"source": "books", "intervalMinutes": 60}, instance_id, now=SIX)


@pytest.mark.parametrize("source", ["a b", "a/b", "é", "b" * 80])
def test_a_source_whose_runs_could_have_no_id_is_refused(source: str) -> None:
    with pytest.raises(WatchRefused, match="'source' cannot be a part of a run's ID"):
        read_watch({"source": source, "intervalMinutes": 60}, f"watch:{source}", now=SIX)


@pytest.mark.parametrize(
    "plan",
    [7, "x", {}, {"due": "soon", "runs": 1, "last": ""}, {"due": "2026-11-21T06:00:00Z", "runs": "x", "last": ""}],
)
def test_a_plan_that_no_watch_has_made_is_refused(plan: Any) -> None:
    with pytest.raises(WatchRefused, match="'plan' is not for callers"):
        read_watch({"source": "books", "intervalMinutes": 60, "plan": plan}, "watch:books", now=SIX)


def test_the_id_of_a_run_is_made_of_the_watch_and_the_moment_and_fits_the_longest_source() -> None:
    assert run_id("watch:books", SIX) == "watch:books:20261121T060000.000000Z"
    assert run_id_problem(run_id(f"watch:{'b' * 63}", SIX)) == ""
