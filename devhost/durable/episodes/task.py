"""One action of an orchestrator as the host follows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from devhost.durable.episodes.answer import ActionType

WITH_RETRY = frozenset({ActionType.CALL_ACTIVITY_WITH_RETRY, ActionType.CALL_SUB_ORCHESTRATOR_WITH_RETRY})


class Phase(IntEnum):
    """How far one action has come."""

    HELD = 0  # known, but the gate has not reached it
    OPEN = 1  # started; its result, or its event, is awaited
    RETRY_TIMER = 2  # an attempt failed; the next one follows the timer
    CLOSING_TIMER = 3  # the last attempt failed; one more timer, then the task fails
    DONE = 4


@dataclass(slots=True)
class Task:
    """One single action: its first id (None for waits), and the id whose completion is awaited now.

    `retry_ids` are the ids that its retries took, timers and attempts in turn; `is_failed` means for good.
    """

    kind: ActionType
    name: str
    task_id: int | None
    phase: Phase = Phase.HELD
    attempt: int = 1
    open_id: int | None = None
    retry_ids: tuple[int, ...] = ()
    is_failed: bool = False

    @property
    def latest_id(self) -> int | None:
        """The id that it took last, its first one unless it was retried."""
        return self.retry_ids[-1] if self.retry_ids else self.task_id

    def to_row(self) -> list[Any]:
        """JSON values from which `from_row` restores the task; most tasks are neither retried nor failed."""
        row = [self.kind, self.name, self.task_id, self.phase, self.attempt, self.open_id]
        return [*row, self.retry_ids, self.is_failed] if self.retry_ids or self.is_failed else row

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> "Task":
        """The task that `to_row` wrote."""
        kind, name, task_id, phase, attempt, open_id, *rest = row
        retry_ids, is_failed = rest or ((), False)
        return cls(ActionType(kind), name, task_id, Phase(phase), attempt, open_id, tuple(retry_ids), is_failed)
