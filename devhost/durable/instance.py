"""What is known about one orchestration instance, apart from its history."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RuntimeStatus(StrEnum):
    """The status names of the management API, spelled as it spells them."""

    PENDING = "Pending"
    RUNNING = "Running"
    COMPLETED = "Completed"
    CONTINUED_AS_NEW = "ContinuedAsNew"
    FAILED = "Failed"
    CANCELED = "Canceled"
    TERMINATED = "Terminated"
    SUSPENDED = "Suspended"

    @property
    def is_terminal(self) -> bool:
        """True when the instance will never run again."""
        return self in TERMINAL


TERMINAL = frozenset({RuntimeStatus.COMPLETED, RuntimeStatus.FAILED, RuntimeStatus.CANCELED, RuntimeStatus.TERMINATED})


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance as the status API shows it; the texts are JSON, or plain text for failures and reasons."""

    instance_id: str
    execution_id: str
    name: str
    version: str
    runtime_status: RuntimeStatus
    input_text: str | None
    custom_status_text: str | None
    output_text: str | None
    created_at: datetime
    last_updated_at: datetime


@dataclass(frozen=True, slots=True)
class InstanceQuery:
    """Which instances are meant; an empty query means all. Both times are inclusive."""

    prefix: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    statuses: frozenset[RuntimeStatus] = frozenset()
