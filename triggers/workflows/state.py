"""Where a workflow stands: asked of its ticket and of the task hub, both by its key, so nothing is searched."""

import asyncio
import json
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

from orchestrations import names
from orchestrations.workflow_request import BadWorkflow, WorkflowRequest, workflow_id, workflow_request
from scraper import clock
from storage.ledger.hub import LIVE, is_of
from storage.ledger.locks import TicketStore
from storage.ticket import Ticket

PATIENCE: Final = timedelta(seconds=5)
POLL_S: Final = 0.05


class Phase(StrEnum):
    """What can be said of a key."""

    ABSENT = "absent"  # never started, or purged since
    STARTING = "starting"  # a start has won the key and is about to create the instance
    LIVE = "live"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class WorkflowState:
    """A workflow as it is. `status` is the hub's, of the generation before while the phase is STARTING."""

    key: str
    phase: Phase
    status: Any = None
    ticket: Ticket | None = None

    @property
    def document(self) -> dict[str, Any]:
        """The instance's input as it was given; empty if it is no JSON object."""
        stored = self.status.input_ if self.status else None
        try:
            document = json.loads(stored) if isinstance(stored, str) else stored
        except (ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}

    @property
    def request(self) -> WorkflowRequest | None:
        """What the workflow waits for; None if its input is of no use, which makes it fail."""
        try:
            return workflow_request(self.document)
        except BadWorkflow:
            return None

    @property
    def outcome(self) -> str | None:
        """How it ended: its own word (`completed`, `timed_out`), or `failed`, `terminated`; None while it may go on."""
        if self.phase is not Phase.ENDED:
            return None
        output = self.status.output
        told = output.get("outcome") if isinstance(output, dict) else None
        return str(told or self.status.runtime_status.name.lower())


class StatusClient(Protocol):
    """The part of the SDK's durable client that a look needs."""

    async def get_status(self, instance_id: str, *, show_history: bool = False, show_input: bool = False) -> Any:
        """The instance's status; falsy when there is no such instance."""


async def workflow_state(
    client: StatusClient, tickets: TicketStore, key: str, *, grace: timedelta, show_history: bool = False
) -> WorkflowState:
    """Where the workflow stands now.

    The ticket is read before the status. So whoever was told "already started" by a start that lost finds the
    winner's ticket or, if that says the instance exists, the instance: never a workflow that is not there yet.
    """
    ticket = await tickets.read(names.singleton_key(names.WORKFLOW, workflow_id(key)))
    status = await client.get_status(workflow_id(key), show_history=show_history, show_input=True)
    if not is_of(status, names.WORKFLOW):
        status = None
    if status is not None and status.runtime_status in LIVE:
        return WorkflowState(key, Phase.LIVE, status, ticket)
    if ticket is not None and ticket.in_grace(clock.utc_now(), grace):
        return WorkflowState(key, Phase.STARTING, status, ticket)
    return WorkflowState(key, Phase.ABSENT if status is None else Phase.ENDED, status, ticket)


async def settled_state(client: StatusClient, tickets: TicketStore, key: str, *, grace: timedelta) -> WorkflowState:
    """As `workflow_state`, but waits a little for a start that is on its way; STARTING only if that takes too long."""
    given_up_at = asyncio.get_running_loop().time() + PATIENCE.total_seconds()
    while True:
        state = await workflow_state(client, tickets, key, grace=grace)
        if state.phase is not Phase.STARTING or asyncio.get_running_loop().time() > given_up_at:
            return state
        await asyncio.sleep(POLL_S)
