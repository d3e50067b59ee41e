"""Runs timer functions when they are due: one loop per timer, which only waits, calls and records."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from devhost.clock import Clock
from devhost.errors import DevhostError
from devhost.timers.ncrontab import Schedule, next_occurrences, parse_schedule
from devhost.timers.timer_status import (
    RunCause,
    StartDecision,
    TimerStatus,
    TimerStatuses,
    decide_start,
    status_after_run,
)

UTC_NAMES = frozenset({"", "utc", "etc/utc", "utc0", "gmt", "etc/gmt", "zulu", "universal"})


class UnknownTimer(DevhostError):
    """No timer function has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no timer function '{name}'.")
        self.name = name


@dataclass(frozen=True, slots=True)
class TimerFunction:
    """A function with a timer trigger; `schedule` is the text with its %SETTING% resolved."""

    name: str
    schedule: str
    run_on_startup: bool = False
    use_monitor: bool = True
    is_disabled: bool = False
    """It has no schedule of its own then, and runs through `run_now` only."""


@dataclass(frozen=True, slots=True)
class TimerInfo:
    """One run of a timer function."""

    payload_json: str
    """What the worker decodes into `func.TimerRequest`."""
    reason: str
    """For the log line that announces the run."""
    is_past_due: bool


class TimerLoop:
    """The timers of one host. A timer never overlaps itself; a run through `run_now` is apart from that."""

    def __init__(
        self,
        timers: Sequence[TimerFunction],
        *,
        invoke: Callable[[TimerFunction, TimerInfo], Awaitable[None]],
        status: TimerStatuses,
        clock: Clock,
        logger: logging.Logger,
    ) -> None:
        """Raises ScheduleError if a schedule is not valid: check with `parse_schedule` while loading."""
        self._timers = [
            _Timer(function, parse_schedule(function.schedule), invoke, status, clock, logger) for function in timers
        ]
        self._live: list[_Timer] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._logger = logger

    async def start(self) -> None:
        """Decide what each timer owes, then let them run; returns before any function has been called."""
        self._live = [timer for timer in self._timers if not timer.function.is_disabled]
        for timer in self._live:
            timer.prepare()
        self._tasks = [asyncio.create_task(timer.live(), name=f"timer {timer.function.name}") for timer in self._live]

    @property
    def is_at_rest(self) -> bool:
        """True if no timer function is due; one that is due again while it runs waits for the end of the run."""
        return all(timer.is_at_rest for timer in self._live)

    @property
    def runs_under_way(self) -> int:
        """How many scheduled runs are under way."""
        return sum(timer.is_running for timer in self._live)

    @property
    def next_at(self) -> datetime | None:
        """When the next timer function is due; None if there is none with a schedule."""
        return min((timer.next_at for timer in self._live if not timer.is_running), default=None)

    async def stop(self, *, grace_s: float = 2.0) -> None:
        """No further run begins; runs under way get `grace_s` seconds, then are cancelled.

        A run that is cut has not advanced its status, so the next start finds it past due. A second stop,
        or one before the start, does nothing.
        """
        if not self._tasks:
            return
        for timer, task in zip(self._live, self._tasks, strict=True):
            timer.is_stopping = True
            if not timer.is_running:
                task.cancel()
        tasks, self._tasks = self._tasks, []
        _, late = await asyncio.wait(tasks, timeout=grace_s)
        for task in late:
            task.cancel()
        for end in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(end, Exception):
                self._logger.error("A timer had stopped by itself.", exc_info=end)

    async def run_now(self, name: str) -> None:
        """Run a timer function once, to its end; its schedule and status stay as they are.

        Names compare ignoring case. A failure of the function is logged, not raised. Raises UnknownTimer.
        """
        for timer in self._timers:
            if timer.function.name.lower() == name.lower():
                await timer.run_once(RunCause.ADMIN)
                return
        raise UnknownTimer(name)


class _Timer:
    """One timer function, its schedule and its present status."""

    def __init__(
        self,
        function: TimerFunction,
        schedule: Schedule,
        invoke: Callable[[TimerFunction, TimerInfo], Awaitable[None]],
        store: TimerStatuses,
        clock: Clock,
        logger: logging.Logger,
    ) -> None:
        self.function = function
        self.is_running = False
        self.is_stopping = False
        self._schedule = schedule
        self._invoke = invoke
        self._store = store if function.use_monitor and not schedule.is_sub_minute else None
        self._clock = clock
        self._logger = logger
        self._status: TimerStatus | None = None
        self._run_at_once: RunCause | None = None

    @property
    def next_at(self) -> datetime:
        """The tick that is waited for."""
        return self._present_status().next

    @property
    def is_at_rest(self) -> bool:
        """True if the function is running, or not due."""
        return self.is_running or (self._run_at_once is None and self.next_at > self._clock.now())

    def prepare(self) -> None:
        """Find out what is owed, and record a first or changed status."""
        self.is_stopping = False
        now = self._clock.now()
        decision = self._decide(now)
        self._status, self._run_at_once = decision.status, decision.run_at_once
        if decision.is_changed:
            self._record(decision.status)
        if self._logger.isEnabledFor(logging.INFO):
            ticks = next_occurrences(self._schedule, now, 5)
            self._logger.info(
                "The next %d occurrences of '%s' (%s, UTC):%s",
                len(ticks),
                self.function.name,
                self._schedule.expression,
                "".join(f"\n{tick:%Y-%m-%d %H:%M:%S}Z" for tick in ticks),
            )

    def _decide(self, now: datetime) -> StartDecision:
        recorded = None if self._store is None else self._store.get(self.function.name)
        return decide_start(self._schedule, recorded, now, run_on_startup=self.function.run_on_startup)

    async def live(self) -> None:
        """Run the function whenever it is due, until cancelled or told to stop."""
        if self._run_at_once is not None:
            await self._run_and_advance(self._run_at_once)
            self._run_at_once = None
        while not self.is_stopping:
            await self._clock.sleep_until(self._present_status().next)
            await self._run_and_advance(RunCause.SCHEDULE)

    async def run_once(self, cause: RunCause) -> None:
        """Call the function with the present status; what it raises is logged."""
        name = self.function.name
        try:
            await self._invoke(self.function, self._timer_info(cause))
        except DevhostError as error:
            self._logger.error("The timer function '%s' failed: %s", name, error)
        except Exception:
            self._logger.exception("The timer function '%s' could not be run.", name)

    async def _run_and_advance(self, cause: RunCause) -> None:
        before = self._present_status()
        invoked_at = self._clock.now()
        self.is_running = True
        try:
            await self.run_once(cause)
            self._status = status_after_run(self._schedule, before, invoked_at=invoked_at, cause=cause)
            self._record(self._status)
        finally:
            self.is_running = False

    def _record(self, status: TimerStatus) -> None:
        # Written on the loop: a monitored timer ticks at most about once a minute, and a run is only
        # over once its status is on the disk.
        if self._store is None:
            return
        try:
            self._store.put(self.function.name, status)
        except OSError:
            # The timer goes on; a later host would only repeat a run, which functions must bear anyway.
            self._logger.exception("The status of the timer '%s' could not be written.", self.function.name)

    def _timer_info(self, cause: RunCause) -> TimerInfo:
        is_past_due = cause is RunCause.PAST_DUE
        status = None if self._store is None else self._present_status()
        if cause is RunCause.ADMIN:
            reason = "Called through the host API."
        else:
            reason = f"Timer fired at {self._clock.now().isoformat()}"
        payload = timer_payload(self._schedule, status, is_past_due=is_past_due)
        return TimerInfo(payload, reason, is_past_due)

    def _present_status(self) -> TimerStatus:
        if self._status is None:  # run_now before the start, or of a disabled timer: neither records anything
            return self._decide(self._clock.now()).status
        return self._status


def timer_payload(schedule: Schedule, status: TimerStatus | None, *, is_past_due: bool) -> str:
    """The trigger value as JSON text; `status` is the one before this run, None without a monitor.

    Source: azure-functions, timer.py, TimerRequestConverter; azure-webjobs-sdk-extensions, TimerInfo.cs.
    """
    return json.dumps(
        {
            "Schedule": {"AdjustForDST": schedule.adjusts_for_dst},
            "ScheduleStatus": None if status is None else status.as_json(),
            "IsPastDue": is_past_due,
        }
    )


def time_zone_warnings(environ: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for each variable that asks for another time zone than UTC, which is always used."""
    return tuple(
        f"{name}={environ[name]} is ignored: schedules are in UTC here, as on plans without time zone support."
        for name in ("TZ", "WEBSITE_TIME_ZONE")
        if environ.get(name, "").lower().lstrip(":") not in UTC_NAMES
    )
