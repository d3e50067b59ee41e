"""What storage refuses, with the facts that an answer needs.

StorageError
├── StorageUnreachable   the account does not answer or refuses us
├── TicketHeld           somebody else holds a singleton
├── TicketChanged        a compare-and-swap was lost
├── MissingRecord        something that an earlier step must have written is not there
│   └── SnapshotGone     a snapshot was purged, or never was
├── SnapshotIncomplete   not all batches of a snapshot are done
├── NotComparable        not all rows of a snapshot have hashes
└── RowTooLarge          one row has more text than the service takes
"""

from storage.ticket import Ticket


class StorageError(Exception):
    """Base of every error that this package raises on purpose."""


class StorageUnreachable(StorageError):
    """The storage account does not answer, or does not let us in; the message says which and what to check."""


class TicketHeld(StorageError):
    """The singleton has a live holder, or was taken in this moment; `ticket` is what is known of it."""

    def __init__(self, key: str, ticket: Ticket | None) -> None:
        holder = f"'{ticket.instance_id}'" if ticket else "another caller"
        super().__init__(f"The singleton '{key}' is held by {holder}.")
        self.key = key
        self.ticket = ticket


class TicketChanged(StorageError):
    """The ticket was changed by somebody else between our read and our write."""


class MissingRecord(StorageError):
    """A record that an earlier step of the run must have written is not there."""


class SnapshotGone(MissingRecord):
    """There is nothing of a snapshot (any more)."""

    def __init__(self, snapshot: str) -> None:
        super().__init__(f"snapshot {snapshot} is not there: it was purged, or never planned")
        self.snapshot = snapshot


class SnapshotIncomplete(StorageError):
    """Of `batches` only `done` are done, or it is not known yet how many there are: readers must not see the rest."""

    def __init__(self, snapshot: str, *, done: int, batches: int) -> None:
        super().__init__(f"snapshot {snapshot} is not complete: {done} of {batches} batches are done")
        self.snapshot, self.done, self.batches = snapshot, done, batches


class NotComparable(StorageError):
    """Of the `rows` of a snapshot only `known` have hashes: it was purged, or an older version of this app made it."""

    def __init__(self, snapshot: str, *, known: int, rows: int) -> None:
        super().__init__(f"snapshot {snapshot} cannot be compared: {known} of its {rows} rows are remembered")
        self.snapshot = snapshot


class RowTooLarge(StorageError):
    """The row at `position` of the page at `url` has `size` bytes, which the table service refuses."""

    def __init__(self, url: str, position: int, size: int) -> None:
        super().__init__(f"row {position} has {size:,} bytes; a row can have 1 MiB")
        self.url = url
        self.position = position
        self.size = size
