"""The `runs` table: one row per run, newest first, and a row per run ID that points to its newest run.

It outlives the task hub's own record of an orchestration, which a purge removes.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import EdmType, EntityProperty, UpdateMode

from storage.account.tables import Tables
from storage.keys import fits_a_key, key_text, newest_first, partition_filter
from telemetry.effects import run_ended

RUNS = "run"
RUN_IDS = "run-id"
UNCLAIMED = ""  # the claim of a run that was stopped before its first step


@dataclass(frozen=True, slots=True)
class RunRef:
    """One execution of a run ID: IDs can be used again, epochs cannot."""

    run_id: str
    epoch: int


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run. `claim` tells executions of one instance ID apart; `sources` is filled as the run goes on.

    `outcome` is None while the run lasts, else `completed`, `completed_with_failures`, `failed`, `superseded`,
    `stopped` or `refused`. `results` has one summary per source, as its orchestration returned it; empty until the run
    has finished. `retry_of` is the run that this one retries.
    """

    run_id: str
    epoch: int
    claim: str
    started_at: datetime
    triggered_by: str
    sources: tuple[str, ...] = ()
    outcome: str | None = None
    reason: str = ""
    finished_at: datetime | None = None
    results: tuple[Mapping[str, Any], ...] = field(default=())
    retry_of: RunRef | None = None


class Runs:
    """The runs of the app."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def create(self, run: RunRecord) -> RunRecord:
        """Store a run unless its epoch has one already; returns the run that is stored."""
        table = await self._tables.table("runs")
        async with self._tables.faults():
            try:
                await table.create_entity(_to_entity(run))
                stored = run
                run_ended(run)  # if it has: some never come to their first step
            except ResourceExistsError:
                stored = await self.of_epoch(run.epoch)
            if stored.run_id == run.run_id and await self._newest_epoch(run.run_id) < run.epoch:
                # Also on a repeat: a crash may have come between the two writes.
                await table.upsert_entity({"PartitionKey": RUN_IDS, "RowKey": key_text(run.run_id), "epoch": run.epoch})
        return stored

    async def _newest_epoch(self, run_id: str) -> int:
        """The epoch of the newest run with this ID; 0 if there is none."""
        table = await self._tables.table("runs")
        try:
            return int((await table.get_entity(RUN_IDS, key_text(run_id)))["epoch"])
        except ResourceNotFoundError:
            return 0

    async def of_epoch(self, epoch: int) -> RunRecord:
        """The run with this epoch. Raises ResourceNotFoundError if there is none."""
        return (await self._read(epoch))[0]

    async def _read(self, epoch: int) -> tuple[RunRecord, str]:
        """A run and the version of its row."""
        table = await self._tables.table("runs")
        async with self._tables.faults():
            entity = await table.get_entity(RUNS, newest_first(epoch))
        return run_from_entity(entity), str(entity.metadata["etag"])

    async def of_execution(self, ref: RunRef) -> RunRecord | None:
        """The run with this ID and epoch, or None."""
        try:
            run = await self.of_epoch(ref.epoch)
        except ResourceNotFoundError:
            return None
        return run if run.run_id == ref.run_id else None

    async def find(self, run_id: str) -> RunRecord | None:
        """The newest run with this ID, or None; any text may be asked for."""
        if not fits_a_key(run_id):
            return None
        table = await self._tables.table("runs")
        async with self._tables.faults():
            try:
                pointer = await table.get_entity(RUN_IDS, key_text(run_id))
                return await self.of_epoch(pointer["epoch"])
            except ResourceNotFoundError:
                return None

    async def end(self, ended: RunRecord) -> RunRecord:
        """Write down how a run ended, unless that stands there already; returns the run that is stored.

        The first outcome wins: a run that was stopped may still reach its own last step.
        """
        table = await self._tables.table("runs")
        while True:
            stored, etag = await self._read(ended.epoch)
            if stored.outcome is not None:
                return stored
            async with self._tables.faults():
                with suppress(ResourceModifiedError):
                    await table.update_entity(
                        _to_entity(ended),
                        mode=UpdateMode.REPLACE,
                        etag=etag,
                        match_condition=MatchConditions.IfNotModified,
                    )
                    run_ended(ended)
                    return ended

    async def newest(self, *, limit: int, before_epoch: int | None) -> tuple[list[RunRecord], int | None]:
        """At most `limit` runs, newest first, older than `before_epoch`; and where the next page begins."""
        table = await self._tables.table("runs")
        newer = f" and RowKey gt '{newest_first(before_epoch)}'" if before_epoch is not None else ""
        page: list[RunRecord] = []
        async with self._tables.faults():
            rows = table.query_entities(partition_filter(RUNS) + newer, results_per_page=limit + 1)
            async for entity in rows:
                if len(page) == limit:
                    return page, page[-1].epoch
                page.append(run_from_entity(entity))
        return page, None


def finished(
    run: RunRecord, *, at: datetime, outcome: str, reason: str, results: Sequence[Mapping[str, Any]]
) -> RunRecord:
    """`run` as it stands once it has ended."""
    return replace(run, finished_at=at, outcome=outcome, reason=reason, results=tuple(results))


def _to_entity(run: RunRecord) -> dict[str, Any]:
    entity = {
        "PartitionKey": RUNS,
        "RowKey": newest_first(run.epoch),
        "run_id": run.run_id,
        "epoch": run.epoch,
        "claim": run.claim,
        "started_at": run.started_at,
        "triggered_by": run.triggered_by,
        "sources": json.dumps(run.sources),
        "reason": run.reason,
        "results": EntityProperty(_packed(run.results), EdmType.BINARY),
    }
    if run.outcome is not None:
        entity["outcome"] = run.outcome
    if run.finished_at is not None:
        entity["finished_at"] = run.finished_at
    if run.retry_of is not None:
        entity |= {"retry_of": run.retry_of.run_id, "retry_of_epoch": run.retry_of.epoch}
    return entity


def _packed(results: Sequence[Mapping[str, Any]]) -> bytes:
    """Compressed: a property takes 64 KiB, which hundreds of sources with their reasons would exceed."""
    return zlib.compress(json.dumps([dict(result) for result in results]).encode())


def run_from_entity(entity: Any) -> RunRecord:
    """The run of a row in the partition RUNS."""
    return RunRecord(
        run_id=entity["run_id"],
        epoch=entity["epoch"],
        claim=entity["claim"],
        started_at=entity["started_at"],
        triggered_by=entity["triggered_by"],
        sources=tuple(json.loads(entity["sources"])),
        outcome=entity.get("outcome"),
        reason=entity["reason"],
        finished_at=entity.get("finished_at"),
        results=tuple(json.loads(zlib.decompress(entity["results"]))),
        retry_of=RunRef(entity["retry_of"], entity["retry_of_epoch"]) if "retry_of" in entity else None,
    )
