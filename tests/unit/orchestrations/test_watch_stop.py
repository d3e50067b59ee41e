"""The watch and its stop event, in every order in which they can meet: it is never lost, and starts no run in vain."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from devhost.durable import protocol
from devhost.durable.instance import RuntimeStatus
from orchestrations.watch_source import watch_source
from tests.helpers.durable_driver import RULES, Driver

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")
TIMER, CHILD = 0, 1  # the order in which an execution creates them


class WatchDriver(Driver):
    """The watch of `books`, hourly; nothing has been run yet."""

    def __init__(self) -> None:
        request = {"source": "books", "intervalMinutes": 60}
        rules = replace(RULES, orchestrator_names=("daily_scrape",))
        super().__init__(watch_source, json.dumps(request), rules, instance_id="watch:books")

    def stop(self) -> None:
        self.raise_event("stop")

    def tick(self) -> None:
        self.fire(TIMER)

    def end_of_run(self) -> None:
        self.deliver(protocol.child_completed(self.now, CHILD, json.dumps({"outcome": "completed"})))

    @property
    def runs(self) -> int:
        return sum(len(result.effects.children) for result in self.results)

    @property
    def output(self) -> dict[str, object]:
        assert self.status is RuntimeStatus.COMPLETED, self.status
        found: dict[str, object] = json.loads(self.last.output_text or "null")
        return found


def before_it_has_begun(watch: WatchDriver) -> None:
    watch.stop()
    watch.run()


def while_it_waits(watch: WatchDriver) -> None:
    watch.run()
    watch.stop()
    watch.run()


def just_before_the_timer(watch: WatchDriver) -> None:
    watch.run()
    watch.stop()
    watch.tick()
    watch.run()


def just_after_the_timer(watch: WatchDriver) -> None:
    watch.run()
    watch.tick()
    watch.stop()
    watch.run()
    watch.end_of_run()
    watch.run()


def while_it_scrapes(watch: WatchDriver) -> None:
    watch.run()
    watch.tick()
    watch.run()
    watch.stop()
    watch.run()
    watch.end_of_run()
    watch.run()


def just_before_the_end_of_the_run(watch: WatchDriver) -> None:
    watch.run()
    watch.tick()
    watch.run()
    watch.stop()
    watch.end_of_run()
    watch.run()


def just_after_the_end_of_the_run(watch: WatchDriver) -> None:
    watch.run()
    watch.tick()
    watch.run()
    watch.end_of_run()
    watch.stop()
    watch.run()


def between_two_executions(watch: WatchDriver) -> None:
    watch.run()
    watch.tick()
    watch.run()
    watch.end_of_run()
    watch.run_episode()
    assert watch.status is RuntimeStatus.CONTINUED_AS_NEW
    watch.stop()
    watch.run()


def while_it_waits_for_the_second_run(watch: WatchDriver) -> None:
    watch.run()
    watch.tick()
    watch.run()
    watch.end_of_run()
    watch.run()
    watch.stop()
    watch.run()


@pytest.mark.parametrize(
    ("moment", "runs"),
    [
        (before_it_has_begun, 0),
        (while_it_waits, 0),
        (just_before_the_timer, 0),
        (just_after_the_timer, 1),
        (while_it_scrapes, 1),
        (just_before_the_end_of_the_run, 1),
        (just_after_the_end_of_the_run, 1),
        (between_two_executions, 1),
        (while_it_waits_for_the_second_run, 1),
    ],
    ids=lambda value: value.__name__ if callable(value) else str(value),
)
def test_a_stop_ends_the_watch_at_every_moment(moment: Callable[[WatchDriver], None], runs: int) -> None:
    watch = WatchDriver()
    moment(watch)
    last = "completed" if runs else ""
    assert watch.output == {"code": "stopped", "source": "books", "runs": runs, "last": last}
    assert watch.runs == runs


@pytest.mark.filterwarnings("ignore:Potential duplicate Task completion for TaskId. stop:UserWarning")
def test_a_second_stop_changes_nothing() -> None:
    watch = WatchDriver()
    watch.run()
    watch.tick()
    watch.run()
    watch.stop()
    watch.stop()
    watch.end_of_run()
    watch.run()
    assert watch.output["runs"] == 1


def test_without_a_stop_it_goes_on() -> None:
    watch = WatchDriver()
    watch.run()
    watch.tick()
    watch.run()
    watch.end_of_run()
    watch.run_episode()
    assert watch.status is RuntimeStatus.CONTINUED_AS_NEW
    watch.run()
    assert watch.status is RuntimeStatus.RUNNING
    assert watch.runs == 1
