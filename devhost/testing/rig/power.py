"""Whether the host is up: counts its writes, and takes it down at one of them."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import ParamSpec, TypeVar

from devhost.durable.store.database import commit
from devhost.timers.timer_status import TimerStatus, TimerStatuses

P = ParamSpec("P")
T = TypeVar("T")


class Moment(StrEnum):
    """On which side of a write the host goes down."""

    BEFORE = "before"
    """Nothing of it is stored."""
    AFTER = "after"
    """All of it is stored, but nobody has heard of it."""


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """The `number`-th write of a host, counted from 1, and the side of it."""

    number: int
    moment: Moment = Moment.BEFORE

    def __str__(self) -> str:
        return f"{self.moment} write {self.number}"


_WRITES = {
    "commit": "an episode of an orchestration",
    "record_results": "results of activities",
    "fire_timers": "due timers",
    "create": "a new instance",
    "raise_event": "an event from outside",
}


class PowerCut(BaseException):
    """Leaves a transaction. A BaseException, since no code may take it for a fault that it can handle."""


class Power:
    """Goes through every write of a host. When the host is down, whatever asks for its store waits for ever.

    So tasks of a host that is down stand still, as those of a killed process, until `release`.
    """

    def __init__(self, crash: CrashPoint | None = None) -> None:
        self.went_down = asyncio.Event()
        self.writes = 0
        self.last_write = "nothing"
        self.thrown: BaseException | None = None
        """What code under test has raised that is meant for the test, not for the app: `pytest.fail`, a time-out."""
        self._crash = crash
        self._is_released = False
        self._doing = ""

    @property
    def is_down(self) -> bool:
        """True once the crash has happened."""
        return self.went_down.is_set()

    def release(self) -> None:
        """From now on a task that asks for the store of a host that is down is cancelled, instead of waiting."""
        self._is_released = True

    def write(self, act: Callable[[], None]) -> None:
        """Do one write, unless the host goes down at it."""
        is_last = self._begin_write()
        act()
        if is_last:
            self._go_down()

    async def written(self, what: str, act: Callable[[], Awaitable[T]]) -> T:
        """Do one write to what outlives the host; if the host goes down at it, the caller never hears of it."""
        await self.must_be_up()
        self._doing = what
        try:
            is_last = self._begin_write()
            try:
                return await act()
            finally:  # also if it was refused
                if is_last:
                    self._go_down()
        except PowerCut:
            await self.must_be_up()
            raise

    def commit(self, connection: sqlite3.Connection) -> None:
        """`devhost.durable.store.database.Commit` of the host's store."""
        self.write(lambda: commit(connection))

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do it here and now, as long as the host is up."""
        await self.must_be_up()
        self._doing = getattr(call, "__name__", "")
        try:
            return call(*args, **kwargs)
        except PowerCut:
            await self.must_be_up()
            raise

    async def must_be_up(self) -> None:
        """Go on at once, or never."""
        if not self.is_down:
            return
        task = asyncio.current_task()
        if self._is_released and task is not None:
            task.cancel()
        await asyncio.get_running_loop().create_future()

    def _begin_write(self) -> bool:
        """True if it is the last write of the host."""
        if self.is_down:
            raise PowerCut
        self.writes += 1
        self.last_write = _WRITES.get(self._doing, self._doing)
        is_last = self._crash is not None and self._crash.number == self.writes
        if is_last and self._crash is not None and self._crash.moment is Moment.BEFORE:
            self._go_down()
        return is_last

    def _go_down(self) -> None:
        self.went_down.set()
        raise PowerCut


class InlineWork:
    """`devhost.background.SideWork` without a thread: the same order of everything at every run."""

    def __init__(self, power: Power) -> None:
        self._power = power

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the call returns or raises."""
        return await self._power.run(call, *args, **kwargs)

    def close(self) -> None:
        """Nothing to do."""


class MemoryStatuses:
    """`TimerStatuses` that end with the host."""

    def __init__(self) -> None:
        self._statuses: dict[str, TimerStatus] = {}

    def get(self, name: str) -> TimerStatus | None:
        """The status of a timer function, None if it has none yet."""
        return self._statuses.get(name)

    def put(self, name: str, status: TimerStatus) -> None:
        """Keep the status."""
        self._statuses[name] = status


class PoweredStatuses:
    """Another `TimerStatuses` whose writes count as writes of the host."""

    def __init__(self, statuses: TimerStatuses, power: Power) -> None:
        self._statuses, self._power = statuses, power

    def get(self, name: str) -> TimerStatus | None:
        """The status of a timer function, None if it has none yet."""
        return self._statuses.get(name)

    def put(self, name: str, status: TimerStatus) -> None:
        """Store the status."""
        self._power.write(lambda: self._statuses.put(name, status))
