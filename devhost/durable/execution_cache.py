"""History texts and task tables of recently run executions, so that an episode need not read them again."""

from collections import OrderedDict
from dataclasses import dataclass

from devhost.durable.task_table import TaskTable


@dataclass(frozen=True, slots=True)
class CachedExecution:
    """What is stored of one generation after its commit number `episode`."""

    execution_id: str
    episode: int
    past: str
    table: TaskTable


class ExecutionCache:
    """The most recently used entries, as many as have at most `max_chars` of history together."""

    def __init__(self, max_chars: int) -> None:
        self._max_chars = max_chars
        self._chars = 0
        self._entries: OrderedDict[str, CachedExecution] = OrderedDict()

    def take(self, instance_id: str) -> CachedExecution | None:
        """Remove and return the entry: an episode changes it, and puts it back only after its commit."""
        entry = self._entries.pop(instance_id, None)
        if entry is not None:
            self._chars -= len(entry.past)
        return entry

    def put(self, instance_id: str, entry: CachedExecution) -> None:
        """Keep the entry, at the cost of the least recently used ones."""
        self.take(instance_id)
        self._entries[instance_id] = entry
        self._chars += len(entry.past)
        while self._chars > self._max_chars:
            _, oldest = self._entries.popitem(last=False)
            self._chars -= len(oldest.past)
