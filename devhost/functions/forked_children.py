"""What a process forked by the app gives up at once, since it belongs to the host alone.

Processes that run another program inherit none of it: Python opens everything without inheritance.
"""

import os
import signal
import socket
import stat
import threading
from typing import Any

_STOP_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})


class HostBelongings:
    """Sockets of the host's ports, files and signal handlers; a forked child keeps none of them.

    A child that kept them would hold the port and the lock of a killed host, keep the connections of its clients
    open, and pass the signals that it gets itself on to the host, through asyncio's wake-up descriptor.
    """

    def __init__(self) -> None:
        self._ports: set[int] = set()
        self._files: set[int] = set()
        self._handlers: list[Any] = []
        self._mask = threading.local()

    def drop_in_forked_children(self) -> None:
        """From now on; what is added later counts too. Once per process: there is no way back."""
        os.register_at_fork(before=self._hold_signals, after_in_parent=self._let_signals_in, after_in_child=self._drop)

    def add_port(self, port: int) -> None:
        """The listener of this TCP port and every connection that it accepts."""
        self._ports.add(port)

    def add_file(self, descriptor: int) -> None:
        """An open file."""
        self._files.add(descriptor)

    def add_signal_handler(self, number: int) -> None:
        """The present handler of this signal; handlers that the app sets are its own affair."""
        self._handlers.append(signal.getsignal(number))

    def _hold_signals(self) -> None:
        # A signal to a child that has only just begun would still reach the host.
        self._mask.before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)

    def _let_signals_in(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask.before)

    def _drop(self) -> None:
        signal.set_wakeup_fd(-1)
        for number in _STOP_SIGNALS:
            if signal.getsignal(number) in self._handlers:
                signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        self._let_signals_in()
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - as little code as possible in this moment
            for descriptor in map(int, os.listdir("/dev/fd")):  # noqa: PTH208 - as above
                if descriptor in self._files or _local_port(descriptor) in self._ports:
                    # Replaced, not closed: the objects that own the descriptor live on here and may close it again,
                    # which must not hit a file that the child has opened meanwhile.
                    os.dup2(nothing.fileno(), descriptor, inheritable=False)


def _local_port(descriptor: int) -> int | None:
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return None
        found = socket.socket(fileno=descriptor)
    except OSError:  # the descriptor of the listing itself is closed by now
        return None
    try:
        return int(found.getsockname()[1]) if found.family in (socket.AF_INET, socket.AF_INET6) else None
    except OSError:
        return None
    finally:
        found.detach()
