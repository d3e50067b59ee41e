"""Telemetry that fails is told in the log, once, and never to the run."""

from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec

from scraper.run_log import run_logger

logger = run_logger(__name__)

P = ParamSpec("P")

_told: Final[set[tuple[str, str]]] = set()


def harmless(emit: Callable[P, None]) -> Callable[P, None]:
    """For whatever sends telemetry: what it raises goes into the log, the same fault only once in this process."""

    @wraps(emit)
    def safely(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            emit(*args, **kwargs)
        except Exception as fault:  # noqa: BLE001 - the run goes on, whatever this was
            tell(emit.__qualname__, fault)

    return safely


def tell(what: str, fault: Exception) -> None:
    """Log a fault of telemetry, unless the same one has been told."""
    key = (what, type(fault).__name__)
    if key not in _told:
        _told.add(key)
        logger.warning("telemetry is incomplete: %s: %s: %s", what, type(fault).__name__, fault)
