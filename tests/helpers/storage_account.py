"""An account of the app's tables after runs of `ChangingSites`: what docs/cost.md says of each, as arithmetic.

Each entity is explained by a record of the ledger or by something that was asked for; else it is unaccounted for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrations import names
from storage.account.tables import TABLE_NAMES
from storage.data.rows import PLAN_BATCH
from storage.keys import attempt_key, batch_partition, epoch_of, robots_partition, snapshot_id, source_of
from storage.ledger.alerts import ALERTS, BOOKMARK
from storage.ledger.runs import RUN_IDS, RUNS, RunRecord, run_from_entity
from storage.ledger.schedule import SCHEDULES
from storage.ledger.skips import SKIP_IDS, SKIPS
from storage.ledger.stalls import STALLS, WATCH
from storage.store import Store
from tests.helpers.snapshot_account import CallBook, SnapshotAccount


@dataclass
class StorageAccount:
    """What there is: `wrong` says what nothing explains, `left` counts the entities of attempts that do not count.

    `sources` has how many pages each has; `instances` by orchestrator how many have been asked for, `ticks` how often
    the schedule was due.
    """

    store: Store
    book: CallBook
    sources: Mapping[str, int]
    pages_per_batch: int
    instances: Mapping[str, int]
    ticks: int
    entities: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    runs: dict[int, RunRecord] = field(default_factory=dict)

    async def draw_up(self) -> None:
        """Look at every table."""
        found = {name: await self._all_of(name) for name in TABLE_NAMES}
        self.entities.update({name: len(entities) for name, entities in found.items()})
        records = [one for one in found["runs"] if one["PartitionKey"] == RUNS]
        self.runs = {run.epoch: run for run in map(run_from_entity, records)}
        self._look_at_runs(found["runs"], found["alerts"])
        await self._look_at_snapshots(found)
        self._look_at_skips(found["skips"])
        self._look_at_alerts(found)
        self._look_at_locks(found["locks"])
        self._is("datasets", {one["RowKey"] for one in found["datasets"]}, set(self.sources))
        # Nobody cancels a start here; somebody has paused the schedule, or let it go on.
        states = {(one["PartitionKey"], one["RowKey"]) for one in found["schedule"]}
        self._is("schedule", states, {(SCHEDULES, names.DAILY_SCRAPE)})

    async def _all_of(self, name: str) -> list[Any]:
        table = await self.store.tables.table(name)
        return [entity async for entity in table.list_entities()]

    def _is(self, what: str, found: Any, wanted: Any) -> None:
        if found != wanted:
            self.wrong.append(f"{what}: {found}, accounted for: {wanted}")

    def _at_most(self, what: str, found: int, most: int) -> None:
        if found > most:
            self.wrong.append(f"{what}: {found}, accounted for: at most {most}")

    def _look_at_runs(self, found: Sequence[Any], alerts: Sequence[Any]) -> None:
        """A record of each execution, a pointer of each ID; each stall has its alert; the watchdog's last look."""
        runs = list(self.runs.values())
        claims = Counter((run.run_id, run.claim) for run in runs if run.claim)
        self._is("runs: several of one execution", _several(claims), [])
        self._is("runs: of no execution", set(claims) - self.book.claims, set())
        stuck = sum(one.get("kind") == "stuck" for one in alerts)
        run_ids = {run.run_id for run in runs}
        wanted = Counter({RUNS: len(runs), RUN_IDS: len(run_ids), STALLS: stuck, WATCH: 1})
        self._is("runs", _partitions(found), +wanted)

    async def _look_at_snapshots(self, found: Mapping[str, Sequence[Any]]) -> None:
        """All of `batches`, `rows` and `failures`: one robots.txt a run, since all sources are on one site."""
        robots, snapshots = _snapshots(found)
        planned = {epoch_of(name) for name, one in snapshots.items() if one.kinds["plan"]}
        self._is("batches: robots.txt", {epoch: robots[epoch] for epoch in planned}, dict.fromkeys(planned, 1))
        self._is("batches: robots.txt of no run", set(robots) - set(self.runs), set())
        self._at_most("batches: robots.txt of one run", max(robots.values(), default=0), 1)
        for name, one in snapshots.items():
            run, source = self.runs.get(epoch_of(name)), source_of(name)
            if run is None or source not in run.sources:
                self.wrong.append(f"{name}: of no run")
                continue
            plan, results = await self.store.batches.plan(name), await self.store.batches.results(name)
            self.wrong += one.unaccounted(
                plan, results, self.book, pages=self.sources[source], pages_per_batch=self.pages_per_batch
            )
            self.left += one.left

    def _look_at_skips(self, found: Sequence[Any]) -> None:
        """Two entities each; each is of a run that came past a live one, of a start in the future, or of a tick."""
        skips = [one for one in found if one["PartitionKey"] == SKIPS]
        self._is("skips", _partitions(found), +Counter({SKIPS: len(skips), SKIP_IDS: len(skips)}))
        timed = Counter((one["run_id"], one["scheduled_for"].isoformat()) for one in skips if "scheduled_for" in one)
        self._at_most("skips of the timer", len(set(timed) - self.book.due), self.ticks)
        others = Counter((one["run_id"], one["at"].isoformat()) for one in skips if "scheduled_for" not in one)
        self._is("skips: of no execution", set(others) - self.book.claims, set())
        self._is("skips: several of one start", _several(timed + others), [])

    def _look_at_alerts(self, found: Mapping[str, Sequence[Any]]) -> None:
        """One for each thing that went wrong, and how far the ledger has been read."""
        alerts = [one["alert_id"] for one in found["alerts"] if one["PartitionKey"] == ALERTS]
        self._is("alerts", _partitions(found["alerts"]), +Counter({ALERTS: len(alerts), BOOKMARK: 1}))
        self._is("alerts: several of one thing", _several(Counter(alerts)), [])
        most = {
            "failed": sum(run.outcome != "completed" for run in self.runs.values()),
            "refused": sum(run.outcome != "completed" for run in self.runs.values()),
            "stuck": _partitions(found["runs"])[STALLS],
            "skipped": _partitions(found["skips"])[SKIPS],
            "missed": self.ticks,
        }
        for kind, count in Counter(alert.partition(":")[0] for alert in alerts).items():
            self._at_most(f"alerts: {kind}", count, most[kind])

    def _look_at_locks(self, found: Sequence[Any]) -> None:
        """The singleton's, and one for each instance that was asked for; all purges have one."""
        self._is("locks: several of one key", _several(Counter(one["key"] for one in found)), [])
        most = {names.DAILY_SCRAPE: 1, names.PURGE_EXPIRED: 1, **self.instances}
        for kind, count in Counter(one["key"].partition(":")[0] for one in found).items():
            self._at_most(f"locks: {kind}", count, most.get(kind, 0))


def _snapshots(found: Mapping[str, Sequence[Any]]) -> tuple[Counter[int], dict[str, SnapshotAccount]]:
    """How many robots.txt each run has, by its epoch; and what there is of each snapshot."""
    robots: Counter[int] = Counter()
    snapshots: dict[str, SnapshotAccount] = {}
    for entity in found["batches"]:
        partition = entity["PartitionKey"]
        if partition.startswith("~robots~"):
            robots[epoch_of(partition)] += 1
        else:
            snapshots.setdefault(partition, SnapshotAccount(partition)).take(entity)
    for table in ("rows", "failures"):
        for entity in found[table]:
            partition, _, batch = entity["PartitionKey"].rpartition("~")
            snapshots.setdefault(partition, SnapshotAccount(partition)).take_staged(table, int(batch), entity)
    return robots, snapshots


def _several(counts: Counter[Any]) -> list[Any]:
    return [one for one, count in counts.items() if count > 1]


def _partitions(found: Sequence[Any]) -> Counter[str]:
    return Counter(one["PartitionKey"] for one in found)


async def overlooked(account: StorageAccount, epoch: int) -> list[str]:
    """Which entities an account does not name though nothing explains them. They are written here, and deleted again.

    There is one for each table at least, as a second attempt would write it under another key; `epoch` is of a run that
    nothing disturbed.
    """
    tables = account.store.tables
    name, other = [snapshot_id(source, epoch) for source in sorted(account.sources)][:2]
    strays = (
        ("locks", "singleton", "stray", "locks: several of one key"),
        ("runs", RUN_IDS, "stray", "runs: "),
        ("batches", name, "memory-000000-stray-00", f"{name}: attempts that do not count"),
        ("batches", name, "pages-stray-000000", f"{name}: plans that do not count"),
        ("batches", robots_partition(epoch), "stray", "batches: robots.txt of one run"),
        ("rows", batch_partition(other, 0), attempt_key("stray", 0), f"{other}: attempts that do not count"),
        ("failures", batch_partition(other, PLAN_BATCH), attempt_key("stray", 0), f"{other}: plans that do not count"),
        ("datasets", "dataset", "stray", "datasets: "),
        ("skips", SKIP_IDS, "stray", "skips: "),
        ("schedule", SCHEDULES, "stray", "schedule: "),
        ("alerts", BOOKMARK, "stray", "alerts: "),
    )
    for table, partition, row, _ in strays:
        entity = {"PartitionKey": partition, "RowKey": row, "key": names.DAILY_SCRAPE}
        await (await tables.table(table)).create_entity(entity)
    again = replace(account, entities=Counter(), left=Counter(), wrong=[])
    await again.draw_up()
    for table, partition, row, _ in strays:
        await (await tables.table(table)).delete_entity(partition, row)
    return [f"{table}: {row}" for table, _, row, told in strays if not any(one.startswith(told) for one in again.wrong)]
