"""The singleton's ticket in the `locks` table, changed only by compare-and-swap.

Why not a blob lease: a lease has to be renewed by somebody who may be dead, asleep or scaled in. A ticket is
held as long as its holder lives, and the task hub knows that; so it cannot wedge and nothing expires.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode

from storage.account.tables import Tables
from storage.errors import TicketChanged, TicketHeld
from storage.keys import key_text
from storage.ticket import StopMode, Ticket, TicketState

PARTITION = "singleton"

IsLive = Callable[[str], Awaitable[bool]]


class TicketStore(Protocol):
    """Where tickets lie. Both writes raise TicketChanged when somebody else was faster."""

    async def read(self, key: str) -> Ticket | None:
        """The ticket of a singleton key, or None if it was never taken."""

    async def insert(self, ticket: Ticket) -> Ticket:
        """Store the first ticket of its key; returns it with its etag."""

    async def replace(self, ticket: Ticket) -> Ticket:
        """Store `ticket` if the stored one still has `ticket.etag`; returns it with its new etag."""


async def acquire(
    store: TicketStore,
    wanted: Ticket,
    *,
    is_live: IsLive,
    grace: timedelta,
    once: bool = False,
    only: Ticket | None = None,
) -> Ticket:
    """Take the singleton of `wanted`, a ticket without epoch; returns it as it is stored, with its new epoch.

    `once` refuses also when this very instance ID was the last that was started, whatever became of it; `only` when
    the ticket has changed since it was read as this one. A ticket with the claim of `wanted` was taken by an earlier
    attempt of the same step, and is returned as it stands.
    Raises TicketHeld if its holder lives, is still starting, or if another caller was faster; also if an earlier
    attempt of the same step took it, and somebody stopped what it began.
    """
    current = only or await store.read(wanted.key)
    if current is not None:
        if current.claim == wanted.claim and current.state is not TicketState.FREE:
            return current
        was_stopped = current.stop is not StopMode.NONE
        was_started = current.state is TicketState.STARTED or was_stopped
        served = once and was_started and current.instance_id == wanted.instance_id
        served = served or (was_stopped and current.claim == wanted.claim)
        if served or await is_held(current, is_live=is_live, now=wanted.acquired_at, grace=grace):
            raise TicketHeld(wanted.key, current)
    try:
        if current is None:
            return await store.insert(replace(wanted, epoch=1))
        return await store.replace(replace(wanted, epoch=current.epoch + 1, etag=current.etag))
    except TicketChanged:
        winner = await store.read(wanted.key)
        if winner is not None and winner.claim == wanted.claim:
            return winner  # our own write, whose answer was lost and which the client library sent again
        if winner is None and only is None:  # its instance was gone for long, and a purge has deleted it in this moment
            return await acquire(store, wanted, is_live=is_live, grace=grace, once=once)
        raise TicketHeld(wanted.key, winner) from None


async def is_held(ticket: Ticket, *, is_live: IsLive, now: datetime, grace: timedelta) -> bool:
    """True while the holder may run: still starting, or alive in the task hub."""
    if ticket.state is TicketState.FREE:
        return False
    return ticket.in_grace(now, grace) or await is_live(ticket.instance_id)


async def mark_started(store: TicketStore, ticket: Ticket) -> None:
    """Say that the ticket's instance exists, so that from now on its status decides."""
    await _settle(store, ticket, TicketState.STARTED)


async def give_back(store: TicketStore, ticket: Ticket) -> None:
    """Free the ticket of an instance that could not be started; its epoch stays used up."""
    await _settle(store, ticket, TicketState.FREE)


async def _settle(store: TicketStore, ticket: Ticket, state: TicketState) -> None:
    """End the starting of this acquisition, unless that has been done; whatever else was written there stays."""
    current: Ticket | None = ticket
    while current is not None and current.claim == ticket.claim and current.state is TicketState.STARTING:
        try:
            await store.replace(replace(current, state=state))
            return
        except TicketChanged:
            # Somebody took it after our grace had passed, or the run's own claim was faster: theirs is newer.
            # Or somebody asked the run to stop: then it is still ours, and that must not be forgotten.
            current = await store.read(ticket.key)


class TableTickets:
    """TicketStore on the `locks` table."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def read(self, key: str) -> Ticket | None:
        """The ticket of a singleton key, or None if it was never taken."""
        table = await self._tables.table("locks")
        async with self._tables.faults():
            try:
                return _from_entity(await table.get_entity(PARTITION, key_text(key)))
            except ResourceNotFoundError:
                return None

    async def insert(self, ticket: Ticket) -> Ticket:
        """Store the first ticket of its key. Raises TicketChanged if there is one."""
        table = await self._tables.table("locks")
        async with self._tables.faults():
            try:
                answer = await table.create_entity(_to_entity(ticket))
            except ResourceExistsError as lost:
                raise TicketChanged(ticket.key) from lost
        return replace(ticket, etag=str(answer["etag"]))

    async def replace(self, ticket: Ticket) -> Ticket:
        """Store `ticket` if the stored one still has `ticket.etag`. Raises TicketChanged if not."""
        table = await self._tables.table("locks")
        async with self._tables.faults():
            try:
                answer = await table.update_entity(
                    _to_entity(ticket),
                    mode=UpdateMode.REPLACE,
                    etag=ticket.etag,
                    match_condition=MatchConditions.IfNotModified,
                )
            except (ResourceModifiedError, ResourceNotFoundError) as lost:
                raise TicketChanged(ticket.key) from lost
        return replace(ticket, etag=str(answer["etag"]))


def _to_entity(ticket: Ticket) -> dict[str, Any]:
    return {
        "PartitionKey": PARTITION,
        "RowKey": key_text(ticket.key),
        "key": ticket.key,
        "instance_id": ticket.instance_id,
        "epoch": ticket.epoch,
        "state": ticket.state.value,
        "acquired_at": ticket.acquired_at,
        "acquired_by": ticket.acquired_by,
        "claim": ticket.claim,
        "stop": ticket.stop.value,
        "stopped_by": ticket.stopped_by,
    }


def _from_entity(entity: Any) -> Ticket:
    return Ticket(
        key=entity["key"],
        instance_id=entity["instance_id"],
        epoch=entity["epoch"],
        state=TicketState(entity["state"]),
        acquired_at=entity["acquired_at"],
        acquired_by=entity["acquired_by"],
        claim=entity["claim"],
        etag=entity.metadata["etag"],
        stop=StopMode(entity.get("stop", "")),
        stopped_by=entity.get("stopped_by", ""),
    )
