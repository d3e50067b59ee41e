"""What a start of the host is told, and where it looks for the app."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

DEFAULT_PORT = 7071
DEFAULT_ADDRESS = "127.0.0.1"
DEFAULT_STATE_DIR = ".devhost"
HOST_JSON = "host.json"
LOCAL_SETTINGS = "local.settings.json"


@dataclass(frozen=True, slots=True)
class StartOptions:
    """The flags of `start`; None means that the flag was not given."""

    script_root: Path
    state_dir: Path
    port: int | None = None
    address: str | None = None
    functions: tuple[str, ...] | None = None
    is_verbose: bool = False
    user_log_level: str | None = None
    cors: tuple[str, ...] | None = None
    """Allowed origins; `*` means all."""
    cors_credentials: bool = False
    enable_auth: bool = False
    workers: int | None = None
    """Worker processes, 1 to 10."""
    reload: bool = True
    """Start again when a file of the app changes."""


def find_script_root(start: Path) -> Path:
    """The nearest folder from `start` upwards with host.json or local.settings.json; else `start`."""
    candidates: Iterable[Path] = (start, *start.parents)
    for folder in candidates:
        if (folder / HOST_JSON).is_file() or (folder / LOCAL_SETTINGS).is_file():
            return folder
    return start
