"""Finding in the ledger what has happened since the last look, and writing the alerts of it down.

Nothing that runs knows of alerts, and none waits for one: the ledger is read behind its back. So an alert can be late,
and none is lost, whatever died when.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import azure.durable_functions as df

from orchestrations import names
from scraper.settings import Settings
from storage.data.dataset import Dataset
from storage.ledger.alerts import Alert, AlertState, Bookmark
from storage.ledger.runs import RunRecord
from storage.outcomes.run_ends import with_its_end
from storage.store import Store
from triggers.alerts.events import Seen, of_run, of_skip, of_stall
from triggers.alerts.missed import missed_tick
from triggers.runs.live_runs import live_run

FIRST_LOOK_BACK: Final = timedelta(days=1)
LONGEST_LOOK_BACK: Final = timedelta(days=7)
"""What happened before that nobody wants to be told any more; of an app that was off for long."""

CLOCKS_DIFFER: Final = timedelta(hours=1)
"""So much later than its time may a skip be written down, or by so much may two clocks differ."""

RUNS_PER_PAGE: Final = 50
MOST_RUNS: Final = 500


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the ledger. `awake_since` is since when the app has been up without a gap."""

    client: df.DurableOrchestrationClient
    store: Store
    settings: Settings
    now: datetime
    awake_since: datetime


async def collect(look: Look) -> list[Alert]:
    """Write down the alerts of what has happened since the last look; returns those that are new."""
    known = await look.store.alerts.bookmark()
    since = known.since if known is not None else look.now
    looked_at = known.looked_at - CLOCKS_DIFFER if known is not None else look.now - FIRST_LOOK_BACK
    bookmark = Bookmark(since, look.now, known.epoch if known else 0, known.tick if known else None)
    found: list[Alert] = []
    horizon = max(looked_at, look.now - LONGEST_LOOK_BACK)
    ended, found_in_runs = await _of_runs(look, bookmark.epoch, horizon)
    found += found_in_runs
    found += [alert async for alert in _of_skips(look.store, horizon)]
    tick, missed = await missed_tick(
        look.client, look.store, look.settings, bookmark, now=look.now, awake_since=look.awake_since
    )
    found += [missed] if missed is not None else []
    state = AlertState.PENDING if look.settings.alert_webhook_url else AlertState.UNWANTED
    stamped = [replace(alert, noticed_at=look.now, next_attempt_at=look.now, state=state) for alert in found]
    new = [alert for alert in stamped if await look.store.alerts.record(alert)]
    # Last: whoever dies before has seen nothing, and looks again.
    await look.store.alerts.set_bookmark(replace(bookmark, epoch=ended, tick=tick))
    return new


async def _of_runs(look: Look, seen: int, horizon: datetime) -> tuple[int, list[Alert]]:
    """The epoch up to which all runs have ended, and the alerts of the runs behind `seen`."""
    found: list[Alert] = []
    ended_up_to = seen
    all_before_ended = True
    for run in await _runs_behind(look.store, seen, horizon):
        found += [of_stall(stall) for stall in await look.store.stalls.of_run(run.epoch)]
        ended = await with_its_end(look.client, look.store, run, of=names.DAILY_SCRAPE)
        if ended.outcome is None:
            all_before_ended = False
            continue
        ended_at = ended.finished_at or look.now
        if ended_at >= horizon:
            found += of_run(ended, ended_at=ended_at, seen=await _seen(look.store, ended))
        if all_before_ended:
            ended_up_to = run.epoch
    live = await live_run(look.client, look.store)
    if live is not None and not live.run.claim:  # it has no record yet: nobody has come to it above
        found += [of_stall(stall) for stall in await look.store.stalls.of_run(live.run.epoch)]
    return ended_up_to, found


async def _seen(store: Store, run: RunRecord) -> dict[str, Seen]:
    """What readers see by now of the sources that were refused."""
    refused = [one["source"] for one in run.results if one["outcome"] == "refused"]
    return {source: seen_of(await store.datasets.find(source), run.epoch) for source in refused}


def seen_of(dataset: Dataset | None, refused: int) -> Seen:
    """What readers see of a source of which the gate has refused the snapshot with the epoch `refused`."""
    if dataset is None or not dataset.snapshot:
        return Seen.NOTHING
    if refused in {dataset.epoch, *(one.epoch for one in dataset.publications)}:
        return Seen.FORCED
    return Seen.NEWER if dataset.epoch > refused else Seen.BEFORE


async def _runs_behind(store: Store, seen: int, horizon: datetime) -> list[RunRecord]:
    """Runs with a higher epoch than `seen`, the oldest first; at the first look only those that matter still."""
    found: list[RunRecord] = []
    before: int | None = None
    while len(found) < MOST_RUNS:
        page, before = await store.runs.newest(limit=RUNS_PER_PAGE, before_epoch=before)
        newer = [run for run in page if run.epoch > seen and (seen or _may_matter(run, horizon))]
        found += newer
        if len(newer) < len(page) or before is None:
            break
    return found[::-1]


def _may_matter(run: RunRecord, horizon: datetime) -> bool:
    return run.outcome is None or (run.finished_at or run.started_at) >= horizon


async def _of_skips(store: Store, horizon: datetime) -> AsyncIterator[Alert]:
    after: str | None = None
    while True:
        page, after = await store.skips.newest(limit=RUNS_PER_PAGE, after=after)
        for skip in page:
            if skip.at < horizon:
                return
            alert = of_skip(skip)
            if alert is not None:
                yield alert
        if after is None:
            return
