"""One life of the host process: what may end it, and who asked first."""

import asyncio
import signal
import threading
from dataclasses import dataclass
from pathlib import Path

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Stopped:
    """A signal asked for the end."""


@dataclass(frozen=True, slots=True)
class Restarted:
    """Another life shall follow, in the same process and with the same port."""

    reason: str
    changed: tuple[Path, ...] = ()
    """Files of the app that have changed, as far as known."""


@dataclass(frozen=True, slots=True)
class GaveUp:
    """The host cannot go on."""

    message: str


Ending = Stopped | Restarted | GaveUp


class Life:
    """Ends once: the first ending counts, but a restart gives way to the others.

    Every method but `wait` may be called from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal handler may come in between
        self._ending: Ending | None = None
        self._waiting: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def end(self, ending: Ending) -> None:
        """Ask for the end; whoever waits for it goes on."""
        with self._lock:
            if self._ending is not None and (isinstance(ending, Restarted) or not isinstance(self._ending, Restarted)):
                return
            self._ending = ending
            if self._waiting is not None:
                loop, is_over = self._waiting
                loop.call_soon_threadsafe(is_over.set)

    @property
    def ending(self) -> Ending | None:
        """The ending that counts at present."""
        return self._ending

    async def wait(self) -> Ending:
        """The ending, as soon as somebody asks for one. One task may wait."""
        is_over = asyncio.Event()
        with self._lock:
            if self._ending is not None:
                return self._ending
            self._waiting = asyncio.get_running_loop(), is_over
        await is_over.wait()
        assert self._ending is not None
        return self._ending
