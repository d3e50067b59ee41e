"""The daily tick."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from orchestrations import names
from scraper import clock
from scraper.run_log import run_logger
from scraper.settings import Settings
from starts.singleton import RunAlreadyLive, Start, start_singleton
from storage.store import open_store

TICK_TOLERANCE = timedelta(seconds=30)  # a host's clock may fire a little early

logger = run_logger(__name__)


async def daily_timer(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """Start the run of this tick's UTC date, unless a run is live or this tick has been served already."""
    run_id = f"daily-{tick_of(timer.schedule_status, now=clock.utc_now()).date().isoformat()}"
    settings = Settings()
    store = open_store(settings)
    served = await store.runs.find(run_id)
    if served is not None and served.outcome != "superseded":
        logger.warning("skipped the scheduled start of '%s': this date has had its run", run_id)
        return
    start = Start(names.DAILY_SCRAPE, run_id, {}, started_by="timer", once=True)
    try:
        await start_singleton(client, store.tickets, start, grace=settings.start_grace)
    except RunAlreadyLive as refusal:
        logger.warning("skipped the scheduled start of '%s': %s", run_id, refusal)


def tick_of(schedule_status: Mapping[str, Any] | None, *, now: datetime) -> datetime:
    """The scheduled time of this tick in UTC: the host's `Next`.

    It is now if the host keeps no schedule status, or if somebody runs the timer by hand: then `Next` is still to come.
    """
    scheduled = (schedule_status or {}).get("Next")
    if not scheduled:
        return now
    tick = datetime.fromisoformat(scheduled).astimezone(UTC)
    return now if tick > now + TICK_TOLERANCE else tick
