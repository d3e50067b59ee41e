"""The `datasets` table: which snapshot of a source readers see.

One pointer per source, moved only by compare-and-swap. A run raises the pointer's fence to its own epoch before
it does anything for the source; from then on no run with a lower epoch can publish there, however late it wakes. Each
run publishes once: when somebody has pointed the source at another snapshot since, a repeat does not point it back.
"""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Final

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode

from storage.account.tables import Tables
from storage.data.dataset import Dataset
from storage.data.publications import Publication, as_text, from_text, with_newest
from storage.keys import partition_filter, snapshot_id

PARTITION: Final = "dataset"
RETRY_PAUSE_S: Final = 0.05


class Superseded(Exception):
    """The source takes no epoch before `fence`: a newer run has begun, or somebody has published by hand."""

    def __init__(self, source: str, fence: int) -> None:
        super().__init__(
            f"a newer run works on '{source}', or somebody published it by hand: none before epoch {fence} may"
        )
        self.source = source
        self.fence = fence


class SnapshotPurged(Exception):
    """The snapshot is older than RETENTION_DAYS: it was deleted, or will be."""

    def __init__(self, snapshot: str) -> None:
        super().__init__(f"snapshot {snapshot} is not kept any more: it is older than RETENTION_DAYS")
        self.snapshot = snapshot


class PublishedMeanwhile(Exception):
    """Somebody has published another snapshot than was looked at; `dataset` is the pointer as it stands now."""

    def __init__(self, dataset: Dataset) -> None:
        super().__init__(f"'{dataset.source}' was published anew: epoch {dataset.epoch}")
        self.dataset = dataset


class Datasets:
    """The published datasets."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def find(self, source: str) -> Dataset | None:
        """The pointer of a source, or None if no run ever worked on it."""
        found = await self._read(source)
        return None if found is None else found[0]

    async def all(self) -> list[Dataset]:
        """The pointers of all sources, by name."""
        table = await self._tables.table("datasets")
        async with self._tables.faults():
            return [_from_entity(one) async for one in table.query_entities(partition_filter(PARTITION))]

    async def raise_fence(self, source: str, epoch: int) -> Dataset:
        """Keep runs with a lower epoch from publishing. Raises Superseded if a higher one was here already."""
        return await self._change(source, epoch, lambda current: replace(current, fence=epoch))

    async def publish(
        self,
        source: str,
        *,
        epoch: int,
        snapshot: str,
        run_id: str,
        at: datetime,
        counts: tuple[int, int, int],
        instead_of: str | None = None,
    ) -> Dataset:
        """Point the source at a snapshot, for its own run; `counts` are its pages, failed pages and rows.

        A repeat changes nothing, whatever was published since. Raises Superseded if a run with a higher epoch has
        begun, PublishedMeanwhile if what is published is not `instead_of`, with which the gate has compared it,
        or SnapshotPurged.
        """
        published = Publication(run_id, epoch, at, *counts)

        def pointed(current: Dataset) -> Dataset:
            if current.by_run == epoch:
                return current
            return replace(_pointed(current, snapshot, published, instead_of), fence=epoch, by_run=epoch)

        return await self._change(source, epoch, pointed)

    async def publish_by_hand(self, source: str, published: Publication, *, instead_of: str, fence: int) -> Dataset:
        """Point the source at any snapshot, and keep runs with a lower epoch than `fence` from publishing.

        A repeat changes nothing. Raises PublishedMeanwhile unless the snapshot `instead_of` is still published, or
        SnapshotPurged.
        """

        def pointed(current: Dataset) -> Dataset:
            if current.epoch == published.epoch or published in current.publications:
                return current  # the latter if the answer to our own write was lost, and others have published since
            snapshot = snapshot_id(source, published.epoch)
            return replace(_pointed(current, snapshot, published, instead_of), fence=max(current.fence, fence))

        return await self._change(source, None, pointed)

    async def forbid(self, source: str, epoch: int) -> Dataset:
        """Let no snapshot of a run up to this epoch be published from now on; what is published stays so."""
        return await self._change(
            source, None, lambda current: replace(current, purged_to=max(current.purged_to, epoch))
        )

    async def _change(self, source: str, epoch: int | None, change: Callable[[Dataset], Dataset]) -> Dataset:
        """Apply `change` by compare-and-swap, again on a newer version until it holds or is not ours to make.

        Without an epoch it is nobody's. Whatever is published may be purged in this moment: so that is asked here, in
        the same compare-and-swap.
        """
        while True:
            found = await self._read(source)
            current, etag = found or (Dataset(source, fence=0), "")
            if epoch is not None and current.fence > epoch:
                raise Superseded(source, current.fence)
            wanted = change(current)
            wanted = replace(wanted, purged_to=max(wanted.purged_to, current.purged_to))
            if wanted.snapshot != current.snapshot and wanted.epoch <= current.purged_to:
                raise SnapshotPurged(wanted.snapshot)
            if wanted == current or await self._write(wanted, etag):
                return wanted
            await asyncio.sleep(RETRY_PAUSE_S)

    async def _read(self, source: str) -> tuple[Dataset, str] | None:
        table = await self._tables.table("datasets")
        async with self._tables.faults():
            try:
                entity = await table.get_entity(PARTITION, source)
            except ResourceNotFoundError:
                return None
        return _from_entity(entity), str(entity.metadata["etag"])

    async def _write(self, dataset: Dataset, etag: str) -> bool:
        table = await self._tables.table("datasets")
        entity = {
            "PartitionKey": PARTITION,
            "RowKey": dataset.source,
            **{name: value for name, value in asdict(dataset).items() if value is not None},
            "publications": as_text(dataset.publications),
        }
        async with self._tables.faults():
            try:
                if not etag:
                    await table.create_entity(entity)
                else:
                    await table.update_entity(
                        entity,
                        mode=UpdateMode.REPLACE,
                        etag=etag,
                        match_condition=MatchConditions.IfNotModified,
                    )
            except (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError):
                return False
        return True


def _pointed(current: Dataset, snapshot: str, published: Publication, instead_of: str | None) -> Dataset:
    """`current` with another publication. Raises PublishedMeanwhile if it does not point to `instead_of`."""
    if instead_of is not None and current.snapshot != instead_of:
        raise PublishedMeanwhile(current)
    return replace(
        current,
        epoch=published.epoch,
        snapshot=snapshot,
        run_id=published.run_id,
        published_at=published.at,
        pages=published.pages,
        failed=published.failed,
        rows=published.rows,
        previous_snapshot=current.snapshot,
        publications=with_newest(published, current.publications),
    )


def _from_entity(entity: Any) -> Dataset:
    known = {name: entity[name] for name in Dataset.__dataclass_fields__ if name in entity}
    # Older versions of this app know neither; there all publications are by runs.
    known.setdefault("by_run", known["epoch"])
    return Dataset(**{**known, "publications": from_text(entity.get("publications", "[]"))})
