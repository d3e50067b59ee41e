"""The singleton start: every trigger starts orchestrations through here, and nowhere else.

Take the ticket, then create the instance, then say that it exists. Whoever loses a compare-and-swap, or meets a
live holder, is refused. A starter that dies in between leaves a ticket whose grace period ends by itself; one that
sleeps past it is stopped by the fence in `claim_run`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import uuid4

from orchestrations import names
from scraper import clock
from scraper.run_log import log_context, run_logger
from storage.errors import TicketHeld
from storage.ledger.hub import HubClient, is_live, is_live_status
from storage.ledger.locks import TicketStore, acquire, give_back, mark_started
from storage.ticket import Ticket, TicketState

logger = run_logger(__name__)


class StartingClient(HubClient, Protocol):
    """The part of the SDK's durable client that a start needs."""

    async def start_new(
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: Any = None
    ) -> str:
        """Create an instance; raises a plain Exception when the hub refuses."""


class RunAlreadyLive(Exception):
    """The start is refused, since the singleton has a live holder. `ticket` is None if another start just won."""

    def __init__(self, orchestrator: str, instance_id: str, ticket: Ticket | None) -> None:
        if ticket is None or ticket.instance_id == instance_id:
            text = f"An instance with ID '{instance_id}' already exists."
        else:
            text = f"'{orchestrator}' is held by the instance '{ticket.instance_id}'; only one runs at a time."
        super().__init__(text)
        self.orchestrator = orchestrator
        self.ticket = ticket


@dataclass(frozen=True, slots=True)
class Start:
    """What is to be started, and by whom (`http`, `timer`, …). `once`: not again if this ID held it last.

    `unless` is asked while we hold the ticket, when nobody else can start this ID: True ends the start there. A
    caller that has seen that an ID has not run yet asks again with it, since in between another may have run it.
    `claim` is for a step that may be repeated: the same one at every attempt, so that what an earlier attempt has
    begun is finished and not refused.
    """

    orchestrator: str
    instance_id: str
    payload: Any
    started_by: str
    once: bool = False
    unless: Callable[[], Awaitable[bool]] | None = None
    claim: str = ""


async def start_singleton(
    client: StartingClient,
    tickets: TicketStore,
    start: Start,
    *,
    grace: timedelta,
    now: datetime | None = None,
) -> Ticket:
    """Start the instance and return the ticket it runs under. Raises RunAlreadyLive, or what the hub raised."""

    async def holder_is_live(instance_id: str) -> bool:
        return await is_live(client, instance_id, of=start.orchestrator)

    wanted = Ticket(
        key=names.singleton_key(start.orchestrator, start.instance_id),
        instance_id=start.instance_id,
        state=TicketState.STARTING,
        acquired_at=now or clock.utc_now(),
        acquired_by=start.started_by,
        claim=start.claim or uuid4().hex,
    )
    try:
        ticket = await acquire(tickets, wanted, is_live=holder_is_live, grace=grace, once=start.once)
    except TicketHeld as held:
        raise RunAlreadyLive(start.orchestrator, start.instance_id, held.ticket) from held
    if ticket.state is TicketState.STARTED:
        return ticket  # an earlier attempt of this very step has done it all
    if start.unless is not None:
        await _ask_once_more(start.unless, client, tickets, start, ticket)
    await _create_instance(client, tickets, start, ticket)
    await mark_started(tickets, ticket)
    with log_context(run_id=start.instance_id if start.orchestrator == names.DAILY_SCRAPE else ""):
        logger.info(
            "started %s '%s' (epoch %d, by %s)",
            start.orchestrator,
            start.instance_id,
            ticket.epoch,
            start.started_by,
        )
    return ticket


async def _ask_once_more(
    unless: Callable[[], Awaitable[bool]], client: StartingClient, tickets: TicketStore, start: Start, ticket: Ticket
) -> None:
    """Raises RunAlreadyLive if the start shall not be; then, and without an answer, the ticket is not left starting."""
    try:
        shall_not_be = await unless()
    except Exception:
        await give_back(tickets, ticket)
        raise
    if shall_not_be:
        await _leave_to_the_instance(client, tickets, start, ticket)
        raise RunAlreadyLive(start.orchestrator, start.instance_id, ticket)


async def _create_instance(client: StartingClient, tickets: TicketStore, start: Start, ticket: Ticket) -> None:
    try:
        await client.start_new(start.orchestrator, start.instance_id, _with_epoch(start, ticket))
    except Exception as refusal:
        # The SDK has no narrower type. The instance may live all the same: started past us through the durable
        # API, or by this very call if only its answer was lost. Then the ticket rightly stays with its ID.
        status = await _leave_to_the_instance(client, tickets, start, ticket)
        if is_live_status(status, of=start.orchestrator):
            raise RunAlreadyLive(start.orchestrator, start.instance_id, ticket) from refusal
        # One of another orchestrator does not hold what we wanted; one that was there has ended in this moment.
        if is_live_status(status) or "already exists" in str(refusal):
            raise RunAlreadyLive(start.orchestrator, start.instance_id, None) from refusal
        raise


async def _leave_to_the_instance(client: StartingClient, tickets: TicketStore, start: Start, ticket: Ticket) -> Any:
    """The status of an instance that we did not create. If it lives it keeps the ticket, else that is free."""
    status = await client.get_status(start.instance_id)
    if is_live_status(status, of=start.orchestrator):
        await mark_started(tickets, ticket)  # its status decides, and no grace outlasts it
    else:
        await give_back(tickets, ticket)
    return status


def _with_epoch(start: Start, ticket: Ticket) -> Any:
    """The input: as given, except that a singleton by name learns its epoch and who started it."""
    if ticket.key != start.orchestrator:
        return start.payload
    request: Mapping[str, Any] = start.payload or {}
    return {**request, "epoch": ticket.epoch, "triggered_by": start.started_by}
