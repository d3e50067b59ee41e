"""A run that does nothing any more is reported, once: `daily_scrape` would wait for it for ever."""

from datetime import datetime, timedelta

import azure.durable_functions as df
import azure.functions as func
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from scraper import clock
from scraper.run_log import log_context, run_logger
from scraper.settings import Settings, app_settings
from storage.ledger.stalls import Stall
from storage.store import Store, open_store
from triggers.alerts.collecting import Look
from triggers.alerts.look import look_for_alerts
from triggers.runs.live_runs import LiveRun, live_run, progress

WHY = {
    Status.Suspended: "its orchestration is suspended: resume it, or stop the run",
    Status.Pending: "its orchestration has not begun: is a worker running, and does the task hub answer?",
}
WHY_RUNNING = "its orchestration is running, and no step of it has ended: look for the last lines of this run"

logger = run_logger(__name__)


async def watchdog(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """Every five minutes: log an error if the live run has stopped to make progress, once for each such stall.

    Then send the alerts of what has happened; also if that look failed, since others may wait to be sent.
    """
    settings = app_settings()
    store = open_store(settings)
    now = clock.utc_now()
    awake_since = await store.stalls.look(now)
    try:
        await _look_at_live_run(client, store, settings, now, awake_since)
    finally:
        await look_for_alerts(Look(client, store, settings, now, awake_since))


async def _look_at_live_run(
    client: df.DurableOrchestrationClient, store: Store, settings: Settings, now: datetime, awake_since: datetime
) -> None:
    live = await live_run(client, store)
    if live is None:
        return
    last_progress_at = (await progress(store, live.run)).last_progress_at
    patience = timedelta(minutes=settings.stuck_after_minutes)
    stall = stall_in(live, last_progress_at, awake_since=awake_since, now=now, patience=patience)
    if stall is not None and await store.stalls.report(stall):
        with log_context(run_id=stall.run_id):
            logger.error("run is stuck: no progress since %s: %s", f"{stall.since:%Y-%m-%d %H:%M:%S} UTC", stall.reason)


def stall_in(
    live: LiveRun, last_progress_at: datetime, *, awake_since: datetime, now: datetime, patience: timedelta
) -> Stall | None:
    """The stall of a live run that made no progress for `patience`, or None.

    Hours in which the app was down do not count: whatever was in flight then goes on, or is repeated, from
    `awake_since`. A suspended run counts as every other: it holds the singleton, and somebody has to know.
    """
    if now - max(last_progress_at, awake_since) < patience:
        return None
    reason = WHY.get(live.runtime_status, WHY_RUNNING)
    return Stall(live.run.epoch, live.run.run_id, last_progress_at, now, reason)
