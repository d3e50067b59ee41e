"""History texts and task tables of recently run executions, so that an episode need not read them again."""

import sys
from collections import OrderedDict
from dataclasses import dataclass

from devhost.durable.episodes.task_table import TaskTable

# The objects of a task table take 7 to 10 bytes for each character of its stored text, measured with short names.
_TABLE_BYTES_PER_CHAR = 10


@dataclass(frozen=True, slots=True)
class CachedExecution:
    """What is stored of one generation after its commit number `episode`.

    `table` has forgotten the answer that it was bound to; `table_chars` is the length of its stored text.
    """

    execution_id: str
    episode: int
    past: str
    table: TaskTable
    table_chars: int

    @property
    def size_bytes(self) -> int:
        """About how much memory the entry holds."""
        return sys.getsizeof(self.past) + self.table_chars * _TABLE_BYTES_PER_CHAR


class ExecutionCache:
    """The most recently used entries, as many as take at most `max_bytes` together."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[str, CachedExecution] = OrderedDict()

    def take(self, instance_id: str) -> CachedExecution | None:
        """Remove and return the entry: an episode changes it, and puts it back only after its commit."""
        entry = self._entries.pop(instance_id, None)
        if entry is not None:
            self._bytes -= entry.size_bytes
        return entry

    def put(self, instance_id: str, entry: CachedExecution) -> None:
        """Keep the entry, at the cost of the least recently used ones."""
        self.take(instance_id)
        self._entries[instance_id] = entry
        self._bytes += entry.size_bytes
        while self._bytes > self._max_bytes:
            _, oldest = self._entries.popitem(last=False)
            self._bytes -= oldest.size_bytes
