"""The process replaces itself by a fresh one of the same command, which takes over port and lock.

The process ID stays, the port never closes: connections that arrive meanwhile wait for the successor. A module that was
imported is truly gone, which importing it again could not achieve.
"""

import importlib.util
import os
import signal
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from devhost.life import STOP_SIGNALS

_VARIABLE = "DEVHOST_TAKEN_OVER"


@dataclass(frozen=True, slots=True)
class Launch:
    """How this process was started: all that a successor must find again, and what it takes over."""

    command: tuple[str, ...]
    folder: Path
    environ: Mapping[str, str]
    port_descriptor: int | None = None
    """The listening socket of the predecessor; None in the first life."""
    lock_descriptor: int | None = None
    """The locked file of the state folder; None in the first life."""

    @property
    def is_restart(self) -> bool:
        """Whether this process had a predecessor."""
        return self.port_descriptor is not None


def read_launch(environ: MutableMapping[str, str]) -> Launch:
    """Before anything changes the environment or the current folder. The variable for the successor is taken out."""
    taken_over = environ.pop(_VARIABLE, "")
    port, _, lock = taken_over.partition(",")
    launch = Launch(
        command=(sys.executable, *sys.orig_argv[1:]),
        folder=Path.cwd(),
        environ=dict(environ),
        port_descriptor=int(port) if port else None,
        lock_descriptor=int(lock) if lock else None,
    )
    for descriptor in (launch.port_descriptor, launch.lock_descriptor):
        if descriptor is not None:
            os.set_inheritable(descriptor, False)
    return launch


def start_successor(
    launch: Launch, *, port_descriptor: int, lock_descriptor: int, changed: Iterable[Path] = ()
) -> NoReturn:
    """Become the successor. Raises OSError if the interpreter or the folder is gone."""
    for path in changed:
        _forget_compiled(path)
    for descriptor in (port_descriptor, lock_descriptor):
        os.set_inheritable(descriptor, True)
    # Until the successor has its handlers, a signal would kill it; held back, it ends it in order.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    os.chdir(launch.folder)
    environ = {**launch.environ, _VARIABLE: f"{port_descriptor},{lock_descriptor}"}
    os.execve(launch.command[0], launch.command, environ)  # noqa: S606 - the command that started us


def let_signals_in() -> None:
    """The successor has its handlers now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def _forget_compiled(path: Path) -> None:
    # Python takes compiled code for current if the source's size and whole second of change are the same. Two quick
    # saves may well be alike in both.
    if path.suffix == ".py":
        with suppress(OSError, NotImplementedError):
            Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)
