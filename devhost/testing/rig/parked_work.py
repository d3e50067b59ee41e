"""Calls and requests under way, and which of them only wait for the virtual clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Optional


class Work:
    """One call or request. It is parked while it sleeps on the virtual clock: nothing happens before that moves.

    Work that begins inside other work parks that, too.
    """

    _current: ContextVar[Optional["Work"]] = ContextVar("devhost_testing_work", default=None)

    def __init__(self, label: str) -> None:
        self.label = label
        self._sleeps = 0
        self._outer = self.current()

    @classmethod
    def current(cls) -> Optional["Work"]:
        """The work that the running code belongs to, tasks that it has made included."""
        return cls._current.get()

    @property
    def is_parked(self) -> bool:
        """True while it sleeps."""
        return self._sleeps > 0

    def park(self) -> None:
        """It sleeps from here on."""
        self._sleeps += 1
        if self._outer is not None:
            self._outer.park()

    def unpark(self) -> None:
        """It goes on."""
        self._sleeps -= 1
        if self._outer is not None:
            self._outer.unpark()

    @contextmanager
    def as_current(self) -> Iterator[None]:
        """What runs inside belongs to this work."""
        token = self._current.set(self)
        try:
            yield
        finally:
            self._current.reset(token)


class WorkList:
    """All work under way, oldest first."""

    def __init__(self) -> None:
        self._under_way: dict[Work, None] = {}

    @contextmanager
    def doing(self, label: str) -> Iterator[Work]:
        """A new piece of work, under way as long as the block."""
        work = Work(label)
        self._under_way[work] = None
        try:
            with work.as_current():
                yield work
        finally:
            del self._under_way[work]

    def __len__(self) -> int:
        return len(self._under_way)

    @property
    def busy(self) -> list[str]:
        """Labels of the work that does not sleep."""
        return [work.label for work in self._under_way if not work.is_parked]

    @property
    def parked_count(self) -> int:
        """How much of it sleeps."""
        return sum(work.is_parked for work in self._under_way)

    def __iter__(self) -> Iterator[Work]:
        return iter(list(self._under_way))
