"""When the host is busy, and what happens next: exact answers, from what every part says of itself."""

import asyncio
from collections.abc import Coroutine
from datetime import datetime
from typing import Any, TypeVar

from devhost.testing.errors import HostCrashed, KitError, StillBusy, hides_frames
from devhost.testing.rig.assembly import Assembly
from devhost.testing.rig.parked_work import Work, WorkList
from devhost.testing.rig.power import PowerCut
from devhost.testing.rig.virtual_clock import VirtualClock

__tracebackhide__ = hides_frames
T = TypeVar("T")
_EAGER_TURNS = 200
_PAUSE_S = 0.001
_TURNS_TO_WAKE = 20


class Rest:
    """Waits for rest and moves the clock of one host.

    Rest means: no episode, call, request or timer function is under way, but for those that sleep on the virtual
    clock. Then nothing can happen before the clock moves or the test does something. That is asked, not guessed; how
    often it is asked matters only for code of the app that takes real time.
    """

    def __init__(self, parts: Assembly, clock: VirtualClock, *, patience_s: float) -> None:
        self._parts, self._clock, self._patience_s = parts, clock, patience_s
        self._requests = WorkList()

    @property
    def next_engine_moment(self) -> datetime | None:
        """When the next timer of an orchestration is due, a sleeping call goes on, or a message is seen again."""
        return _first(self._parts.hub.next_timer_at, self._clock.next_work_at, self._parts.next_message_at)

    @property
    def next_moment(self) -> datetime | None:
        """When anything happens by itself, timer functions included."""
        return _first(self.next_engine_moment, self._parts.timers.next_at, self._parts.listeners.next_at)

    async def settle(self) -> None:
        """Return at rest. Raises HostCrashed, StillBusy."""
        _must_be_outside()
        await self._at_rest_or_done(None)

    async def move_to(self, moment: datetime) -> None:
        """Set the clock, with nothing due in between, and settle."""
        await self._set_clock(moment)
        await self.settle()

    async def advance_to(self, moment: datetime) -> None:
        """Move the clock forward; everything that is due by then happens at its own time."""
        await self.settle()
        while (due := self.next_moment) is not None and due <= moment:
            await self.move_to(due)
        await self.move_to(moment)

    async def begin(self, start: Coroutine[Any, Any, None]) -> None:
        """Start the parts of the host; what they do later is no part of it. Raises HostCrashed."""
        await self._outcome(asyncio.ensure_future(start))
        await self.settle()

    async def carry_out(self, act: Coroutine[Any, Any, T], label: str) -> T:
        """The result of a command or request. While it sleeps and all else is at rest, the clock moves by itself."""
        try:
            _must_be_outside()
        except KitError:
            act.close()
            raise
        return await self._outcome(asyncio.ensure_future(self._as_work(act, label)))

    async def _outcome(self, doing: "asyncio.Future[T]") -> T:
        try:
            while not doing.done():
                await self._at_rest_or_done(doing)
                due = self.next_moment
                if not doing.done() and due is not None:
                    await self._set_clock(due)
            return doing.result()
        except PowerCut:
            self._must_be_up()
            raise
        finally:
            doing.cancel()

    async def _set_clock(self, moment: datetime) -> None:
        self._clock.move_to(max(self._clock.now(), moment))
        # Work with several sleeps counts as asleep although one of them has ended: let it act upon that first.
        for _ in range(_TURNS_TO_WAKE if self._clock.next_work_at is not None else 0):
            await asyncio.sleep(0)

    async def _as_work(self, act: Coroutine[Any, Any, T], label: str) -> T:
        with self._requests.doing(label):
            return await act

    async def _at_rest_or_done(self, doing: "asyncio.Future[Any] | None") -> None:
        loop = asyncio.get_running_loop()
        turns, deadline = 0, loop.time() + self._patience_s
        while not (self._is_at_rest() if doing is None else doing.done() or self._is_at_rest(doing)):
            self._end_round()
            await asyncio.sleep(0 if turns < _EAGER_TURNS else _PAUSE_S)
            turns += 1
            if loop.time() > deadline:
                raise StillBusy(self._what_is_busy())
        if doing is None or not doing.done():
            self._must_be_up()

    def _end_round(self) -> None:
        self._must_be_up()
        hub = self._parts.hub
        if self._parts.listeners.is_at_rest:
            # A message that can be seen again is looked for now, not at the next time that somebody would look.
            self._parts.wake_listeners()
        if hub.is_at_rest:
            self._parts.functions.end_round(hub.calls_under_way)

    def _must_be_up(self) -> None:
        power = self._parts.power
        if power.thrown is not None:
            thrown, power.thrown = power.thrown, None
            raise thrown
        if power.is_down:
            raise HostCrashed("The host went down, as the test wants it. Open a new one on its state.")

    def _is_at_rest(self, begun: "asyncio.Future[Any] | None" = None) -> bool:
        parts = self._parts
        parts_at_rest = (parts.hub.is_at_rest, parts.timers.is_at_rest, parts.listeners.is_at_rest)
        is_quiet = all(parts_at_rest) and not parts.has_visible_message
        only_sleep = (
            parts.hub.calls_under_way == parts.functions.work.parked_count
            and parts.timers.runs_under_way == parts.timer_work.parked_count
        )
        # A request that has not had its first turn is not in the list yet.
        has_begun = begun is None or self._requests.parked_count > 0
        return is_quiet and only_sleep and has_begun and not self._requests.busy

    def _what_is_busy(self) -> str:
        busy = [*self._parts.functions.work.busy, *self._parts.timer_work.busy, *self._requests.busy]
        what = "; ".join(busy) or "a message of a queue, or an instance whose store has failed (see the log)"
        return (
            f"Still busy after {self._patience_s:g} s of real time with {what}. A replaced activity that should take "
            "long may `await host.clock.sleep(seconds)`; patience_s of the host allows for more real time."
        )


def _must_be_outside() -> None:
    work = Work.current()
    if work is not None:
        raise KitError(
            f"The host cannot come to rest while {work.label} waits for that: only the test starts, moves and waits. "
            "A replaced activity may call its own code, or `await host.clock.sleep(seconds)`."
        )


def _first(*moments: datetime | None) -> datetime | None:
    return min((one for one in moments if one is not None), default=None)
