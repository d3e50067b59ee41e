"""What may go wrong with a binding to storage."""

from devhost.errors import DevhostError


class StorageBindingError(DevhostError):
    """An input cannot be read or an output cannot be written; the message names the binding and the cure."""

    def __init__(self, binding: str, reason: str) -> None:
        super().__init__(f"the binding '{binding}': {reason}")
        self.binding = binding
        self.reason = reason


class BadOutputValue(DevhostError):
    """What the function gave an output cannot be written there."""


class UnresolvedExpression(DevhostError):
    """An expression in braces names nothing that is known of this run."""
