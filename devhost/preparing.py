"""What the host needs before it loads the app: settings, port, lock, import path.

Nothing that takes long to import is imported here: worker processes start as soon as this is done, and import the app
while the host imports its own parts.
"""

import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from devhost.config.local_settings import LocalSettings
from devhost.environment import announce_host, load_settings
from devhost.errors import HostStartError
from devhost.functions.forked_children import HostBelongings
from devhost.life import STOP_SIGNALS, Life
from devhost.listener import take_over
from devhost.options import DEFAULT_ADDRESS, DEFAULT_PORT, StartOptions
from devhost.reload.successor import Launch
from devhost.state_dir import StateDir
from devhost.timers.timer_loop import time_zone_warnings

_LOCAL_ADDRESSES = frozenset({"127.0.0.1", "0.0.0.0", "::", "::1"})  # noqa: S104 - compared, not bound


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is known before the app is loaded."""

    options: StartOptions
    settings: LocalSettings
    state: StateDir
    sock: socket.socket
    """Listens; the server closes it."""
    base_url: str
    """Of the listener, without a final slash."""
    warnings: tuple[str, ...]
    belongings: HostBelongings
    life: Life
    leave_at_once: Callable[[], None]
    """For the second signal."""
    kept_descriptors: tuple[int, int]
    """What a successor takes over: the port, and the lock of the state folder."""
    started: float
    """Moment of the start, on the monotonic clock."""


def prepare(options: StartOptions, launch: Launch, *, leave_at_once: Callable[[], None]) -> Prepared:
    """Read the settings into the environment, claim port and state folder, enter the app's folder.

    Raises DevhostError, which names what is missing or taken.
    """
    started = time.monotonic()
    belongings = HostBelongings()
    for number in STOP_SIGNALS:
        belongings.add_signal_handler(number)
    belongings.drop_in_forked_children()
    root = options.script_root
    if not root.is_dir():
        raise HostStartError(f"The folder {root} does not exist; pass the folder of the app as --script-root.")
    settings, warnings = load_settings(root, os.environ)
    address = options.address or settings.address or DEFAULT_ADDRESS
    port = next(one for one in (options.port, settings.port, DEFAULT_PORT) if one is not None)
    sock = take_over(launch.port_descriptor, address, port)
    belongings.add_port(sock.getsockname()[1])
    state = StateDir(options.state_dir)
    lock_descriptor = state.lock(launch.lock_descriptor)
    belongings.add_file(lock_descriptor)
    host_name = f"{'localhost' if address in _LOCAL_ADDRESSES else address}:{sock.getsockname()[1]}"
    announce_host(os.environ, host_name=host_name, script_root=root)
    _order_import_path(root, Path.cwd())
    os.chdir(root)
    return Prepared(
        options=options,
        settings=settings,
        state=state,
        # The server closes the socket that it serves; the original keeps the port for a successor.
        sock=sock.dup(),
        base_url=f"http://{host_name}",
        warnings=(*warnings, *time_zone_warnings(os.environ)),
        belongings=belongings,
        life=Life(),
        leave_at_once=leave_at_once,
        kept_descriptors=(sock.detach(), lock_descriptor),
        started=started,
    )


def _order_import_path(root: Path, launch_folder: Path) -> None:
    # `python -m` puts the folder it was started in first; there, as this package's own folder in PYTHONPATH,
    # it would hide modules of the app. So they follow the app's folder, which itself follows the installed
    # packages, as in the real worker.
    own_folder = Path(__file__).resolve().parent.parent
    later = {own_folder} if own_folder.name != "site-packages" else set()
    if sys.path and Path(sys.path[0] or ".").resolve() == launch_folder.resolve():
        later.add(launch_folder.resolve())
    kept = [entry for entry in sys.path if Path(entry or ".").resolve() not in {root, *later}]
    sys.path[:] = [*kept, str(root), *(str(folder) for folder in sorted(later - {root}))]
