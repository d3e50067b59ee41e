"""What a purge has before it and what it has done, from one slice to the next."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Protocol, Self

from azure.durable_functions import OrchestrationRuntimeStatus as Status

from storage.ledger.hub import HubClient
from storage.purge.deleting import Budget
from storage.store import Store


class PurgingClient(HubClient, Protocol):
    """The part of the SDK's durable client that a purge needs."""

    async def get_status_by(
        self,
        created_time_from: datetime | None = None,
        created_time_to: datetime | None = None,
        runtime_status: Sequence[Status] | None = None,
    ) -> Any:
        """The first of the instances that were created within this time and are in one of these states."""

    async def purge_instance_history(self, instance_id: str) -> Any:
        """Forget one instance."""

    async def purge_instance_history_by(
        self,
        created_time_from: datetime | None = None,
        created_time_to: datetime | None = None,
        runtime_status: Sequence[Status] | None = None,
    ) -> Any:
        """Forget instances that were created within this time and are in one of these states."""


@dataclass(frozen=True, slots=True)
class Work:
    """The rest of a purge, from `stage` on.

    What has ended before `before` is to go, records of runs and skips only `records_before`. `epoch` is that of the
    newest run whose snapshots are to go, `records_epoch` of the newest whose record is; 0 if there is none.

    Within its stage, the work goes on behind the entity with the key `after`, or in the middle of the run `run_epoch`,
    at the part with this `number`; `is_kept` says that something of that run has to stay.
    """

    before: datetime
    records_before: datetime
    stage: str = ""
    epoch: int = 0
    records_epoch: int = 0
    after: str = ""
    run_epoch: int = 0
    number: int = 0
    is_kept: bool = False

    @classmethod
    def of_json(cls, told: Mapping[str, Any]) -> Self:
        """Read what `as_json` gave."""
        values = {one.name: told[one.name] for one in fields(cls)}
        moments = {name: datetime.fromisoformat(told[name]) for name in ("before", "records_before")}
        return cls(**{**values, **moments})

    def within(self, other: Self) -> Self:
        """This work, but nothing younger than `other` would delete."""
        return replace(
            self,
            before=min(self.before, other.before),
            records_before=min(self.records_before, other.records_before),
        )

    def as_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {**asdict(self), "before": self.before.isoformat(), "records_before": self.records_before.isoformat()}


@dataclass(frozen=True, slots=True)
class Slice:
    """What a slice works with. `scrape` is the orchestrator of runs; `deleted` counts, by what it was."""

    store: Store
    client: PurgingClient
    scrape: str
    now: datetime
    budget: Budget = field(default_factory=Budget)
    deleted: Counter[str] = field(default_factory=Counter)
