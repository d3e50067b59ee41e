"""The app's clock: the one place that asks for the time, so that a test can own it."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The time now, aware, in UTC."""
    return datetime.now(UTC)
