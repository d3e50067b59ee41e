"""A ticket store and a task hub in memory, which give the turn away before every call."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from azure.durable_functions import OrchestrationRuntimeStatus as Status

from scraper import clock
from storage.errors import TicketChanged
from storage.ledger.hub import LIVE
from storage.ticket import Ticket
from tests.helpers.interleaving import Pause


class MemoryTickets:
    """TicketStore in memory; held to the same contract as the table by tests/integration/test_ticket_stores.py."""

    def __init__(self) -> None:
        self.tickets: dict[str, Ticket] = {}
        self._version = 0

    async def read(self, key: str) -> Ticket | None:
        await Pause()
        return self.tickets.get(key)

    async def insert(self, ticket: Ticket) -> Ticket:
        await Pause()
        if ticket.key in self.tickets:
            raise TicketChanged(ticket.key)
        return self._stored(ticket)

    async def replace(self, ticket: Ticket) -> Ticket:
        await Pause()
        current = self.tickets.get(ticket.key)
        if current is None or current.etag != ticket.etag:
            raise TicketChanged(ticket.key)
        return self._stored(ticket)

    def _stored(self, ticket: Ticket) -> Ticket:
        self._version += 1
        self.tickets[ticket.key] = replace(ticket, etag=f"v{self._version}")
        return self.tickets[ticket.key]


@dataclass
class HubInstance:
    runtime_status: Status
    payload: Any
    output: Any = None
    last_updated_time: datetime | None = None
    name: str = "daily_scrape"
    created_time: datetime = field(default_factory=clock.utc_now)
    custom_status: Any = None
    instance_id: str = ""
    """Only in a list of instances."""

    def end(self) -> None:
        """It runs to its end, unless somebody has ended it."""
        if self.runtime_status is Status.Running:
            self.runtime_status = Status.Completed


class HubRefusal(Exception):
    """The real client raises plain Exception."""


class MemoryHub:
    """The durable client's part that starts and stops need: refuses live IDs, as the real hub does."""

    def __init__(self) -> None:
        self.instances: dict[str, HubInstance] = {}

    async def get_status(self, instance_id: str, *, show_input: bool = False) -> Any:
        await Pause()
        return self.instances.get(instance_id)

    async def start_new(
        self, orchestration_function_name: str, instance_id: str | None = None, client_input: Any = None
    ) -> str:
        await Pause()
        assert instance_id is not None
        current = self.instances.get(instance_id)
        if current is not None and current.runtime_status in LIVE:
            raise HubRefusal({"Message": "An Orchestration instance with the status Running already exists."})
        self.instances[instance_id] = HubInstance(Status.Running, client_input, name=orchestration_function_name)
        return instance_id

    async def terminate(self, instance_id: str, reason: str) -> None:
        await Pause()
        if instance_id not in self.instances:
            raise HubRefusal(f"No instance with ID '{instance_id}' found.")
        if self.instances[instance_id].runtime_status in LIVE:
            self.instances[instance_id].runtime_status = Status.Terminated

    async def get_status_by(
        self,
        created_time_from: datetime | None = None,
        created_time_to: datetime | None = None,
        runtime_status: Sequence[Status] | None = None,
    ) -> list[HubInstance]:
        """The first hundred, as the real one; by their time of creation."""
        await Pause()
        names = self._created(created_time_from, created_time_to, runtime_status)[:100]
        return [replace(self.instances[name], instance_id=name) for name in names]

    async def purge_instance_history(self, instance_id: str) -> Any:
        await Pause()
        return SimpleNamespace(instances_deleted=int(self.instances.pop(instance_id, None) is not None))

    async def purge_instance_history_by(
        self,
        created_time_from: datetime | None = None,
        created_time_to: datetime | None = None,
        runtime_status: Sequence[Status] | None = None,
    ) -> Any:
        await Pause()
        assert runtime_status, "the real one would delete live instances"
        gone = self._created(created_time_from, created_time_to, runtime_status)
        for name in gone:
            del self.instances[name]
        return SimpleNamespace(instances_deleted=len(gone))

    def _created(self, since: datetime | None, until: datetime | None, statuses: Sequence[Status] | None) -> list[str]:
        assert since is not None
        assert until is not None
        found = [
            (one.created_time, name)
            for name, one in self.instances.items()
            if since <= one.created_time <= until and one.runtime_status in (statuses or Status)
        ]
        return [name for _, name in sorted(found)]

    def running(self) -> list[str]:
        return [name for name, one in self.instances.items() if one.runtime_status is Status.Running]

    def finish(self, instance_id: str, status: Status = Status.Completed) -> None:
        self.instances[instance_id].runtime_status = status


def hub_status(status: Status) -> Any:
    """What a durable client's get_status gives for an instance in this status."""
    return SimpleNamespace(runtime_status=status)
