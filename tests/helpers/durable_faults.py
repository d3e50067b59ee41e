"""A store whose methods fail when a test says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from devhost.durable.store.entity_store import EntityStore
from devhost.durable.store.episode_store import EpisodeStore
from devhost.durable.store.store import Store

Faults = Mapping[str, list[Exception]]


class Faulty:
    """Passes every call on, unless an exception waits in `faults` under the method's name: it is raised, once."""

    def __init__(self, view: EpisodeStore | EntityStore, faults: Faults) -> None:
        self._view, self._faults = view, faults

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method, waiting = getattr(self._view, name), self._faults.get(name, [])

        def call(*args: Any, **kwargs: Any) -> Any:
            if waiting:
                raise waiting.pop(0)
            return method(*args, **kwargs)

        return call


class FaultyStore:
    """A store for TaskHub; clients' side of it is sound."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self.instances = store.instances
        self.episodes = Faulty(store.episodes, faults)
        self.entities = Faulty(store.entities, faults)
