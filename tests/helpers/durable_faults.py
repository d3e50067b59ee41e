"""A store whose methods fail when a test says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from devhost.durable.episode_store import EpisodeStore
from devhost.durable.store import Store

Faults = Mapping[str, list[Exception]]


class FaultyEpisodes:
    """Passes every call on, unless an exception waits in `faults` under the method's name: it is raised, once."""

    def __init__(self, episodes: EpisodeStore, faults: Faults) -> None:
        self._episodes, self._faults = episodes, faults

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method, waiting = getattr(self._episodes, name), self._faults.get(name, [])

        def call(*args: Any, **kwargs: Any) -> Any:
            if waiting:
                raise waiting.pop(0)
            return method(*args, **kwargs)

        return call


class FaultyStore:
    """A store for TaskHub; clients' side of it is sound."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self.instances = store.instances
        self.episodes = FaultyEpisodes(store.episodes, faults)
