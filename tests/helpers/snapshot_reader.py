"""A reader who never stops looking at a published dataset, and tells what nobody should ever have seen."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from azure.data.tables.aio import TableServiceClient

from scripts.http_json import Unreachable, ask
from storage.account.tables import Tables
from storage.errors import StorageError, StorageUnreachable
from storage.store import Store, store_on

Rows = tuple[tuple[str, int, str], ...]
"""Path, position and value of each row, in page order."""
MOST_COMPLAINTS = 20
LANES = 3
"""Polls of the tables at the same time: on a busy machine one takes longer than there is between two."""


class Way(StrEnum):
    """How a poll came to its answer."""

    HTTP = "over HTTP"
    TABLES = "from the tables"
    NO_HOST = "over HTTP without an answer"
    NO_STORAGE = "storage not there"


@dataclass(frozen=True, slots=True)
class Sight:
    """What one poll has seen: a whole snapshot, of this run."""

    run_id: str
    epoch: int
    rows: Rows


class SnapshotJudge:
    """Knows the truth of each run: what the site had while it ran. Runs do not overlap."""

    def __init__(self) -> None:
        self.truths: dict[str, Rows] = {}
        self.seen: dict[int, Sight] = {}
        """The snapshots that were seen, by epoch."""
        self.complaints: list[str] = []
        self._newest: Counter[str] = Counter()

    def look_at(self, sight: Sight | None, *, by: str = "") -> None:
        """Compare with the truth what a poll has seen; None if nothing is published.

        The polls `by` one reader come one after the other; those of two may overlap.
        """
        complaint = self._complaint(sight, self._newest[by])
        if complaint:
            self.complain(complaint)
        elif sight is not None:
            self.seen[sight.epoch] = sight
            self._newest[by] = sight.epoch

    def complain(self, complaint: str) -> None:
        """Something that must not be; the first ones are kept."""
        if len(self.complaints) < MOST_COMPLAINTS:
            self.complaints.append(complaint)

    def _complaint(self, sight: Sight | None, newest: int) -> str:
        if sight is None:
            return "nothing is published any more" if newest else ""
        if sight.epoch < newest:
            return f"back to epoch {sight.epoch} after {newest}"
        truth = self.truths.get(sight.run_id)
        if truth is None:
            return f"a snapshot of the run '{sight.run_id}', which nobody has started"
        if sight.rows == truth:
            return ""
        known = [run_id for run_id, rows in self.truths.items() if rows == sight.rows]
        if known:
            return f"the snapshot of '{sight.run_id}' has the rows of {known[0]}"
        missing, strange = set(truth) - set(sight.rows), set(sight.rows) - set(truth)
        counts = f"{len(sight.rows)} rows, {len(missing)} of {len(truth)} are missing, {len(strange)} are strange"
        return f"the snapshot of '{sight.run_id}' has {counts}: {sorted(strange)[:3]}"


@dataclass(frozen=True, slots=True)
class Places:
    """Where a source can be read; host and storage may be other ones after each restart."""

    source: str
    host_url: Callable[[], str]
    storage: Callable[[], str]
    """The connection string."""
    table_prefix: str


class _Lane:
    """Reads from the tables, one poll after the other, with a client of its own."""

    def __init__(self, places: Places, judge: SnapshotJudge, name: str) -> None:
        self._places, self._judge, self._name = places, judge, name
        self._store: Store | None = None
        self._opened = ""

    async def poll(self) -> Way:
        """Look at what is published."""
        try:
            self._judge.look_at(await self._from_tables(), by=self._name)
        except StorageUnreachable:
            return Way.NO_STORAGE
        except StorageError as fault:
            self._judge.complain(f"published, and not whole: {fault}")
        return Way.TABLES

    async def close(self) -> None:
        """Close the client."""
        if self._store is not None:
            await self._store.tables.close()

    async def _from_tables(self) -> Sight | None:
        store = await self._open()
        dataset = await store.datasets.find(self._places.source)
        if dataset is None or not dataset.snapshot:
            return None
        results = await store.batches.results(dataset.snapshot)
        rows = [row async for row in store.rows.of_snapshot(dataset.snapshot, results)]
        found = tuple((_path(row.url), row.position, str(row.values["n"])) for row in rows)
        return Sight(dataset.run_id, dataset.epoch, found)

    async def _open(self) -> Store:
        storage = self._places.storage()
        if self._store is None or storage != self._opened:
            await self.close()
            # An app is patient with storage that does not answer; who looks so often need not be.
            service = TableServiceClient.from_connection_string(
                storage, retry_total=0, connection_timeout=1, read_timeout=2
            )
            self._store, self._opened = store_on(Tables(service, prefix=self._places.table_prefix)), storage
        return self._store


class SnapshotReader:
    """Polls until the end of the block of `reading`: from the tables, and at the same time over HTTP."""

    def __init__(self, places: Places, *, every_s: float) -> None:
        self.judge = SnapshotJudge()
        self.polls: Counter[Way] = Counter()
        self.seconds = 0.0
        self.rows_per_request = 30
        """Fewer than a snapshot has, so that it takes several requests to read one."""
        self._places, self._every_s = places, every_s
        self._over = threading.Event()

    @property
    def whole(self) -> int:
        """How many polls have read a snapshot, or that there is none."""
        return self.polls[Way.HTTP] + self.polls[Way.TABLES]

    def poll_tables(self) -> None:
        """Until `stop`."""
        loop, begun = asyncio.new_event_loop(), time.monotonic()
        with suppress(PermissionError):  # hosts that start again and again would leave it half of its polls
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), -15)
        try:
            loop.run_until_complete(self._poll_tables_in_lanes())
        except Exception as defect:
            self._has_broken(defect)
            raise
        finally:
            self.seconds = time.monotonic() - begun
            loop.close()

    def poll_host(self) -> None:
        """Until `stop`."""
        self._repeat(self._poll_host)

    def stop(self) -> None:
        """Take no further poll."""
        self._over.set()

    def _repeat(self, poll: Callable[[], Way]) -> None:
        """A poll that takes longer than there is between two of them is followed by the next one at once."""
        try:
            while not self._over.is_set():
                poll_begun = time.monotonic()
                self.polls[poll()] += 1
                self._over.wait(max(0.0, self._every_s - (time.monotonic() - poll_begun)))
        except Exception as defect:
            self._has_broken(defect)
            raise

    def _has_broken(self, defect: Exception) -> None:
        self.judge.complain(f"the reader has broken: {defect!r}")

    async def _poll_tables_in_lanes(self) -> None:
        await asyncio.gather(*(self._repeat_in_lane(lane) for lane in range(LANES)))

    async def _repeat_in_lane(self, number: int) -> None:
        lane = _Lane(self._places, self.judge, f"{Way.TABLES}, lane {number}")
        try:
            await asyncio.sleep(number * self._every_s)
            while not self._over.is_set():
                poll_begun = time.monotonic()
                self.polls[await lane.poll()] += 1
                await asyncio.sleep(max(0.0, LANES * self._every_s - (time.monotonic() - poll_begun)))
        finally:
            await lane.close()

    def _poll_host(self) -> Way:
        try:
            return self._ask(self._places.host_url())
        except Unreachable:
            return Way.NO_HOST  # it was killed, maybe between two parts

    def _ask(self, url: str) -> Way:
        rows: list[tuple[str, int, str]] = []
        continuation, told = "", ""
        while True:
            query = f"limit={self.rows_per_request}" + (f"&continuation={quote(continuation)}" if continuation else "")
            answer = ask("GET", f"{url}/api/datasets/{self._places.source}/rows?{query}")
            if answer.status >= 500:
                return Way.NO_STORAGE
            if answer.status == 404 and not continuation:
                self.judge.look_at(None, by=Way.HTTP)
                return Way.HTTP
            if answer.status != 200:
                self.judge.complain(f"{answer.status} for what is published: {answer.text[:300]}")
                return Way.HTTP
            document = answer.document
            one = f"{document['runId']} {document['epoch']}"
            if told not in {"", one}:
                self.judge.complain(f"a part of {told} was followed by one of {one}")
            told = one
            rows += [(_path(row["_url"]), row["_position"], row["n"]) for row in document["rows"]]
            if document["continuation"] is None:
                self.judge.look_at(Sight(document["runId"], document["epoch"], tuple(rows)), by=Way.HTTP)
                return Way.HTTP
            continuation = document["continuation"]


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


@contextmanager
def reading(places: Places, *, per_second: float = 20.0) -> Iterator[SnapshotReader]:
    """A reader at work in two threads, each of which looks so often, or as often as it can."""
    reader = SnapshotReader(places, every_s=1 / per_second)
    threads = [threading.Thread(target=poll, name=poll.__name__) for poll in (reader.poll_tables, reader.poll_host)]
    for thread in threads:
        thread.start()
    try:
        yield reader
    finally:
        reader.stop()
        for thread in threads:
            thread.join(60)
