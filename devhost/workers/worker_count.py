"""How many worker processes there shall be."""

from collections.abc import Mapping

from devhost.errors import ConfigurationError

SETTING = "FUNCTIONS_WORKER_PROCESS_COUNT"
MOST_WORKERS = 10


def worker_count(given: int | None, environ: Mapping[str, str]) -> int:
    """`given` is that of the command line, already checked; else the setting's; else 1.

    Raises ConfigurationError for a setting that is not a whole number from 1 to 10.
    """
    if given is not None:
        return given
    text = environ.get(SETTING) or "1"
    count = parse_worker_count(text)
    if count is None:
        raise ConfigurationError(
            f"{SETTING} is '{text}'; set it to a whole number from 1 to {MOST_WORKERS}, or remove it."
        )
    return count


def parse_worker_count(text: str) -> int | None:
    """The number, None if it is not one from 1 to 10."""
    is_number = text.isascii() and text.isdigit()
    return int(text) if is_number and 1 <= int(text) <= MOST_WORKERS else None
