"""The ticket of a singleton: who holds it, and the number that only grows."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class TicketState(StrEnum):
    """How far the holder has come."""

    STARTING = "starting"  # taken; the instance may not exist yet
    STARTED = "started"  # the instance exists, its status decides
    FREE = "free"  # given back; kept because the epoch must never fall


class StopMode(StrEnum):
    """Whether, and how, the holder has been asked to stop."""

    NONE = ""  # it has not
    DRAIN = "drain"  # it begins no more batches, and finishes what is in flight
    NOW = "now"  # it is over: the ticket is free, and nothing that it still writes becomes visible


@dataclass(frozen=True, slots=True)
class Ticket:
    """One row of the `locks` table.

    `epoch` counts the acquisitions of this key; it is 0 in a ticket that is only wanted. `claim` is unique to one
    acquisition, so that a caller can tell its own write from another's.
    `etag` is the version that was read; empty for a ticket that is not stored yet. `stop` and `stopped_by` belong to
    the holder: the next acquisition knows nothing of them.
    """

    key: str
    instance_id: str
    state: TicketState
    acquired_at: datetime
    acquired_by: str
    claim: str
    epoch: int = 0
    etag: str = ""
    stop: StopMode = StopMode.NONE
    stopped_by: str = ""

    def in_grace(self, now: datetime, grace: timedelta) -> bool:
        """True while a starter may still be between taking the ticket and creating its instance."""
        return self.state is TicketState.STARTING and now - self.acquired_at < grace

    def is_of(self, instance_id: str, epoch: int) -> bool:
        """True for the one instance that runs under this ticket: the fence that a late starter cannot pass."""
        return self.instance_id == instance_id and self.epoch == epoch

    @property
    def why_stopped(self) -> str:
        """Who stopped the holder, and how; empty if nobody did."""
        asked = {StopMode.DRAIN: "drained: no more batches were begun", StopMode.NOW: "stopped at once"}
        return f"{asked[self.stop]} (asked for by {self.stopped_by})" if self.stop else ""
