"""What the task hub says of an instance; the hub is the one store that we read through the durable client."""

import json
from typing import Any, Final, Protocol

from azure.durable_functions import OrchestrationRuntimeStatus as Status

LIVE: Final = frozenset({Status.Pending, Status.Running, Status.ContinuedAsNew, Status.Suspended})


class HubClient(Protocol):
    """The part of the SDK's durable client that storage needs."""

    async def get_status(self, instance_id: str) -> Any:
        """The instance's status; falsy when there is no such instance."""


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
