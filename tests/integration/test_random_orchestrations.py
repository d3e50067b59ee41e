"""Random orchestrations, disturbed by order, batching and crashes, end as the undisturbed ones do."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devhost.testing import CrashPoint, Host, HostCrashed, Moment
from tests.helpers.random_programs import ACCOUNTS, Program, account, perform, programs, sometimes

pytestmark = [
    # The SDK about an event that comes before its wait, and about itself.
    pytest.mark.filterwarnings("ignore:Potential duplicate Task completion for TaskId. event:UserWarning"),
    pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning"),
]

ROOT = "root"
MAX_ROUNDS = 400
LIVE = {"Pending", "Running"}


def make_app() -> df.DFApp:
    app = df.DFApp()
    app.orchestration_trigger(context_name="context")(perform)
    app.orchestration_trigger(context_name="context")(sometimes)
    app.entity_trigger(context_name="context")(account)

    def add_activity(name: str) -> None:
        @app.function_name(name)
        @app.activity_trigger(input_name="payload")
        def replaced(payload: dict) -> Any:
            raise AssertionError(f"{name} is replaced in every run")

    for name in ("work", "fail", "fail_at_first"):
        add_activity(name)
    return app


APP = make_app()


@dataclass
class Run:
    """One program from start to end; `dice` disturb it, None leaves it alone."""

    program: Program
    folder: Path
    dice: random.Random | None
    crashes: int = 0
    host: Host = field(init=False)

    async def to_its_end(self) -> dict[str, Any]:
        """Outputs of all instances with an ID that the program determines, and the totals of the entities."""
        previous: Host | None = None
        while True:
            self.host = self._new_host(previous)
            try:
                async with self.host:
                    await self._go_on()
                    return await self._final_state()
            except HostCrashed:
                self.crashes += 1
                previous = self.host

    def _new_host(self, previous: Host | None) -> Host:
        crash = None
        if self.dice is not None and self.crashes < 6 and self.dice.random() < 0.8:
            crash = CrashPoint(self.dice.randint(1, 25), self.dice.choice(list(Moment)))
        fakes = {"work": self._work, "fail": self._fail, "fail_at_first": self._fail_at_first}
        return Host(APP, state_dir=self.folder, activities=fakes, crash=crash, after=previous)

    async def _go_on(self) -> None:
        if not await self.host.instances():
            start = {"program": self.program, "values": [], "generation": 0}
            await self.host.start("perform", start, instance_id=ROOT)
        for _ in range(MAX_ROUNDS):
            live = [one for one in await self.host.instances() if one.runtime_status in LIVE and one.name == "perform"]
            if not live:
                return
            for one in live:
                await self._raise_events(one.instance_id, one.custom_status or [])
            await self.host.advance(seconds=self.dice.randint(1, 15) if self.dice else 60)
        raise AssertionError(f"still live after {MAX_ROUNDS} rounds: {live}")

    async def _raise_events(self, instance_id: str, names: list[str]) -> None:
        """All of them, again and again: one that comes twice, or to an instance that has ended, changes nothing."""
        if self.dice is not None:
            names = [name for name in self.dice.sample(names, len(names)) if self.dice.random() < 0.5]
        for name in names:
            if (await self.host.status(instance_id)).runtime_status in LIVE:
                await self.host.raise_event(instance_id, name, name)

    async def _final_state(self) -> dict[str, Any]:
        ended = [one for one in await self.host.instances() if one.instance_id.startswith(ROOT)]
        state = {one.instance_id: (one.runtime_status, one.output) for one in ended}
        return state | {name: await self.host.entity_state("account", name) for name in ACCOUNTS}

    async def _sleep(self, seconds: float) -> None:
        if self.dice is not None:
            await self.host.clock.sleep(seconds)

    async def _work(self, payload: dict[str, Any]) -> Any:
        await self._sleep(payload["delay"])
        return payload["value"]

    async def _fail(self, payload: dict[str, Any]) -> Any:
        await self._sleep(payload["delay"])
        raise ValueError("on purpose")

    async def _fail_at_first(self, payload: dict[str, Any]) -> Any:
        """Counts what is recorded, not how often it is called: a call that a crash has cut is made again."""
        await self._sleep(payload["delay"])
        text = f"{payload['key']} on purpose"
        if recorded_failures(self.folder, text) < payload["failures"]:
            raise ValueError(text)
        return "at last"


def recorded_failures(folder: Path, text: str) -> int:
    """How many attempts of this call have failed for good."""
    (path,) = folder.glob("*.sqlite")
    with closing(sqlite3.connect(path)) as db:
        stored = [*db.execute("SELECT events FROM history"), *db.execute("SELECT event FROM inbox")]
    return sum(events.count(f"failed:  ValueError: {text}") for (events,) in stored)


async def outcome(program: Program, dice: random.Random | None) -> tuple[dict[str, Any], int]:
    with tempfile.TemporaryDirectory() as folder:
        run = Run(program, Path(folder), dice)
        return await run.to_its_end(), run.crashes


def check_program(program: Program, seed: int, tally: dict[str, int]) -> None:
    undisturbed, _ = asyncio.run(outcome(program, None))
    disturbed, crashes = asyncio.run(outcome(program, random.Random(seed)))
    assert disturbed == undisturbed
    tally["programs"] += 1
    tally["crashes"] += crashes
    tally["instances"] += len(undisturbed) - len(ACCOUNTS)


@pytest.fixture
def tally() -> Iterator[dict[str, int]]:
    counts = {"programs": 0, "crashes": 0, "instances": 0}
    yield counts
    print("random orchestrations:", ", ".join(f"{count} {what}" for what, count in counts.items()))


ANY_PROGRAM = {"program": programs(), "seed": st.integers(0, 2**32)}
# The tally is for all examples together, on purpose.
CHECKS = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.large_base_example]
SHORT = settings(max_examples=40, deadline=None, suppress_health_check=CHECKS)
LONG = settings(SHORT, max_examples=3000)


@SHORT
@given(**ANY_PROGRAM)
def test_disturbed_orchestrations_end_as_the_undisturbed_ones_do(
    tally: dict[str, int], program: Program, seed: int
) -> None:
    check_program(program, seed, tally)


@pytest.mark.long
@pytest.mark.timeout(7200)
@LONG
@given(**ANY_PROGRAM)
def test_thousands_of_orchestrations_that_crash_end_as_the_undisturbed_ones_do(
    tally: dict[str, int], program: Program, seed: int
) -> None:
    check_program(program, seed, tally)
