"""The host's account of external events: open waits, and events that nobody has waited for yet.

Source: Azure/azure-functions-durable-extension, ContextImplementations/DurableOrchestrationContext.cs.
"""

from typing import Any


class EventWaits:
    """Names compare ignoring case here, as in the extension; the SDK compares them exactly."""

    def __init__(self) -> None:
        self.is_case_mixed = False
        """True once an event was matched that the SDK does not match: its wait is open still."""
        self._open: dict[str, list[tuple[str, int]]] = {}  # lower-case name -> exact names and positions, newest last
        self._early: dict[str, list[str]] = {}  # lower-case name -> exact names of events, oldest first

    def __bool__(self) -> bool:
        """True while anyone waits."""
        return any(self._open.values())

    def wait(self, name: str, position: int) -> bool:
        """True if an early event ends this wait at once; else it is open."""
        early = self._early.get(name.lower())
        if early:
            self.is_case_mixed |= early.pop(0) != name
            return True
        self._open.setdefault(name.lower(), []).append((name, position))
        return False

    def take(self, name: str) -> int | None:
        """The position of the newest wait, which this event ends; None if the event comes early."""
        waits = self._open.get(name.lower())
        if not waits:
            self._early.setdefault(name.lower(), []).append(name)
            return None
        wanted, position = waits.pop()
        self.is_case_mixed |= wanted != name
        return position

    def to_json(self) -> list[Any]:
        """What `from_json` restores the account from."""
        return [self._open, self._early, self.is_case_mixed]

    @classmethod
    def from_json(cls, stored: list[Any]) -> "EventWaits":
        """The account that `to_json` wrote."""
        waits, (opened, waits._early, waits.is_case_mixed) = cls(), stored
        waits._open = {key: [(name, position) for name, position in some] for key, some in opened.items()}
        return waits
