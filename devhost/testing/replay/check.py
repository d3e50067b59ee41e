"""Recorded histories against today's code: would an instance that is running now survive the next deployment?"""

import inspect
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from azure.durable_functions import Orchestrator

from devhost.durable.protocol import Event
from devhost.testing.errors import KitError, hides_frames
from devhost.testing.replay.comparison import Comparison
from devhost.testing.replay.recorded_episodes import read_episodes
from devhost.testing.replay.records import read_record
from devhost.testing.replay.replayed_episodes import Handle, KnownNames, replay_episodes
from devhost.testing.rig.app_adapter import App, functions_under_test

__tracebackhide__ = hides_frames
History: TypeAlias = Sequence[Event] | Path | str
"""Raw history events, as `host.history` gives them, or a file that `record` made."""

Code: TypeAlias = App | Callable[..., Any]
"""An orchestrator function (a generator with one argument), or the app that has it, or the folder of the app."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What was compared."""

    name: str
    episodes: int
    events: int


def check_replay(history: History, code: Code, *, exact: bool = True) -> Replayed:
    """Replay every recorded episode with the real SDK, and compare what the code asks for with the history.

    `exact` compares also what breaks no running instance: inputs (where the hub stores them), times of timers, and
    how a finished instance ended. Histories of running instances are fine. Raises ReplayBroken.
    """
    return replayed(history, code, exact=exact, looser="exact=False")


def replayed(history: History, code: Code, *, exact: bool, looser: str) -> Replayed:
    """`check_replay`, for a caller that says `exact=False` in another way, which is `looser`."""
    events = read_record(history) if isinstance(history, str | Path) else list(history)
    recorded = read_episodes(events)
    handle, known = _handle(code, recorded.name)
    comparison = Comparison(recorded.name, recorded.instance_id, is_exact=exact, looser=looser)
    for episode, result in replay_episodes(recorded, handle, known):
        comparison.compare(episode, result)
    comparison.finish()
    return Replayed(recorded.name, len(recorded.episodes), len(events))


def _handle(code: Code, name: str) -> tuple[Handle, KnownNames | None]:
    if inspect.isfunction(code):
        return Orchestrator.create(code), None
    functions = functions_under_test(code, os.environ)
    found = {kind: [one for one in functions if one.description.trigger_type == kind] for kind in _KINDS}
    for function in found["orchestrationTrigger"]:
        if function.description.durable_name.lower() == name.lower():
            names = {kind: tuple(one.description.durable_name for one in found[kind]) for kind in _KINDS}
            return function.code, KnownNames(*(names[kind] for kind in _KINDS))
    raise KitError(f"The app has no orchestrator '{name}', of which this history is.")


_KINDS = ("activityTrigger", "orchestrationTrigger", "entityTrigger")
