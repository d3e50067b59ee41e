"""The daily purge of what is older than RETENTION_DAYS, and what became of the last one."""

from typing import Any, Final

import azure.durable_functions as df
import azure.functions as func

from orchestrations import names
from scraper.run_log import run_logger
from scraper.settings import app_settings
from starts.singleton import RunAlreadyLive, Start, start_singleton
from storage.ledger.hub import HubClient, decoded, is_of
from storage.store import open_store

PURGE_SCHEDULE: Final = "0 30 3 * * *"
"""NCRONTAB, UTC. A purge may meet a run, and leaves alone what that needs; it is cheaper if it does not."""

logger = run_logger(__name__)


async def purge_timer(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """Start the purge, unless the one before is still at it."""
    settings = app_settings()
    start = Start(names.PURGE_EXPIRED, names.PURGE_ID, None, started_by="timer")
    try:
        await start_singleton(client, open_store(settings).tickets, start, grace=settings.start_grace)
    except RunAlreadyLive:
        logger.warning("the purge before has not ended yet: no other one was started")


async def last_purge(client: HubClient) -> dict[str, Any] | None:
    """How the newest purge ended, or how far it is; None if there was none.

    One that the hub ended, since somebody terminated it, has no outcome; then the hub's word is the reason.
    """
    status = await client.get_status(names.PURGE_ID)
    if not is_of(status, names.PURGE_EXPIRED):
        return None
    output, shown = decoded(status.output), decoded(status.custom_status)
    told = output if isinstance(output, dict) else (shown if isinstance(shown, dict) else {})
    return {
        "startedAt": status.created_time.isoformat(),
        "lastUpdatedAt": status.last_updated_time.isoformat(),
        "runtimeStatus": status.runtime_status.name,
        "outcome": told.get("outcome"),
        "reason": told.get("reason", "") or (output if isinstance(output, str) else ""),
        "deleted": told.get("deleted", {}),
    }
