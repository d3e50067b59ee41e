"""The fence: may this step still work for its run?"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from orchestrations import names
from storage.ledger.hub import HubClient, is_live
from storage.store import Store
from storage.ticket import StopMode, Ticket, TicketState

WHY_NOT = "the run was ended, or a newer one has begun"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a run may still do: everything, only what it has begun (`draining`), or nothing; and why."""

    code: Literal["goes_on", "draining", "stopped", "superseded"]
    reason: str = ""

    def as_answer(self) -> dict[str, Any]:
        """What a step answers that was turned away: a run that drains begins nothing new, so it ends as stopped."""
        return {"code": "superseded" if self.code == "superseded" else "stopped", "reason": self.reason}


async def standing_of(store: Store, client: HubClient, payload: Mapping[str, Any]) -> Standing:
    """How the run of `payload` (`run_id`, `epoch`) stands, by its ticket and its orchestration.

    Terminating an orchestration does not end its children: they go on until one of their steps asks here.
    """
    ticket, run_is_live = await asyncio.gather(
        store.tickets.read(names.DAILY_SCRAPE), is_live(client, payload["run_id"], of=names.DAILY_SCRAPE)
    )
    standing = standing_by_ticket(ticket, payload)
    if standing.code in {"goes_on", "draining"} and not run_is_live:
        return Standing("superseded", WHY_NOT)
    return standing


def standing_by_ticket(ticket: Ticket | None, payload: Mapping[str, Any]) -> Standing:
    """What the ticket alone says of the run of `payload`."""
    if ticket is None or not ticket.is_of(payload["run_id"], payload["epoch"]):
        return Standing("superseded", WHY_NOT)
    if ticket.stop is StopMode.NOW:
        return Standing("stopped", ticket.why_stopped)
    if ticket.state is TicketState.FREE:
        return Standing("superseded", WHY_NOT)
    if ticket.stop is StopMode.DRAIN:
        return Standing("draining", ticket.why_stopped)
    return Standing("goes_on")


async def turned_away(store: Store, payload: Mapping[str, Any], *, otherwise: str) -> Standing:
    """Why a newer fence turned a step away: somebody stopped its run at once, or `otherwise` a newer one has begun."""
    standing = standing_by_ticket(await store.tickets.read(names.DAILY_SCRAPE), payload)
    return standing if standing.code == "stopped" else Standing("superseded", otherwise)
