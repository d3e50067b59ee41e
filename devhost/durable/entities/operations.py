"""Operations on their way to an entity, and the request IDs under which callers wait for the results."""

from dataclasses import dataclass

from devhost.durable.entities.entity import EntityId
from devhost.durable.protocol import compact

_DIGITS_OF_TASK_ID = 12


@dataclass(frozen=True, slots=True)
class Caller:
    """The generation of an orchestration that sent an operation."""

    instance_id: str
    execution_id: str
    task_id: int

    @property
    def request_id(self) -> str:
        """A GUID made of execution ID and task id: the same whenever the episode is repeated after a crash."""
        digits = self.execution_id[:20].ljust(20, "0")
        groups = (digits[:8], digits[8:12], digits[12:16], digits[16:20])
        return "-".join((*groups, f"{self.task_id:0{_DIGITS_OF_TASK_ID}x}"))


def task_id_of(request_id: str) -> int:
    """The task id in a `Caller.request_id`."""
    return int(request_id[-_DIGITS_OF_TASK_ID:], 16)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation for an entity; `input_text` is the JSON text in its message, None for none at all.

    `caller` is who waits for the result; None for a signal.
    """

    entity_id: EntityId
    name: str
    input_text: str | None
    caller: Caller | None = None


def sent_input(operation: Operation, sender: Caller) -> str:
    """The Input of EventSent. The SDK reads `id` and waits for an event of that name from then on.

    Source: Azure/azure-functions-durable-extension 2.13.7, EntityScheduler/RequestMessage.cs.
    """
    mark = {} if operation.caller is not None else {"signal": True}
    return compact(
        {
            "op": operation.name,
            **mark,
            "input": operation.input_text,
            "id": sender.request_id,
            "parent": sender.instance_id,
            "parentExecution": sender.execution_id,
        }
    )
