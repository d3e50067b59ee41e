"""What becomes of a tick of the schedule."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triggers.schedule.decision import Act, Decision, Facts, decide

SIX = datetime(2026, 11, 21, 6, tzinfo=UTC)
POLICIES = ("skip", "buffer_one", "cancel_other")
FACTS = Facts(
    tick=SIX,
    now=SIX + timedelta(seconds=2),
    policy="skip",
    catchup_window=timedelta(hours=12),
    run_id="daily-2026-11-21",
)


def decision(**facts: Any) -> Decision:
    return decide(replace(FACTS, **facts))


def skip(**facts: Any) -> tuple[str | None, str, str]:
    found = decision(**facts)
    assert found.act is Act.SKIP
    return found.reason, found.holder, found.detail


@pytest.mark.parametrize("policy", POLICIES)
def test_a_tick_that_meets_nobody_starts_its_run(policy: str) -> None:
    assert decision(policy=policy) == Decision(Act.START)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("skip", Act.SKIP), ("buffer_one", Act.WAIT), ("cancel_other", Act.REPLACE)],
)
def test_the_policy_decides_about_a_tick_that_meets_a_live_run(policy: str, expected: Act) -> None:
    found = decision(policy=policy, holder="daily-2026-11-20")
    assert (found.act, found.holder) == (expected, "daily-2026-11-20")


def test_a_skip_names_the_holder() -> None:
    told = ("held", "by-hand", "the singleton is held by the instance 'by-hand'")
    assert skip(holder="by-hand") == told


def test_at_most_one_start_waits() -> None:
    told = skip(policy="buffer_one", holder="slow", waiting="daily-2026-11-20", waiting_for=SIX - timedelta(days=1))
    assert told == ("one_is_waiting", "slow", "'daily-2026-11-20' waits for the singleton already")


def test_a_start_that_waits_is_not_overtaken_in_the_moment_when_the_singleton_is_free() -> None:
    waiting = {"waiting": "daily-2026-11-20", "waiting_for": SIX - timedelta(days=1)}
    assert skip(policy="buffer_one", **waiting)[0] == "one_is_waiting"


@pytest.mark.parametrize("policy", POLICIES)
def test_a_tick_that_fires_twice_is_dealt_with_once(policy: str) -> None:
    assert decision(policy=policy, served_at=SIX + timedelta(seconds=1)) == Decision(Act.NOTHING)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_tick_that_fires_again_while_its_own_start_waits_is_dealt_with_once(policy: str) -> None:
    waiting = {"waiting": "daily-2026-11-21", "waiting_for": SIX, "holder": "slow"}
    assert decision(policy=policy, **waiting) == Decision(Act.NOTHING)


def test_a_second_tick_of_a_date_that_had_its_run_is_told_when_that_was() -> None:
    told = skip(served_at=SIX - timedelta(hours=3))
    assert told == ("date_served", "daily-2026-11-21", "the date had its run at 2026-11-21T03:00:00+00:00")


@pytest.mark.parametrize(("late_s", "act"), [(0.2, Act.START), (60, Act.START), (61, Act.SKIP)])
def test_without_a_catchup_window_a_tick_that_comes_within_a_minute_is_no_late_one(late_s: float, act: Act) -> None:
    assert decision(now=SIX + timedelta(seconds=late_s), catchup_window=timedelta(0)).act is act


def test_a_tick_at_the_edge_of_the_window_is_caught_up() -> None:
    assert decision(now=SIX + timedelta(hours=12)).act is Act.START


def test_a_tick_beyond_the_window_is_told_how_late_it_was() -> None:
    told = skip(now=SIX + timedelta(days=2, hours=3, minutes=4, seconds=5))
    assert told == ("past_due", "", "2 d 3 h 4 min late; the window is 12 h")


def test_of_several_ticks_that_are_due_only_the_newest_counts() -> None:
    told = skip(now=SIX + timedelta(days=1, hours=1), later_tick=SIX + timedelta(days=1), catchup_window=timedelta(7))
    assert told == ("past_due", "", "1 d 1 h late; the tick of 2026-11-22T06:00:00+00:00 stands for it")


def test_a_pause_is_the_reason_also_of_a_tick_that_comes_late_and_meets_a_run() -> None:
    assert skip(paused=True, now=SIX + timedelta(days=3), holder="by-hand")[0] == "paused"


moments = st.datetimes(SIX.replace(tzinfo=None) - timedelta(5), SIX.replace(tzinfo=None) + timedelta(5)).map(
    lambda moment: moment.replace(tzinfo=UTC)
)
maybe_moments = st.none() | moments
run_ids = st.sampled_from(["", "daily-2026-11-20", "daily-2026-11-21", "by-hand"])
any_facts = st.builds(
    Facts,
    tick=moments,
    now=moments,
    policy=st.sampled_from(POLICIES),
    catchup_window=st.timedeltas(timedelta(0), timedelta(7)),
    run_id=st.just("daily-2026-11-21"),
    paused=st.booleans(),
    served_at=maybe_moments,
    later_tick=maybe_moments,
    holder=run_ids,
    waiting=run_ids,
    waiting_for=moments,
)


@given(any_facts)
def test_a_tick_never_begins_anything_while_paused_or_outside_its_window_or_for_a_date_that_had_its_run(
    facts: Facts,
) -> None:
    is_late = facts.now - facts.tick > facts.catchup_window or facts.later_tick is not None
    if facts.paused or is_late or facts.served_at is not None:
        assert decide(facts).act in {Act.NOTHING, Act.SKIP}


@given(any_facts)
def test_a_tick_starts_at_once_only_if_nobody_holds_the_singleton(facts: Facts) -> None:
    if facts.holder:
        assert decide(facts).act is not Act.START


@given(any_facts)
def test_each_policy_does_what_it_is_named_for_and_nothing_else(facts: Facts) -> None:
    allowed = {"skip": set(), "buffer_one": {Act.WAIT}, "cancel_other": {Act.REPLACE}}
    assert decide(facts).act in {Act.NOTHING, Act.START, Act.SKIP} | allowed[facts.policy]


@given(any_facts)
def test_a_skip_has_a_reason_and_a_sentence_and_nothing_else_has_one(facts: Facts) -> None:
    found = decide(facts)
    assert (found.act is Act.SKIP) == (found.reason is not None) == bool(found.detail)


@given(any_facts)
def test_what_a_tick_has_got_is_decided_the_same_way_ever_after(facts: Facts) -> None:
    """Repeating a tick whose run has begun, whatever else has changed since, does nothing."""
    began = replace(facts, served_at=max(facts.now, facts.tick))
    assert decide(began) == Decision(Act.NOTHING)
