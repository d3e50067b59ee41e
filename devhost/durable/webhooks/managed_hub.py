"""What the management API needs of a task hub."""

from typing import Any, Protocol

from devhost.durable.instance import Instance, InstanceQuery
from devhost.durable.webhooks.entity_routes import ManagedEntities


class ManagedHub(ManagedEntities, Protocol):
    """The commands and questions that the webhooks pass on; refusals are those of devhost.durable.errors."""

    async def create_instance(
        self, name: str, *, instance_id: str | None, input_text: str | None, version: str | None = None
    ) -> str:
        """The ID of the new instance. Raises InstanceAlreadyLive, UnknownFunction, InvalidInstanceId."""

    async def get_instance(self, instance_id: str) -> Instance | None:
        """The instance, or None if the hub has none with this ID."""

    async def list_instances(
        self, query: InstanceQuery, *, top: int, continuation: str | None
    ) -> tuple[list[Instance], str | None]:
        """At most `top` matching instances and the token for the next ones, None after the last."""

    async def raise_event(self, instance_id: str, event_name: str, input_text: str) -> None:
        """Deliver an event. Raises InstanceNotFound, InstanceFinished."""

    async def terminate(self, instance_id: str, reason: str) -> None:
        """End the instance. Raises InstanceNotFound, InstanceFinished."""

    async def suspend(self, instance_id: str, reason: str) -> None:
        """Pause the instance. Raises InstanceNotFound, InstanceFinished, WrongState."""

    async def resume(self, instance_id: str, reason: str) -> None:
        """Continue the instance. Raises InstanceNotFound, InstanceFinished, WrongState."""

    async def restart(self, instance_id: str, *, with_new_id: bool) -> str:
        """The ID of a new instance with the same name, input and version. Raises InstanceNotFound, and as a start."""

    async def rewind(self, instance_id: str, reason: str) -> None:
        """Run a failed instance on from what failed. Raises InstanceNotFound, NotRewindable."""

    async def purge(self, instance_id: str) -> None:
        """Forget an ended instance. Raises InstanceNotFound, InstanceNotFinished."""

    async def purge_matching(self, query: InstanceQuery) -> int:
        """Forget the ended instances that match; how many they were."""

    async def history(self, instance_id: str) -> list[dict[str, Any]]:
        """The raw history events of the current execution, oldest first."""

    async def wait_until_finished(self, instance_id: str, timeout_s: float) -> Instance | None:
        """The instance once it has ended; None if it has not within the time."""
