"""Logging of one process, the host's or a worker's: what passes the filter goes to stdout."""

import logging
import os
import sys
from collections.abc import Mapping

from devhost.console import console_handler, lowest_level


def configure_logging(log_levels: Mapping[str, str], *, is_verbose: bool, user_level: str | None) -> None:
    """Replace the handlers of the root logger; `log_levels` are host.json's, see devhost.console.CategoryFilter."""
    handler = console_handler(sys.stdout, log_levels, is_verbose=is_verbose, user_level=user_level)
    is_debugging = os.environ.get("PYTHON_ENABLE_DEBUG_LOGGING") == "1"
    level = lowest_level(log_levels, user_level=user_level)
    logging.basicConfig(level=min(level, logging.DEBUG) if is_debugging else level, handlers=[handler], force=True)
