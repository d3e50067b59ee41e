"""Starts that are still to come: how they are asked for, looked up and cancelled.

An orchestration of `start_later` waits for each of them. Cancelling and starting meet without a lock: the start takes
the singleton's ticket and then asks whether it was cancelled, the cancelling writes that down and then looks whether
the run has come. So at least one of the two sees the other.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, Self
from uuid import uuid4

from orchestrations import names
from scraper import clock
from starts.singleton import Start, StartingClient, start_singleton
from storage.ledger.hub import LIVE, ListingClient, decoded, is_of, live_instances
from storage.ledger.locks import TicketStore
from storage.ledger.schedule import Schedules


class LaterClient(Protocol):
    """The part of the SDK's durable client that looking up and cancelling need."""

    async def get_status(self, instance_id: str, *, show_input: bool = False) -> Any:
        """The instance's status; falsy when there is no such instance."""

    async def terminate(self, instance_id: str, reason: str) -> None:
        """End the instance."""


class ListingLaterClient(LaterClient, ListingClient, Protocol):
    """What listing needs beside that."""


@dataclass(frozen=True, slots=True)
class LaterStart:
    """The input of `start_later`: plain JSON. `due` is ISO 8601 in UTC; `claim` is unique to this start.

    `started_by` is `startAt` or `timer`. A start that `waits` is of the schedule: it tries until the singleton is
    free, and ends when the schedule is paused.
    """

    orchestrator: str
    instance_id: str
    payload: Any
    started_by: str
    due: str
    claim: str
    waits: bool = False

    @classmethod
    def of_input(cls, payload: Mapping[str, Any]) -> Self:
        """Read what `as_input` gave."""
        return cls(**{name: payload[name] for name in cls.__slots__})

    def as_input(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)

    @property
    def due_at(self) -> datetime:
        """`due`, aware."""
        return datetime.fromisoformat(self.due)


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A start as the hub shows it: `own_id` is the instance that waits, `is_waiting` False once it has ended.

    `end` is what it came to then: the output of `start_later`, or for one that the hub ended a `code` (`terminated`,
    `failed`) and a `reason` like it. `changed_at` is when the hub heard of it last.
    """

    own_id: str
    start: LaterStart
    is_waiting: bool
    is_cancelled: bool
    end: Mapping[str, Any]
    changed_at: datetime

    @property
    def due_at(self) -> datetime:
        """When the start was, or is, to happen."""
        return self.start.due_at

    @property
    def code(self) -> str:
        """What it came to: the code of its `end`, or `cancelled` unless that came too late."""
        code = str(self.end["code"])
        return "cancelled" if self.is_cancelled and code != "started" else code


async def start_later(
    client: StartingClient, tickets: TicketStore, start: Start, *, due: datetime, grace: timedelta
) -> LaterStart:
    """Let `start` happen at `due`. Raises RunAlreadyLive if a start of the same instance ID is to come already."""
    later = LaterStart(
        start.orchestrator, start.instance_id, start.payload, start.started_by, due.isoformat(), uuid4().hex
    )
    await _begin(client, tickets, later, names.later_id(start.instance_id), grace)
    return later


async def start_when_free(
    client: StartingClient, tickets: TicketStore, start: Start, *, due: datetime, grace: timedelta
) -> LaterStart:
    """Let a start of the daily scrape that was `due` happen when the singleton is free.

    This may be a step that is repeated: its claim is made of those of `start` and `due`. Raises RunAlreadyLive if
    another one waits for that.
    """
    claim = f"{start.claim}@{due.isoformat()}"
    later = LaterStart(
        start.orchestrator, start.instance_id, start.payload, start.started_by, due.isoformat(), claim, waits=True
    )
    await _begin(client, tickets, later, names.BUFFERED_SCRAPE, grace)
    return later


async def find_scheduled(client: LaterClient, schedules: Schedules, own_id: str) -> Scheduled | None:
    """The start that the instance `own_id` waits for, or has waited for; None if there was never one."""
    status = await client.get_status(own_id, show_input=True)
    return await _scheduled(schedules, status, own_id) if is_of(status, names.START_LATER) else None


async def find_waiting(client: ListingLaterClient, schedules: Schedules) -> tuple[list[Scheduled], bool]:
    """The starts that are still to come, the soonest first; False if the hub may have more than it lists at once."""
    found, is_whole = await live_instances(client, names.later_id(""), of=names.START_LATER)
    looks = [_scheduled(schedules, status, status.instance_id) for status in found]
    all_of_them = await asyncio.gather(find_scheduled(client, schedules, names.BUFFERED_SCRAPE), *looks)
    waiting = [one for one in all_of_them if one is not None and one.is_waiting]
    return sorted(waiting, key=lambda one: (one.due_at, one.own_id)), is_whole


async def _scheduled(schedules: Schedules, status: Any, own_id: str) -> Scheduled | None:
    """What an instance of `start_later` waits for, or has waited for; None if it was given no start."""
    start = _start_of(decoded(status.input_))
    if start is None:
        return None
    is_cancelled = await schedules.is_start_cancelled(start.claim)
    is_waiting = status.runtime_status in LIVE and not is_cancelled
    return Scheduled(own_id, start, is_waiting, is_cancelled, _end_of(status, own_id), status.last_updated_time)


async def find_scheduled_run(client: LaterClient, schedules: Schedules, run_id: str) -> Scheduled | None:
    """The start of this run, if it was asked for with a time, or waits for the run before it to end."""
    buffered = await find_scheduled(client, schedules, names.BUFFERED_SCRAPE)
    if buffered is not None and buffered.is_waiting and buffered.start.instance_id == run_id:
        return buffered
    asked = await find_scheduled(client, schedules, names.later_id(run_id))
    return asked if asked is not None and asked.start.orchestrator == names.DAILY_SCRAPE else None


async def cancel_scheduled(client: LaterClient, schedules: Schedules, scheduled: Scheduled, *, by: str) -> None:
    """See to it that the start does not happen from now on.

    It may have happened in this moment: then the run is live, and its ticket can be seen, when this returns.
    """
    claim, own_id = scheduled.start.claim, scheduled.own_id
    await schedules.cancel_start(claim, at=clock.utc_now(), by=by, instance_id=own_id)
    await client.terminate(scheduled.own_id, f"cancelled by {by}")


async def _begin(
    client: StartingClient, tickets: TicketStore, later: LaterStart, own_id: str, grace: timedelta
) -> None:
    waiting = Start(names.START_LATER, own_id, later.as_input(), started_by=later.started_by, claim=later.claim)
    await start_singleton(client, tickets, waiting, grace=grace)


def _start_of(value: Any) -> LaterStart | None:
    """What an instance of `start_later` was given, unless somebody gave it something else past our routes."""
    try:
        start = LaterStart.of_input(value)
        texts = (start.orchestrator, start.instance_id, start.started_by, start.claim)
        is_sound = all(isinstance(text, str) for text in texts) and not names.instance_id_problem(start.instance_id)
        return start if is_sound and start.due_at.tzinfo is not None else None
    except (KeyError, TypeError, ValueError):
        return None


def _end_of(status: Any, own_id: str) -> dict[str, Any]:
    """What `start_later` returned, or how the hub ended it."""
    output = decoded(status.output)
    if isinstance(output, dict) and "code" in output:
        return output
    ended = status.runtime_status.name.lower()
    return {"code": ended, "reason": f"the instance '{own_id}' was {ended}: {status.output}"[:1000]}
