"""What may happen to runs from outside, in random order: their host killed, storage restarted, the network cut."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from tests.helpers.azurite import RestartedAzurite
from tests.helpers.relay import Relay
from tests.helpers.running_app import RunningApp


class Disturbance(StrEnum):
    """What happens, at most at one moment of a run."""

    KILL = "host killed"
    KILL_ALL = "host and workers killed"
    RESTART = "storage restarted"
    RESTART_BY_KILL = "storage killed and restarted"
    CUT = "network to the site cut"


def shuffled(kills: int, restarts: int, cuts: int, dice: random.Random) -> list[Disturbance]:
    """So many of each kind, the kinds of kills and restarts in turn, in random order."""
    found = [
        *((Disturbance.KILL, Disturbance.KILL_ALL)[number % 2] for number in range(kills)),
        *((Disturbance.RESTART, Disturbance.RESTART_BY_KILL)[number % 2] for number in range(restarts)),
        *[Disturbance.CUT] * cuts,
    ]
    dice.shuffle(found)
    return found


class Disturber:
    """Lets disturbances happen; `done` counts them."""

    def __init__(self, app: RunningApp, azurite: RestartedAzurite, network: Relay, *, cut_s: float) -> None:
        self.done: Counter[Disturbance] = Counter()
        self._app, self._azurite, self._network, self._cut_s = app, azurite, network, cut_s
        self._mender: threading.Timer | None = None
        self._what: dict[Disturbance, Callable[[], None]] = {
            Disturbance.KILL: lambda: self._kill([]),
            Disturbance.KILL_ALL: lambda: self._kill(children_of(app.child.pid)),
            Disturbance.RESTART: lambda: azurite.restart(kill=False),
            Disturbance.RESTART_BY_KILL: lambda: azurite.restart(kill=True),
            Disturbance.CUT: self._cut,
        }

    def happen(self, what: Disturbance) -> None:
        """Let it happen; returns when host and storage are up again. The network stays cut for a while."""
        self._what[what]()
        self.done[what] += 1

    @property
    def is_network_cut(self) -> bool:
        """Whether the site cannot be reached."""
        return self._mender is not None and self._mender.is_alive()

    def wait_for_network(self) -> None:
        """Return when the network is whole again."""
        if self._mender is not None:
            self._mender.join()

    def _kill(self, workers: list[int]) -> None:
        """Without `workers`, they find out by themselves a moment later, and may write meanwhile."""
        self._app.child.kill()
        for pid in workers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._app.restart()

    def _cut(self) -> None:
        self.wait_for_network()
        self._network.cut()
        self._mender = threading.Timer(self._cut_s, self._network.mend)
        self._mender.start()


def children_of(pid: int) -> list[int]:
    """The processes that this one has started and that have not ended."""
    return [int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()]


def wait_while(is_so: Callable[[], bool], seconds: float) -> bool:
    """True if it is so for so many seconds."""
    end = time.monotonic() + seconds
    while is_so():
        if (left_s := end - time.monotonic()) <= 0:
            return True
        time.sleep(min(0.1, left_s))
    return False
