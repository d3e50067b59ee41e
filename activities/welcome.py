"""An activity that fails on purpose, so that everybody can watch what a retry does."""

import random
from typing import Any

from scraper.run_log import run_logger
from scraper.settings import app_settings

logger = run_logger(__name__)


class FailedOnPurpose(Exception):
    """The dice fell badly: what an unreliable service would answer."""


async def say_welcome(payload: dict) -> str:
    """A welcome. Input: `name`. Raises FailedOnPurpose on WELCOME_FAILURE_PERCENT of the attempts."""
    name: Any = payload["name"]
    percent = app_settings().welcome_failure_percent
    if random.random() * 100 < percent:  # noqa: S311 - dice, not a secret
        raise FailedOnPurpose(f"'{name}' was not welcomed; {percent:g} % of all attempts fail on purpose")
    logger.info("welcomed '%s'", name)
    return f"Welcome {name}"
