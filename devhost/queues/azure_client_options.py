"""How the host's own clients of Azure's storage libraries behave."""

import logging
from typing import Any

# The library writes every request to the log at INFO, and the host asks an idle queue every two seconds. A logger of
# the host's own, so that the app's clients log as the app wants.
_QUIET = logging.getLogger("devhost.storage.http")
_QUIET.setLevel(logging.ERROR)

CLIENT_OPTIONS: dict[str, Any] = {
    # The libraries' own patience would hide for a minute that the emulator is not running.
    "retry_total": 2,
    "connection_timeout": 5,
    "read_timeout": 30,
    "logger": _QUIET,
}
STORAGE_CLIENT_OPTIONS: dict[str, Any] = {
    **CLIENT_OPTIONS,
    "initial_backoff": 0,
    "increment_base": 1,
    "random_jitter_range": 0,
}
"""For queues and blobs, whose retries are apart from those of the tables."""
