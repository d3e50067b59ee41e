"""The folder in which a host keeps its state, and the lock that makes it the only one there."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from devhost.errors import HostStartError


class StateDir:
    """A state folder; `lock` it before any file in it is opened.

    The operating system frees the lock when the process ends, however it ends.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock_file: TextIO | None = None

    def hub_database(self, hub_name: str) -> Path:
        """SQLite file of the durable functions of one task hub; the name's case does not count, as in Azure Storage."""
        return self.path / f"{hub_name.lower()}.sqlite"

    @property
    def timer_status(self) -> Path:
        """JSON file with the last and next run of every timer."""
        return self.path / "timers.json"

    @property
    def keys(self) -> Path:
        """JSON file with the keys that a host started with --enable-auth asks for."""
        return self.path / "keys.json"

    def lock(self, taken_over: int | None = None) -> int:
        """Create the folder if needed and claim it; the file descriptor that holds the lock.

        `taken_over` is the descriptor of this process's predecessor, whose lock goes on. Raises HostStartError, which
        names the holder's process.
        """
        try:
            self._create()
            lock_file = self._open_lock(taken_over)
        except OSError as error:
            raise HostStartError(
                f"The state folder {self.path} cannot be used: {error.strerror}. Choose another with --state-dir."
            ) from error
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock_file.seek(0)
            holder = lock_file.read().strip() or "unknown"
            lock_file.close()
            raise HostStartError(
                f"The state folder {self.path} is in use by another host (process {holder}). "
                "Stop that host, or choose another folder with --state-dir."
            ) from error
        lock_file.truncate(0)
        lock_file.write(f"{os.getpid()}\n")
        lock_file.flush()
        self._lock_file = lock_file
        return lock_file.fileno()

    def release(self) -> None:
        """Give the folder up before the process ends; not if the lock has been taken over."""
        if self._lock_file is not None:
            self._lock_file.close()
        self._lock_file = None

    def _create(self) -> None:
        is_new = not self.path.exists()
        self.path.mkdir(parents=True, exist_ok=True)
        if is_new:
            # Keys and data of the app do not belong into its repository, whatever its own .gitignore says.
            (self.path / ".gitignore").write_text("*\n", encoding="ascii")

    def _open_lock(self, taken_over: int | None) -> TextIO:
        path = self.path / "lock"
        if taken_over is not None:
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(taken_over), path.stat()):
                    return os.fdopen(taken_over, "a+", encoding="ascii")
            os.close(taken_over)
        return path.open("a+", encoding="ascii")
