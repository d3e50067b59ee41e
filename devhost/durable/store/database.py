"""The SQLite file of a task hub and its one transaction helper."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from devhost.errors import HostStartError

_SCHEMA = Path(__file__).with_name("schema.sql")
_SCHEMA_VERSION = 2
_READABLE_VERSIONS = (0, 1, _SCHEMA_VERSION)  # 0 is a new file; 2 only adds the tables of entities
_WAITING_WORK = ("inbox", "work_items", "timers", "entity_operations")

_FAULTS_OF_THE_STATEMENT = (sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError)


def is_passing_fault(error: BaseException) -> bool:
    """True for a fault of the disk or the file, which the next try may not meet; False if the values are at fault."""
    return isinstance(error, (sqlite3.Error, OSError)) and not isinstance(error, _FAULTS_OF_THE_STATEMENT)


Commit = Callable[[sqlite3.Connection], None]
"""Makes the transaction of the connection last."""


def commit(connection: sqlite3.Connection) -> None:
    """COMMIT."""
    connection.execute("COMMIT")


class Database:
    """One connection; every use must come from one thread at a time.

    `synchronous=NORMAL` loses nothing when the process is killed; a power cut may lose the last commits.
    """

    def __init__(self, path: Path, *, commit: Commit = commit) -> None:
        """Open or create the file. Raises HostStartError if it is no hub of this version.

        `commit` ends every transaction; what it raises before the COMMIT rolls it back.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._commit = path, commit
        with ExitStack() as if_refused:
            try:
                self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
                if_refused.callback(self._connection.close)
                self._prepare()
            except sqlite3.DatabaseError as error:
                raise HostStartError(
                    f"The task hub file {path} cannot be used ({error}); delete it to start with an empty hub."
                ) from error
            if_refused.pop_all()

    def _prepare(self) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=10000"):
            self._connection.execute(f"PRAGMA {pragma}")
        (found,) = self._connection.execute("PRAGMA user_version").fetchone()
        if found not in _READABLE_VERSIONS:
            raise HostStartError(
                f"The task hub file {self._path} has schema version {found}, this host writes {_SCHEMA_VERSION}; "
                "use the host that wrote it, or delete the file to start with an empty hub."
            )
        self._connection.executescript(_SCHEMA.read_text(encoding="utf-8"))
        self._connection.execute(f"PRAGMA user_version={_SCHEMA_VERSION}")
        for table in _WAITING_WORK:  # no start without them, and damaged pages show only when they are read
            self._connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608  (four constants)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All statements of the block, or none."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
            self._commit(self._connection)
        except BaseException:
            self._roll_back()
            raise

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Several reads that see one state."""
        self._connection.execute("BEGIN")
        try:
            yield self._connection
        finally:
            self._roll_back()

    def _roll_back(self) -> None:
        if self._connection.in_transaction:  # a full disk, for example, has ended it already
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file; a later use fails."""
        self._connection.close()
