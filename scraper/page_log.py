"""Failed pages in the log: one line each."""

from collections.abc import Sequence
from typing import Final

from scraper.models import PageFailure
from scraper.run_log import log_context, run_logger

MOST_LINES: Final = 100
"""As many pages as a batch can have; planning may meet thousands of bad locations, which `failures` lists."""

logger = run_logger(__name__)


def log_failed_pages(failures: Sequence[PageFailure]) -> None:
    """Log each failed page with its URL, reason and attempts; of very many the first, and how many more there are.

    Call it once the failures are recorded: an attempt that does not count should not be heard of.
    """
    for failure in failures[:MOST_LINES]:
        with log_context(url=failure.url):
            logger.warning(
                "page failed: %s after %d attempt(s): %s",
                failure.reason,
                failure.attempts,
                failure.detail,
                extra={"reason": failure.reason.value, "attempts": failure.attempts},
            )
    if len(failures) > MOST_LINES:
        logger.warning("%d more pages failed; the run's failures list them", len(failures) - MOST_LINES)
