"""Everything durable of one task hub, in one SQLite file."""

from pathlib import Path

from devhost.durable.store.database import Commit, Database, commit
from devhost.durable.store.entity_store import EntityStore
from devhost.durable.store.episode_store import EpisodeStore
from devhost.durable.store.instance_store import InstanceStore


class Store:
    """Three views on one file: `instances` for clients, `episodes` for the engine, `entities` for both.

    Calls block and must come from one thread at a time; TaskHub uses a thread of its own for them.
    """

    def __init__(self, path: Path, *, commit: Commit = commit) -> None:
        """Open or create the file; `commit` is Database's. Raises HostStartError if it is no hub of this version."""
        self._database = Database(path, commit=commit)
        self.instances = InstanceStore(self._database)
        self.episodes = EpisodeStore(self._database)
        self.entities = EntityStore(self._database)

    def close(self) -> None:
        """Close the file; a later use fails."""
        self._database.close()
