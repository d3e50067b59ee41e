"""A tick of the schedule that nothing came of: neither a run nor a line in the ledger of skips."""

from datetime import datetime, timedelta
from typing import Final

import azure.durable_functions as df

from orchestrations import names
from scraper.host_facts import HostFacts
from scraper.settings import Settings
from starts.later import find_scheduled
from storage.ledger.alerts import Alert, Bookmark
from storage.ledger.hub import is_live
from storage.store import Store
from triggers.alerts.events import of_missed_tick
from triggers.schedule.ticks import owed_ticks

MISSED_AFTER: Final = timedelta(minutes=30)
"""The timer is called again at least every five minutes until its tick is dealt with."""

LOOKED_BACK: Final = timedelta(days=32)
"""The oldest tick that is looked for: one of a schedule that ticks once a month."""


async def missed_tick(
    client: df.DurableOrchestrationClient,
    store: Store,
    settings: Settings,
    bookmark: Bookmark,
    *,
    now: datetime,
    awake_since: datetime,
) -> tuple[datetime | None, Alert | None]:
    """The newest tick of which is known what came of it, and the alert of one of which nothing came, if that is due."""
    due = now - MISSED_AFTER
    tick = newest_tick(settings.scrape_schedule, after=max(bookmark.since, now - LOOKED_BACK), until=due)
    if tick is None or tick == bookmark.tick or awake_since > due or HostFacts.of_environment().has_no_timer:
        return bookmark.tick, None
    state = await store.schedules.read(names.DAILY_SCRAPE)
    if state.paused or (state.changed_at is not None and state.changed_at >= tick):
        return bookmark.tick, None
    run_id = f"daily-{tick.date().isoformat()}"
    if await _is_on_its_way(client, store, run_id, tick):
        return bookmark.tick, None
    if await _is_served(store, run_id, tick):
        return tick, None
    detail = "neither a run nor a skip of it is recorded; is the timer function enabled, and does it succeed?"
    return tick, of_missed_tick(run_id, tick, at=now, detail=detail)


def newest_tick(schedule: str, *, after: datetime, until: datetime) -> datetime | None:
    """The newest tick later than `after` and not later than `until`; None if there is none."""
    if until <= after:
        return None
    tick = owed_ticks(schedule, after, until)[-1]
    return tick if tick > after else None


async def _is_on_its_way(client: df.DurableOrchestrationClient, store: Store, run_id: str, tick: datetime) -> bool:
    """True while the run of the tick waits for another one to end, or has not got to its first step."""
    waiting = await find_scheduled(client, store.schedules, names.BUFFERED_SCRAPE)
    if waiting is not None and waiting.is_waiting and waiting.due_at == tick:
        return True
    return await is_live(client, run_id, of=names.DAILY_SCRAPE)


async def _is_served(store: Store, run_id: str, tick: datetime) -> bool:
    if await store.runs.find(run_id) is not None:
        return True
    after: str | None = None
    while True:
        page, after = await store.skips.newest(limit=100, after=after)
        if any(skip.run_id == run_id and skip.scheduled_for == tick for skip in page):
            return True
        if after is None or page[-1].at < tick - MISSED_AFTER:
            return False
