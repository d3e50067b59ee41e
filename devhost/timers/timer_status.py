"""What is known of each timer between runs, kept in one file, and what that means at a start."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from devhost.errors import DevhostError
from devhost.timers.ncrontab import Schedule

NO_TIME = datetime.min.replace(tzinfo=UTC)
"""How the real host writes a time that never was: 0001-01-01T00:00:00+00:00."""


class TimerStatusError(DevhostError):
    """The status file cannot be read; the message names it and the cure."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}. Delete the file to forget when each timer ran last.")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True)
class TimerStatus:
    """Aware UTC times; `last` is NO_TIME until the first run, `next` is the tick that is owed."""

    last: datetime
    next: datetime
    last_updated: datetime

    def as_json(self) -> dict[str, str]:
        """The form that a function sees in `schedule_status`, and that the file holds."""
        return {
            "Last": self.last.isoformat(),
            "Next": self.next.isoformat(),
            "LastUpdated": self.last_updated.isoformat(),
        }


class RunCause(StrEnum):
    """Why a timer function runs."""

    SCHEDULE = "schedule"
    PAST_DUE = "past due"
    STARTUP = "run on startup"
    ADMIN = "host API"


@dataclass(frozen=True, slots=True)
class StartDecision:
    """What a timer does when the host starts."""

    status: TimerStatus
    is_changed: bool
    """True if `status` differs from what was recorded and must be stored."""
    run_at_once: RunCause | None


def decide_start(
    schedule: Schedule, recorded: TimerStatus | None, now: datetime, *, run_on_startup: bool
) -> StartDecision:
    """What to do at a start, given what the last host recorded (None: first start, or no monitor).

    A recorded `next` that the schedule would not give shows a changed schedule: then the status is
    re-based, and a tick of the new schedule that lies in the past is not owed.
    Source: azure-webjobs-sdk-extensions, Timers/Scheduling/ScheduleMonitor.cs, CheckPastDueAsync.
    """
    status = _first_status(schedule, now) if recorded is None else _rebased(schedule, recorded, now)
    otherwise = RunCause.STARTUP if run_on_startup else None
    cause = RunCause.PAST_DUE if now > status.next else otherwise
    return StartDecision(status, is_changed=status != recorded, run_at_once=cause)


def status_after_run(schedule: Schedule, before: TimerStatus, *, invoked_at: datetime, cause: RunCause) -> TimerStatus:
    """The status once a run that began at `invoked_at` is over, however it ended and however long it took.

    A scheduled run that began a little early counts as begun on time: otherwise its tick would repeat.
    """
    counted = max(invoked_at, before.next) if cause is RunCause.SCHEDULE else invoked_at
    return TimerStatus(last=counted, next=schedule.next_after(counted), last_updated=counted)


class TimerStatuses(Protocol):
    """What the timers need of their status store."""

    def get(self, name: str) -> TimerStatus | None:
        """The status of a timer function; None if none was ever stored."""

    def put(self, name: str, status: TimerStatus) -> None:
        """Store the status. Raises OSError."""


class TimerStatusStore:
    """The statuses of all timers of one host, in one JSON file; one host per file.

    A write replaces the whole file at once, so a host killed at any moment leaves the old or the new one.
    """

    def __init__(self, path: Path) -> None:
        """Read the file, if there is one. Raises TimerStatusError."""
        self._path = path
        self._statuses = _read_statuses(path)

    def get(self, name: str) -> TimerStatus | None:
        """The status of a timer function; None if none was ever stored."""
        return self._statuses.get(name)

    def put(self, name: str, status: TimerStatus) -> None:
        """Store the status; on return it is on the disk. Raises OSError."""
        statuses = {**self._statuses, name: status}
        document = {"timers": {key: statuses[key].as_json() for key in sorted(statuses)}}
        _replace_file(self._path, json.dumps(document, indent=2) + "\n")
        self._statuses = statuses


def _first_status(schedule: Schedule, now: datetime) -> TimerStatus:
    return TimerStatus(last=NO_TIME, next=schedule.next_after(now), last_updated=now)


def _rebased(schedule: Schedule, recorded: TimerStatus, now: datetime) -> TimerStatus:
    base = next((moment for moment in (recorded.last, recorded.last_updated) if moment != NO_TIME), now)
    expected = schedule.next_after(base)
    if recorded.next == expected:
        return recorded
    if now > expected:
        return _first_status(schedule, now)
    return TimerStatus(last=NO_TIME, next=expected, last_updated=base)


def _read_statuses(path: Path) -> dict[str, TimerStatus]:
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise TimerStatusError(path, f"the timer status cannot be read ({error})") from error
    try:
        return {name: _status(entry) for name, entry in json.loads(text)["timers"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TimerStatusError(path, f"this is not the timer status of this host ({error!r})") from error


def _status(entry: Mapping[str, str]) -> TimerStatus:
    return TimerStatus(_moment(entry["Last"]), _moment(entry["Next"]), _moment(entry["LastUpdated"]))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"'{text}' has no offset from UTC")
    return moment.astimezone(UTC)


def _replace_file(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new_path = path.with_name(f"{path.name}.new")
    with new_path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new_path.replace(path)
    # The rename itself is on the disk only when the folder is.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
