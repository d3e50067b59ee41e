"""What a run has reached, in the log: once, however often its orchestrators are replayed."""

import logging
from collections.abc import Mapping

from azure.durable_functions import DurableOrchestrationContext

from scraper.run_log import log_context, run_logger

logger = run_logger(__name__)

NOT_WELL = frozenset({"failed", "refused", "completed_with_failures"})


def log_claimed(context: DurableOrchestrationContext, epoch: int, sources: int) -> None:
    """The run holds the singleton."""
    _log(context, context.instance_id, "", logging.INFO, f"run claimed: epoch {epoch}, sources {sources}")


def log_source_ended(context: DurableOrchestrationContext, run_id: str, source: str, outcome: str, reason: str) -> None:
    """One source of the run has ended; a warning if its rows are not published."""
    _log(context, run_id, source, _level(outcome), _ended("source", outcome, reason))


def log_run_ended(context: DurableOrchestrationContext, outcome: str, reason: str) -> None:
    """The run has ended; a warning if not all went well."""
    _log(context, context.instance_id, "", _level(outcome), _ended("run", outcome, reason))


def log_purge_ended(
    context: DurableOrchestrationContext, outcome: str, reason: str, deleted: Mapping[str, int]
) -> None:
    """A purge has ended, having deleted so many of these; a warning if something is left for the next one."""
    counts = ", ".join(f"{what} {count}" for what, count in sorted(deleted.items())) or "nothing to delete"
    _log(context, "", "", _level(outcome), f"{_ended('purge', outcome, reason)}: {counts}")


def _log(context: DurableOrchestrationContext, run_id: str, source: str, level: int, text: str) -> None:
    # The context lasts for this line only: an orchestrator gives its thread away at every yield.
    if not context.is_replaying:
        with log_context(run_id=run_id, source=source):
            logger.log(level, "%s", text)


def _level(outcome: str) -> int:
    return logging.WARNING if outcome in NOT_WELL else logging.INFO


def _ended(what: str, outcome: str, reason: str) -> str:
    return f"{what} ended: {outcome}: {reason}" if reason else f"{what} ended: {outcome}"
