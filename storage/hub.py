"""What the task hub says of an instance; the hub is the one store that we read through the durable client."""

from typing import Any, Final, Protocol

from azure.durable_functions import OrchestrationRuntimeStatus as Status

LIVE: Final = frozenset({Status.Pending, Status.Running, Status.ContinuedAsNew, Status.Suspended})


class HubClient(Protocol):
    """The part of the SDK's durable client that storage needs."""

    async def get_status(self, instance_id: str) -> Any:
        """The instance's status; falsy when there is no such instance."""


async def is_live(client: HubClient, instance_id: str) -> bool:
    """True while the instance may still do something: pending, running, between generations, or suspended."""
    status = await client.get_status(instance_id)
    return bool(status) and status.runtime_status in LIVE
