"""What the engine needs of the app's functions."""

from typing import Protocol


class DurableFunctions(Protocol):
    """Text in, text out, so that functions may run in another thread or process. Names compare ignoring case.

    A user function that raises shows as devhost.errors.FunctionFailed.
    """

    async def call_orchestrator(self, durable_name: str, envelope_json: str, *, instance_id: str) -> str:
        """The orchestrator state as JSON text; of a failure, `message` holds the whole text with its label."""

    async def call_activity(self, durable_name: str, input_json: str, *, instance_id: str) -> str:
        """The result as JSON text, `null` for None."""

    async def call_entity(self, durable_name: str, batch_json: str, *, instance_id: str) -> str:
        """The entity state after the batch as JSON text; operations that raise are results, no failures."""

    def durable_names(self, trigger_type: str) -> tuple[str, ...]:
        """Effective names of the functions with this trigger (`orchestrationTrigger`), sorted."""
