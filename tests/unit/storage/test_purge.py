"""What a purge deletes and what it keeps, on tables and a hub in memory."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from scraper.models import PageLoaded, Row
from storage.data.datasets import SnapshotPurged
from storage.keys import snapshot_id
from storage.ledger.schedule import ScheduleState
from storage.planning.retrying import rest_of, why_not_retry
from storage.purge.deleting import Budget
from storage.purge.stages import purge_slice
from storage.purge.work import Slice, Work
from tests.helpers.archive import LIMIT, Archive
from tests.helpers.past_runs import SCRAPE, PastRuns, day
from tests.helpers.ticket_stores import HubInstance, Status


async def needed(past: PastRuns, cut: int, now: datetime) -> tuple[set[str], set[int]]:
    """By the rules, what of the runs up to `cut` has to stay: snapshots, and epochs of runs that a live one retries."""
    bases: set[int] = set()
    for epoch, ended in past.ended.items():
        base = past.retry_of.get(epoch) if ended is None else None
        while base is not None:
            bases.add(base)
            base = past.retry_of.get(base)
    roots = {snapshot_id(source, epoch) for epoch in bases for source in past.sources[epoch]}
    roots |= {snapshot_id(source, epoch) for epoch in past.ended if epoch > cut for source in past.sources[epoch]}
    for dataset in await past.store.datasets.all():
        roots |= past.seen_since(dataset.source, now - timedelta(days=1))
    closed: set[str] = set()
    while roots:
        one = roots.pop()
        closed.add(one)
        roots |= past.lies_in.get(one, set()) - closed
    return closed, bases


def runs_with(snapshots: Iterable[str]) -> set[int]:
    return {int(snapshot.rpartition("~")[2]) for snapshot in snapshots if snapshot}


async def check(archive: Archive, at: float) -> None:
    """All that is needed can be read, and nothing else of the runs that have expired is there."""
    past, limit = archive.past, day(at) - LIMIT
    cut = max((epoch for epoch, ended in past.ended.items() if ended is not None and ended < limit), default=0)
    keep, bases = await needed(past, cut, day(at))
    archive.there &= keep | {name for name in archive.there if runs_with([name]).pop() > cut}
    for name in archive.there:
        await past.read(name.rpartition("~")[0], int(name.rpartition("~")[2]))
    for table in ("batches", "rows", "failures"):
        assert archive.snapshots_in(table) == archive.there, table
    young = {epoch for epoch in past.ended if epoch > cut}
    records = young | (bases | runs_with(keep)) & set(past.ended)
    assert archive.keys("runs", "run") == sorted(f"{9_999_999_999 - epoch:010d}" for epoch in records)
    assert archive.keys("runs", "run-id") == sorted(f"run-{epoch}" for epoch in records)
    assert {int(key[:10]) for key in archive.keys("runs", "stall")} == records
    robots = {int(partition[-10:]) for partition, _ in archive.tables.tables["batches"].entities if partition[0] == "~"}
    assert robots == young
    recent = {epoch for epoch, began in past.began.items() if began >= limit}
    assert archive.keys("locks", "singleton") == sorted([SCRAPE, *(f"workflow:{epoch}" for epoch in recent)])
    assert len(archive.keys("skips", "skip")) == len(archive.keys("skips", "skip-id")) == len(recent)
    assert archive.keys("schedule", "cancelled") == sorted(f"claim-{epoch}" for epoch in recent)
    kept_in_hub = {f"run-{epoch}" for epoch, ended in past.ended.items() if ended is None or ended >= limit}
    assert {name for name in archive.hub.instances if name.startswith("run-") and ":" not in name} == kept_in_hub


KINDS = ("run", "run", "run", "retry", "live", "live retry", "stopped", "back", "purge")
SOURCES = (("books",), ("news",), ("books", "news"))


async def take(archive: Archive, kind: str, at: float, choice: int) -> None:
    """One step of a past; one that cannot be taken is none."""
    past = archive.past
    if kind == "back":
        return await go_back(archive, at, choice)
    for epoch, ended in list(past.ended.items()):
        if ended is None:
            await past.end(epoch, at=at)
    sources = SOURCES[choice % 3]
    base = None
    if "retry" in kind:
        base = await retried(archive, choice)
        if base is None:
            return None
        sources = past.sources[base]
    publishes = [source for number, source in enumerate(sources) if choice >> number & 4]
    is_live = "live" in kind
    epoch = await past.run(
        at,
        sources=sources,
        publishes=[] if is_live or kind == "stopped" else publishes,
        retry_of=base,
        plans=kind != "stopped" and (not is_live or choice % 2 == 0),
        lasts=None if is_live else 0.1,
    )
    archive.there |= {snapshot_id(source, epoch) for source in sources if snapshot_id(source, epoch) in past.lies_in}
    return None


async def retried(archive: Archive, choice: int) -> int | None:
    """A run that may be retried, if there is any."""
    candidates = []
    for epoch, sources in archive.past.sources.items():
        names = [snapshot_id(source, epoch) for source in sources]
        allowed = [await archive.store.datasets.find(source) for source in sources]
        if archive.there.issuperset(names) and all(one and one.purged_to < epoch for one in allowed):
            candidates.append(epoch)
    return candidates[choice % len(candidates)] if candidates else None


async def go_back(archive: Archive, at: float, choice: int) -> None:
    """Publish an older snapshot; that is refused exactly if it has expired at a purge."""
    whole = sorted(name for name in archive.past.lies_in)
    if not whole:
        return
    source, _, epoch = whole[choice % len(whole)].rpartition("~")
    dataset = await archive.store.datasets.find(source)
    assert dataset is not None
    if int(epoch) > dataset.purged_to or dataset.epoch == int(epoch):
        assert snapshot_id(source, int(epoch)) in archive.there
        await archive.past.publish(source, int(epoch), at=at)
    else:
        with pytest.raises(SnapshotPurged):
            await archive.past.publish(source, int(epoch), at=at)


async def one_past(seed: int) -> Archive:
    """After its last purge, an app whose runs, retries, publications and purges this number says."""
    chance = random.Random(seed)
    archive, at = Archive(), 0.0
    kinds = ["run", *chance.choices(KINDS, k=chance.randint(2, 12)), "purge"]
    for kind in kinds:
        at += chance.randint(0, 20) + 0.5
        if kind == "purge":
            await archive.purge_with_faults(at, chance)
            await check(archive, at)
        else:
            await take(archive, kind, at, chance.randrange(1000))
    return archive


@pytest.mark.parametrize("seed", range(12))
async def test_what_kept_runs_and_datasets_refer_to_can_be_read_and_everything_older_is_gone(seed: int) -> None:
    await one_past(seed)


@pytest.mark.long
async def test_a_thousand_pasts_with_purges() -> None:
    archives = [await one_past(seed) for seed in range(1000, 2000)]
    made = sum(len(one.past.lies_in) for one in archives)
    left = sum(len(one.there) for one in archives)
    print(f"{len(archives)} pasts with {made} snapshots: {left} had to stay, and were whole; nothing else is left")


async def old_archive() -> Archive:
    """Three runs of the first days: the newest has published, one is just a run, one was retried by it."""
    archive = Archive()
    await archive.past.run(0)
    await archive.past.run(1, publishes=())
    await archive.past.run(2, retry_of=2)
    return archive


async def test_a_published_snapshot_stays_however_old_with_all_that_its_rows_lie_in() -> None:
    archive = await old_archive()
    deleted = await archive.purge(400)
    await archive.past.read("books", 3)
    assert archive.snapshots_in("rows") == {"books~0000000002", "books~0000000003"}
    runs, _ = await archive.store.runs.newest(limit=9, before_epoch=None)
    assert [run.epoch for run in runs] == [3, 2]
    assert (deleted["snapshots"], deleted["runs"]) == (1, 1)


async def test_once_a_younger_snapshot_is_published_the_old_one_goes_with_its_parts() -> None:
    archive = await old_archive()
    await archive.past.run(40)
    await archive.purge(42)
    assert archive.snapshots_in("batches") == {"books~0000000004"}
    runs, _ = await archive.store.runs.newest(limit=9, before_epoch=None)
    assert [run.epoch for run in runs] == [4]


async def test_readers_of_what_was_published_until_now_have_a_day() -> None:
    archive = Archive()
    await archive.past.run(0)
    await archive.past.run(40)
    await archive.purge(40.5)
    await archive.past.read("books", 1)
    await archive.purge(41.5)
    assert archive.snapshots_in("rows") == {"books~0000000002"}


async def test_readers_have_a_day_also_if_more_than_one_snapshot_was_published_since() -> None:
    archive = Archive()
    await archive.past.run(0)
    for at in (40, 40.2, 40.4):
        await archive.past.run(at)
    await archive.past.publish("books", 2, at=40.5)
    await archive.purge(40.9)
    await archive.past.read("books", 1)
    await archive.purge(41.1)
    assert archive.snapshots_in("rows") == {f"books~{epoch:010d}" for epoch in (2, 3, 4)}


async def test_the_previous_snapshot_stays_for_a_rollback_while_it_is_younger_than_the_limit() -> None:
    archive = Archive()
    await archive.past.run(0)
    await archive.past.run(20)
    await archive.past.run(30)
    await archive.purge(49)
    await archive.past.publish("books", 2, at=49)
    await archive.past.read("books", 2)
    await archive.purge(81)
    await archive.past.read("books", 2)
    assert archive.snapshots_in("rows") == {"books~0000000002"}


@pytest.mark.parametrize(("wrong", "still_read"), [(2, set()), (4000, {"books~0000000003"})])
async def test_a_clock_that_was_wrong_for_one_run_costs_no_other_its_rows_and_the_purge_goes_on(
    wrong: float, still_read: set[str]
) -> None:
    archive = Archive()
    for at in (0, 40, 41, wrong, 42):
        await archive.past.run(at)
    await archive.purge(43)
    assert archive.snapshots_in("rows") == {f"books~{epoch:010d}" for epoch in (2, 3, 4, 5)}
    await archive.past.run(100)
    await archive.purge(102)
    assert archive.snapshots_in("rows") == {"books~0000000006"} | still_read  # until day 4000, it seems


async def test_a_second_purge_finds_nothing() -> None:
    archive = await old_archive()
    assert await archive.purge(400)
    assert await archive.purge(400) == {}


@pytest.mark.parametrize("calls", [1, 2, 7])
async def test_a_slice_ends_soon_and_the_next_one_goes_on_where_it_was(calls: int) -> None:
    archive = await old_archive()
    await archive.past.run(40)
    work: Work | None = Work(day(42) - LIMIT, day(42) - LIMIT)
    slices = 0
    while work is not None:
        part = Slice(archive.store, archive.hub, SCRAPE, day(42), Budget(calls))
        work = await purge_slice(part, work)
        assert part.budget.calls > -20, "it went on"
        slices += 1
    assert archive.snapshots_in("batches") == {"books~0000000004"}
    assert slices > 5


async def test_thousands_of_rows_go_in_several_slices() -> None:
    archive = Archive()
    await archive.past.run(0)
    await archive.past.run(40)
    pages = [PageLoaded(place, "u", "u", day(0), [Row({"n": n}, n) for n in range(300)]) for place in range(10)]
    await archive.store.rows.stage("books~0000000001", 0, "many", pages)
    work: Work | None = Work(day(42) - LIMIT, day(42) - LIMIT, "runs", 1, 1)
    left = []
    while work is not None:
        work = await purge_slice(Slice(archive.store, archive.hub, SCRAPE, day(42), Budget(5)), work)
        left.append(len(archive.tables.tables["rows"].entities))
    assert archive.snapshots_in("rows") == {"books~0000000002"}
    assert left == sorted(left, reverse=True)
    assert len(set(left)) > 3


async def test_a_slice_takes_nobodys_word_for_which_runs_have_expired() -> None:
    archive = await old_archive()
    await archive.past.run(40)
    await archive.past.run(41)
    forged = Work(day(42) - LIMIT, day(42) - LIMIT, "runs", epoch=5, records_epoch=5)
    await purge_slice(Slice(archive.store, archive.hub, SCRAPE, day(42), Budget(100_000)), forged)
    await archive.past.read("books", 4)
    await archive.past.read("books", 5)


async def test_a_run_that_is_suspended_for_months_keeps_what_it_has() -> None:
    archive = Archive()
    epoch = await archive.past.run(0, publishes=(), lasts=None)
    archive.hub.finish("run-1", Status.Suspended)
    await archive.purge(100)
    await archive.past.read("books", epoch)
    assert "run-1" in archive.hub.instances


async def test_a_run_that_was_suspended_in_its_last_step_keeps_what_it_has() -> None:
    archive = Archive()
    epoch = await archive.past.run(0, publishes=())
    archive.hub.finish("run-1", Status.Suspended)
    await archive.purge(100)
    await archive.past.read("books", epoch)
    assert "run-1" in archive.hub.instances


async def test_a_live_retry_keeps_its_base_before_it_has_planned_anything() -> None:
    archive = Archive()
    await archive.past.run(0, publishes=())
    await archive.past.run(29.5, retry_of=1, plans=False, lasts=None)
    await archive.purge(31)
    await archive.past.read("books", 1)
    await archive.past.end(2, at=31.5)
    await archive.purge(32)
    assert archive.snapshots_in("rows") == set()


async def test_a_retry_of_what_was_purged_or_may_be_at_any_time_is_refused_in_words() -> None:
    archive = await old_archive()
    await archive.past.run(40)
    base = await archive.store.runs.of_epoch(3)
    await archive.store.datasets.forbid("books", 3)
    rest = await rest_of(archive.store, base, "books")
    reason = await why_not_retry(archive.store, replace(rest, newer=None))
    assert reason == "what run 'run-3' loaded of 'books' is not kept any more: start a new run"


async def test_records_of_runs_may_stay_longer_than_what_they_loaded() -> None:
    archive = Archive()
    await archive.past.run(0)
    await archive.past.run(5)
    await purge_slice(
        Slice(archive.store, archive.hub, SCRAPE, day(7), Budget(100_000)), Work(day(6), day(7) - timedelta(days=8))
    )
    assert archive.snapshots_in("rows") == {"books~0000000002"}
    assert archive.keys("runs", "run-id") == ["run-1", "run-2"]
    assert len(archive.keys("skips", "skip")) == 2


async def test_the_epoch_of_runs_outlasts_them_all() -> None:
    archive = await old_archive()
    await archive.purge(400)
    assert archive.keys("locks", "singleton") == [SCRAPE]


async def test_a_cancelled_start_is_remembered_as_long_as_its_instance_waits() -> None:
    archive = await old_archive()
    archive.hub.instances["later:2"] = HubInstance(Status.Running, None, name="start_later", created_time=day(0))
    await archive.purge(400)
    assert archive.keys("schedule", "cancelled") == ["claim-2"]


async def test_a_schedule_stays_paused() -> None:
    archive = await old_archive()
    await archive.store.schedules.write(SCRAPE, ScheduleState(paused=True, changed_at=day(0)))
    await archive.purge(400)
    assert (await archive.store.schedules.read(SCRAPE)).paused


def instance(created: float, updated: float, status: Status = Status.Completed) -> HubInstance:
    return HubInstance(status, None, name="workflow", created_time=day(created), last_updated_time=day(updated))


async def test_the_hub_forgets_what_has_ended_before_the_limit_and_nothing_else() -> None:
    archive = Archive()
    archive.hub.instances = {
        "old": instance(1, 2),
        "very-old": instance(-2000, -1999, Status.Failed),
        "terminated": instance(3, 4, Status.Terminated),
        "waits": instance(1.01, 1.01, Status.Running),
        "suspended": instance(1.02, 1.02, Status.Suspended),
        "long": instance(1.03, 60),
        "young": instance(50, 51),
    }
    deleted = await archive.purge(61)
    assert set(archive.hub.instances) == {"waits", "suspended", "long", "young"}
    assert deleted == {"instances": 3}


async def test_the_hub_forgets_more_instances_than_it_lists_at_once() -> None:
    archive = Archive()
    for number in range(450):
        created = 10 + number / 1000
        archive.hub.instances[f"i-{number}"] = instance(created, 60 if number % 150 == 7 else 11)
    assert await archive.purge(61) == {"instances": 447}
    assert set(archive.hub.instances) == {"i-7", "i-157", "i-307"}


async def test_of_very_many_instances_of_one_second_only_those_go_that_have_ended_before_the_limit() -> None:
    archive = Archive()
    for number in range(250):
        created = 10 + number / 86_400_000
        archive.hub.instances[f"i-{number:03}"] = instance(created, 60 if number % 50 == 49 or number > 220 else 11)
    young = {name for name, one in archive.hub.instances.items() if one.last_updated_time == day(60)}
    assert await archive.purge(61) == {"instances": 250 - len(young)}
    assert set(archive.hub.instances) == young


async def test_a_ticket_stays_as_long_as_the_hub_knows_its_instance() -> None:
    archive = Archive()
    await archive.past.run(0)
    archive.hub.instances["workflow:1"].last_updated_time = day(60)
    await archive.purge(61)
    assert archive.keys("locks", "singleton") == [SCRAPE, "workflow:1"]
