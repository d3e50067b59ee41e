"""What a watch has to do and when: its input checked, and the arithmetic of its times."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from orchestrations import names

MOST_MINUTES: Final = 43_200  # thirty days
SHORTEST: Final = timedelta(seconds=1)
LONGEST_PAUSE: Final = timedelta(minutes=10)
HELD: Final = "held"  # the outcome of a run that met another one


class WatchRefused(Exception):
    """An input or instance ID that no watch can have; the message names it and says what to give."""


@dataclass(frozen=True, slots=True)
class Watch:
    """One source that is scraped every `interval`.

    `due` is the planned time of the next run, aware, in UTC; `runs` counts those that are over, without those that were
    held; `last` is the outcome of the newest, empty before the first.
    """

    source: str
    minutes: float
    due: datetime
    runs: int = 0
    last: str = ""

    @property
    def interval(self) -> timedelta:
        """The time between two planned runs; a second at least."""
        return max(timedelta(minutes=self.minutes), SHORTEST)

    def after_run(self, outcome: str, *, now: datetime) -> "Watch":
        """The watch after a run that is over `now`: due at the next time of the plan that is still to come.

        One that met another run is due again after a twentieth of the interval, and the plan counts from then. Were it
        left out, of two watches with the same times one would never run.
        """
        if outcome == HELD:
            return replace(self, due=now + min(max(self.interval / 20, SHORTEST), LONGEST_PAUSE), last=outcome)
        passed = max((now - self.due) // self.interval, 0)
        return replace(self, due=self.due + (passed + 1) * self.interval, runs=self.runs + 1, last=outcome)

    def as_input(self) -> dict[str, Any]:
        """What the next execution gets; `read_watch` makes the same watch of it."""
        plan = {"due": self.due.isoformat(), "runs": self.runs, "last": self.last}
        return {"source": self.source, "intervalMinutes": self.minutes, "plan": plan}


def read_watch(request: Any, instance_id: str, *, now: datetime) -> Watch:
    """The watch of an input: `source`, `intervalMinutes`, and `plan` from the execution before; else it is due `now`.

    Raises WatchRefused.
    """
    if not isinstance(request, Mapping):
        raise WatchRefused("the input must be an object with 'source' and 'intervalMinutes'")
    source, minutes = request.get("source"), request.get("intervalMinutes")
    if not isinstance(source, str) or not source:
        raise WatchRefused("'source' must be the name of a source")
    if not isinstance(minutes, int | float) or isinstance(minutes, bool) or not 0 < minutes <= MOST_MINUTES:
        raise WatchRefused(f"'intervalMinutes' must be a number above 0 and at most {MOST_MINUTES:,}")
    if instance_id != names.watch_id(source):
        raise WatchRefused(f"the watch of '{source}' must have the instance ID '{names.watch_id(source)}'")
    problem = names.run_id_problem(run_id(instance_id, now))
    if problem:
        raise WatchRefused(f"'source' cannot be a part of a run's ID: {problem}")
    return _with_plan(Watch(source, minutes, now), request.get("plan"))


def run_id(instance_id: str, now: datetime) -> str:
    """The ID of the run that a watch starts now; no other has it, since a watch starts one at a time."""
    return f"{instance_id}:{now:%Y%m%dT%H%M%S.%f}Z"


def _with_plan(watch: Watch, plan: Any) -> Watch:
    if plan is None:
        return watch
    try:
        due = datetime.fromisoformat(plan["due"]).astimezone(UTC)
        return replace(watch, due=due, runs=int(plan["runs"]), last=str(plan["last"]))
    except (TypeError, KeyError, ValueError, OverflowError) as error:
        raise WatchRefused("'plan' is not for callers: leave it out") from error
