"""How partition and row keys are made; every key of the app is built here."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

KEY_BYTES: Final = 1024
"""The service refuses longer keys, counted in UTF-16; the emulator refuses only much longer ones."""

_NOT_IN_KEYS = re.compile(r"[/\\#?%\x00-\x1f\x7f-\x9f]")


def key_text(text: str) -> str:
    """`text` as a table key: what keys refuse is written as %XX; different texts stay different."""
    return _NOT_IN_KEYS.sub(lambda found: f"%{ord(found.group()):02X}", text)


def fits_a_key(text: str) -> bool:
    """Whether there can be an entity with the key of `text`."""
    return len(key_text(text).encode("utf-16-le", "surrogatepass")) <= KEY_BYTES


def snapshot_id(source: str, epoch: int) -> str:
    """The rows of one source from one run; the epoch, since a run ID can be started again."""
    return f"{source}~{epoch:010d}"


def epoch_of(snapshot: str) -> int:
    """The epoch of the run that wrote a snapshot, from its ID."""
    return int(snapshot.rpartition("~")[2])


def source_of(snapshot: str) -> str:
    """The source whose rows a snapshot has, from its ID."""
    return snapshot.rpartition("~")[0]


def batch_partition(snapshot: str, batch: int) -> str:
    """Rows and failures lie in one partition per batch: partitions do not grow with the site."""
    return f"{snapshot}~{batch:06d}"


def robots_partition(epoch: int) -> str:
    """The robots.txt files of one run; no snapshot is called so, since no source is."""
    return f"~robots~{epoch:010d}"


def attempt_key(attempt: str, index: int, position: int = 0) -> str:
    """Row key of one row: which attempt wrote it, which page of the batch, which row of the page."""
    return f"{attempt}-{index:04d}-{position:06d}"


def page_of_key(place: str) -> int:
    """The page of the batch, from what follows the attempt in a key of `attempt_key`."""
    return int(place.partition("-")[0])


def place_of_key(place: str) -> tuple[int, int]:
    """The page of the batch and the position there, from what follows the attempt in a key of `attempt_key`."""
    page, _, position = place.partition("-")
    return int(page), int(position)


def pages_filter(partition: str, attempt: str, first: int, last: int) -> str:
    """OData filter: the rows that one attempt wrote of pages `first` to `last` of its batch."""
    beyond = f"{attempt}-{last:04d}~"  # sorts after every row of the page, and before the next page's
    return (
        f"{partition_filter(partition)} and RowKey ge '{_quoted(attempt_key(attempt, first))}' "
        f"and RowKey lt '{_quoted(beyond)}'"
    )


def newest_first(epoch: int) -> str:
    """A row key that sorts a higher epoch before a lower one."""
    return f"{9_999_999_999 - epoch:010d}"


def newest_time_first(moment: datetime) -> str:
    """A row key of 16 digits that sorts a later time before an earlier one, to the microsecond, until 2286."""
    return f"{9_999_999_999_999_999 - microseconds(moment):016d}"


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def prefix_filter(partition: str, prefix: str) -> str:
    """OData filter: the entities of one partition whose row key starts with `prefix`."""
    beyond = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    return range_filter(partition, prefix, beyond)


def batches_filter(snapshot: str) -> str:
    """OData filter: the entities of all batches of a snapshot, in tables that have a partition for each."""
    first, beyond = f"{snapshot}~", f"{snapshot}~:"  # the colon follows the digits
    return f"PartitionKey ge '{_quoted(first)}' and PartitionKey lt '{_quoted(beyond)}'"


def behind_filter(row_key: str) -> str:
    """OData filter, to be added to another one: the entities whose row keys sort behind this one."""
    return f"RowKey gt '{_quoted(row_key)}'"


def before_filter(column: str, moment: datetime) -> str:
    """OData filter: the entities whose `column` is an earlier time than `moment`, which is in UTC."""
    return f"{column} lt datetime'{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}'"


def since_filter(column: str, moment: datetime) -> str:
    """OData filter, to be added to another one: the entities whose `column` is this time or a later one, in UTC."""
    return f"{column} ge datetime'{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}'"


def range_filter(partition: str, first: str, beyond: str) -> str:
    """OData filter: the entities of one partition with row keys from `first` up to, but not including, `beyond`."""
    return f"{partition_filter(partition)} and RowKey ge '{_quoted(first)}' and RowKey lt '{_quoted(beyond)}'"


def partition_filter(partition: str) -> str:
    """OData filter: the entities of one partition."""
    return f"PartitionKey eq '{_quoted(partition)}'"


def _quoted(text: str) -> str:
    return text.replace("'", "''")
