"""What the task hub says of an instance; the hub is the one store that we read through the durable client."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from azure.durable_functions import OrchestrationRuntimeStatus as Status

LIVE: Final = frozenset({Status.Pending, Status.Running, Status.ContinuedAsNew, Status.Suspended})
A_PAGE: Final = 100
"""So many instances the hub lists at once; the SDK asks for the first page only."""


class HubClient(Protocol):
    """The part of the SDK's durable client that storage needs."""

    async def get_status(self, instance_id: str) -> Any:
        """The instance's status; falsy when there is no such instance."""


class ListingClient(Protocol):
    """The part of the SDK's durable client that lists instances."""

    async def get_status_by(
        self,
        created_time_from: datetime | None = None,
        created_time_to: datetime | None = None,
        runtime_status: Sequence[Status] | None = None,
        instance_id_prefix: str | None = None,
    ) -> Any:
        """The first page of the instances that are in one of these states, and whose IDs begin like that."""


async def live_instances(client: ListingClient, prefix: str, *, of: str) -> tuple[list[Any], bool]:
    """The statuses of this orchestrator's live instances whose IDs begin with `prefix`; False if there may be more.

    IDs of others may begin like that, too: they are left out, but take room on the hub's page.
    """
    states = sorted(LIVE, key=lambda one: one.value)
    found = await client.get_status_by(runtime_status=states, instance_id_prefix=prefix)
    return [one for one in found if is_live_status(one, of=of)], len(found) < A_PAGE


async def is_live(client: HubClient, instance_id: str, *, of: str = "") -> bool:
    """True while the instance may still do something: pending, running, between generations, or suspended.

    With `of`, only if it is one of that orchestrator: another one may have got the ID since.
    """
    return is_live_status(await client.get_status(instance_id), of=of)


def is_live_status(status: Any, *, of: str = "") -> bool:
    """As `is_live`, of a status that was asked for; falsy is none."""
    if not status or status.runtime_status not in LIVE:
        return False
    return not of or is_of(status, of)


def is_of(status: Any, orchestrator: str) -> bool:
    """True if the status is that of an instance of this orchestrator; falsy is none."""
    # The hub keeps the case in which it was asked to start.
    return bool(status and status.name.lower() == orchestrator.lower())


def decoded(value: Any) -> Any:
    """What the hub shows as an object, or as its JSON text; a text that is none is that text."""
    try:
        return json.loads(value) if isinstance(value, str) and value.startswith("{") else value
    except (ValueError, RecursionError):
        return value
