"""One look of the watchdog for alerts: find what has happened, then send what is due."""

from scraper.run_log import log_context, run_logger
from triggers.alerts.collecting import Look, collect
from triggers.alerts.delivering import deliver
from triggers.alerts.events import AlertKind

logger = run_logger(__name__)


async def look_for_alerts(look: Look) -> None:
    """Never raises: what goes wrong here is logged, and the next look, in five minutes, does it again."""
    try:
        for alert in await collect(look):
            if alert.kind == AlertKind.MISSED:  # nothing else has logged it
                with log_context(run_id=str(alert.facts["runId"])):
                    logger.error("%s", alert.text)
    except Exception:
        logger.exception("the ledger could not be looked through for alerts; the next look does it again")
    try:
        await deliver(look.store.alerts, look.settings)
    except Exception:
        logger.exception("alerts could not be sent; the next look does it again")
