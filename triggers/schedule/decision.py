"""What becomes of a tick of the schedule: decided from facts, without asking anybody."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from storage.ledger.skips import SkipReason

Policy = Literal["skip", "buffer_one", "cancel_other"]

# The clocks of the machines that tick and that run are not the same.
CLOCK_SKEW: Final = timedelta(seconds=1)

# A tick never comes before its time, and a host that has to wake up first brings it some seconds after.
PUNCTUAL: Final = timedelta(minutes=1)


class Act(StrEnum):
    """What to do with a tick."""

    NOTHING = "nothing"  # this very tick has been dealt with
    START = "start"
    WAIT = "wait"  # start as soon as the holder has ended
    REPLACE = "replace"  # stop the holder, then start
    SKIP = "skip"  # and write it down


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when a tick is decided. Times are aware.

    `served_at` is when the run of the tick's date began, None if there was none. `later_tick` is a newer tick that is
    due as well, `holder` the instance that holds the singleton (empty: nobody), `waiting` the run that waits for the
    singleton (empty: none) and `waiting_for` the tick of that run.
    """

    tick: datetime
    now: datetime
    policy: Policy
    catchup_window: timedelta
    run_id: str
    paused: bool = False
    served_at: datetime | None = None
    later_tick: datetime | None = None
    holder: str = ""
    waiting: str = ""
    waiting_for: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do; for a skip also why, who is in the way, and a sentence for people."""

    act: Act
    reason: SkipReason | None = None
    holder: str = ""
    detail: str = ""


def decide(facts: Facts) -> Decision:
    """What becomes of a tick. A date has one run; what the tick has got already counts before anything else."""
    return _already_served(facts) or _not_wanted(facts) or _too_late(facts) or _by_policy(facts)


def _already_served(facts: Facts) -> Decision | None:
    if facts.served_at is not None:
        if facts.served_at >= facts.tick - CLOCK_SKEW:
            return Decision(Act.NOTHING)
        detail = f"the date had its run at {facts.served_at.isoformat(timespec='seconds')}"
        return _skip(SkipReason.DATE_SERVED, facts.run_id, detail)
    if facts.waiting == facts.run_id and facts.waiting_for == facts.tick:
        return Decision(Act.NOTHING)
    return None


def _not_wanted(facts: Facts) -> Decision | None:
    return _skip(SkipReason.PAUSED, "", "the schedule is paused") if facts.paused else None


def _too_late(facts: Facts) -> Decision | None:
    late = facts.now - facts.tick
    if late > max(facts.catchup_window, PUNCTUAL):
        return _skip(SkipReason.PAST_DUE, "", f"{_span(late)} late; the window is {_span(facts.catchup_window)}")
    if facts.later_tick is not None:
        later = facts.later_tick.isoformat(timespec="seconds")
        return _skip(SkipReason.PAST_DUE, "", f"{_span(late)} late; the tick of {later} stands for it")
    return None


def _by_policy(facts: Facts) -> Decision:
    if facts.policy == "buffer_one" and facts.waiting:
        return _skip(SkipReason.ONE_IS_WAITING, facts.holder, f"'{facts.waiting}' waits for the singleton already")
    if not facts.holder:
        return Decision(Act.START)
    if facts.policy == "buffer_one":
        return Decision(Act.WAIT, holder=facts.holder)
    if facts.policy == "cancel_other":
        return Decision(Act.REPLACE, holder=facts.holder)
    return _skip(SkipReason.HELD, facts.holder, f"the singleton is held by the instance '{facts.holder}'")


def _skip(reason: SkipReason, holder: str, detail: str) -> Decision:
    return Decision(Act.SKIP, reason, holder, detail)


def _span(time: timedelta) -> str:
    """Days, hours and minutes; seconds only of what is shorter than a minute."""
    minutes, seconds = divmod(int(time.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if count]
    return " ".join(parts) or f"{seconds} s"
