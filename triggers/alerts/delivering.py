"""Sending what is written down: at least once, with the same ID, until somebody has taken it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from scraper import clock
from scraper.run_log import run_logger
from scraper.settings import Settings
from storage.ledger.alerts import Alert, Alerts, AlertState
from triggers.alerts.events import AlertKind
from triggers.alerts.payload import body_of
from triggers.alerts.webhook import Answer, post

MOST_PER_LOOK: Final = 20
"""With ten seconds for each they end before the next look."""

TAKEN_FOR: Final = timedelta(minutes=2)
"""Longer than a request may take; whoever has not said by then what came of it is dead."""

FIRST_PAUSE: Final = timedelta(minutes=4)  # less than between two looks, so that the next one tries again
LONGEST_PAUSE: Final = timedelta(hours=1)
GIVEN_UP_AFTER: Final = timedelta(days=3)

Send = Callable[[Alert], Awaitable[Answer]]
logger = run_logger(__name__)


async def deliver(alerts: Alerts, settings: Settings) -> None:
    """Send what is due, the oldest first and skipped starts last.

    Nothing if there is nobody to send it to, or the settings are wrong.
    """
    url = settings.alert_webhook_url
    if not url or settings.alerts_fault:
        return

    async def send(alert: Alert) -> Answer:
        return await post(url, body_of(alert, settings), alert_id=alert.alert_id)

    await deliver_by(alerts, send)


async def deliver_by(alerts: Alerts, send: Send) -> None:
    """As `deliver`. Ends as soon as nobody answers: the others would not be heard either."""
    due = [alert for alert in await alerts.pending() if _is_due(alert, clock.utc_now())]
    due.sort(key=lambda alert: alert.kind == AlertKind.SKIPPED)  # of these there may be a hundred at once
    for alert in due[:MOST_PER_LOOK]:
        taken = await _take(alerts, alert, clock.utc_now())
        if taken is None:
            continue  # somebody else is at it, or it has been given up
        answer = await send(taken)
        await alerts.update(_after(taken, answer, clock.utc_now()))
        if answer.fault:
            logger.warning("alert '%s' was not delivered: %s", alert.alert_id, answer.fault)
        if not answer.is_there:
            return


def pause_after(attempts: int) -> timedelta:
    """How long to wait after this many attempts: twice as long each time, at most an hour."""
    doublings = min(max(attempts - 1, 0), 10)
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def _is_due(alert: Alert, now: datetime) -> bool:
    return alert.next_attempt_at is None or alert.next_attempt_at <= now


async def _take(alerts: Alerts, alert: Alert, now: datetime) -> Alert | None:
    """The alert as ours to send, or None."""
    if now - (alert.noticed_at or alert.at) > GIVEN_UP_AFTER:
        logger.error("alert '%s' is given up after %d attempts: %s", alert.alert_id, alert.attempts, alert.fault)
        await alerts.update(replace(alert, state=AlertState.GIVEN_UP))
        return None
    return await alerts.update(replace(alert, attempts=alert.attempts + 1, next_attempt_at=now + TAKEN_FOR))


def _after(alert: Alert, answer: Answer, now: datetime) -> Alert:
    if not answer.fault:
        return replace(alert, state=AlertState.SENT, fault="")
    pause = max(pause_after(alert.attempts), timedelta(seconds=answer.retry_after_s))
    return replace(alert, next_attempt_at=now + pause, fault=answer.fault)
