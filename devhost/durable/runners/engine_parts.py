"""Parts of the engine that may be exchanged: where blocking work runs, how IDs are made, how long instances rest."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from devhost.background import SideThread, SideWork
from devhost.durable.runners.wake_queue import episode_gap_s


def random_id() -> str:
    """32 random hex digits."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class EngineParts:
    """The defaults are for a running host; a test wants the same IDs and the same order at every run."""

    side_work: Callable[[str], SideWork] = SideThread
    """Makes the executor of that name, for work that must not hold up the event loop."""
    new_id: Callable[[], str] = random_id
    """An ID of an instance or an execution that nobody has named."""
    episode_gap_s: Callable[[float, int], float] = episode_gap_s
    """Seconds of a replay and the number of open tasks, to seconds of rest (see wake_queue.episode_gap_s)."""
