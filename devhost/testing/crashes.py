"""Every crash that can happen to a scenario, one after the other: before and after each write of the host."""

import inspect
import itertools
import os
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devhost.testing.errors import CrashFound, HostCrashed, KitError, hides_frames
from devhost.testing.host import Host
from devhost.testing.rig.app_adapter import App
from devhost.testing.rig.functions_under_test import Fake
from devhost.testing.rig.journal import Journal
from devhost.testing.rig.power import CrashPoint, Moment

__tracebackhide__ = hides_frames
Scenario = Callable[..., Awaitable[Any]]
"""Gets an open host, and the world if there is one; returns what a crash must not change."""


@dataclass(frozen=True, slots=True)
class CrashReport:
    """How much was tried: `crashes` is twice `writes` unless a second life wrote more or less than the first."""

    writes: int
    crashes: int
    outcome: Any
    """What the undisturbed scenario returned, as did every other one."""


def survive_every_crash(
    app: App,
    scenario: Scenario,
    *,
    world: Callable[[], Any] | None = None,
    check: Callable[[Any], None] | None = None,
    activities: Mapping[str, Fake] | None = None,
    settings: Mapping[str, str] | None = None,
    script_root: Path | str | None = None,
) -> Coroutine[Any, Any, CrashReport]:
    """To be awaited: run the scenario once undisturbed, then once for every crash: it must always return the same.

    After a crash a new host opens on the state of the old one, and the scenario runs again from its first line.
    Commands that were carried out before the crash are not repeated; a request without an answer is, as a client
    would do it. `world` makes what lives outside the host (a mailbox, a data base); it is new for every crash and
    outlives the crash. `check` looks at each outcome; the other options are those of Host.

    Raises CrashFound, and at once, awaited or not, KitError for a scenario that is not `async def`.
    """
    if not inspect.iscoroutinefunction(inspect.unwrap(scenario)):
        raise KitError(
            f"The scenario {getattr(scenario, '__name__', scenario)!r} must be a coroutine function: write `async def` "
            "and await the calls of its host. A plain test runs it by `asyncio.run(survive_every_crash(...))`."
        )
    options = {"activities": activities, "settings": settings, "script_root": script_root}
    return _survive(_Trial(app, scenario, world, options), check)


async def _survive(trial: "_Trial", check: Callable[[Any], None] | None) -> CrashReport:
    outcome, writes = await trial.undisturbed()
    if check is not None:
        check(outcome)
    for crashes, point in enumerate(_every_point()):
        try:
            ended = await trial.disturbed(point)
            if ended is not None and check is not None:
                check(ended.outcome)
        except Exception as error:
            raise CrashFound(f"A crash {point} breaks the scenario: {type(error).__name__}: {error}") from error
        if ended is None:
            return CrashReport(writes, crashes, outcome)
        if ended.outcome != outcome:
            raise CrashFound(
                f"A crash {point} ({ended.written}) changes the outcome.\n"
                f"  undisturbed: {outcome!r}\n  after the crash: {ended.outcome!r}\n{await trial.advice(outcome)}"
            )
    raise AssertionError("there is always one more point")


def _every_point() -> Iterator[CrashPoint]:
    for number in itertools.count(1):
        yield from (CrashPoint(number, moment) for moment in Moment)


def _new_folder() -> "tempfile.TemporaryDirectory[str]":
    """In memory where there is such a place: the state must outlive a host, not the machine."""
    shared_memory = Path("/dev/shm")  # noqa: S108  (TemporaryDirectory makes a private folder in it)
    return tempfile.TemporaryDirectory(dir=shared_memory if os.access(shared_memory, os.W_OK) else None)


_NOT_THE_CRASH = (
    "It changes without a crash, too: something of one run is still there in the next. Make it in `world`, which is "
    "new for every run, or take it out of the scenario's outcome."
)
_ADVICE = (
    "An activity runs again when the host goes down before its result is stored, and so does the function of a "
    "message that was not deleted, once the message can be seen again. Make it safe to repeat: "
    "write under a key that its input determines, or look first whether it is done."
)


@dataclass(frozen=True, slots=True)
class _Ended:
    outcome: Any
    written: str


class _Trial:
    def __init__(
        self, app: App, scenario: Scenario, world: Callable[[], Any] | None, options: Mapping[str, Any]
    ) -> None:
        self._app, self._scenario, self._world, self._options = app, scenario, world, options

    async def undisturbed(self) -> tuple[Any, int]:
        """The outcome, and how many writes it took."""
        with _new_folder() as folder:
            async with self._host(folder) as host:
                outcome = await self._scenario(host, *self._new_world())
                return outcome, host.writes

    async def advice(self, outcome: Any) -> str:
        """What to do about another outcome than that of the first undisturbed run."""
        again, _ = await self.undisturbed()
        return _ADVICE if again == outcome else _NOT_THE_CRASH

    async def disturbed(self, point: CrashPoint) -> _Ended | None:
        """The outcome in spite of a crash; None if the scenario ends before it comes to that write."""
        journal, world = Journal(), self._new_world()
        with _new_folder() as folder:
            first = self._host(folder, crash=point, journal=journal)
            try:
                async with first as host:
                    await self._scenario(host, *world)
                return None
            except HostCrashed:
                journal.begin_anew()
            async with self._host(folder, after=first, journal=journal) as host:
                return _Ended(await self._scenario(host, *world), first.last_write)

    def _host(self, folder: str, **options: Any) -> Host:
        return Host(self._app, state_dir=folder, **self._options, **options)

    def _new_world(self) -> tuple[Any, ...]:
        return () if self._world is None else (self._world(),)
