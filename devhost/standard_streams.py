"""stdin, stdout and stderr that are closed, or whose reader has gone: host and app go on without them.

So it is with the real host, since .NET's console ignores a broken pipe.
"""

import io
import os
import sys
from typing import Any


class _PatientFile(io.FileIO):
    """Takes everything; what cannot be written is lost."""

    def write(self, data: Any, /) -> int:
        """Bytes taken. A print or a log line must not fail whoever makes it because nobody reads it."""
        try:
            return super().write(data)
        except OSError:
            return len(data)


def guard_standard_streams() -> None:
    """Give the process those that it was started without, and outputs that bear the end of their reader.

    Call it before anything else is opened: a file or socket in an empty place would get what others print.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            _open_nothing(number)
        if stream is None or number > 0:
            setattr(sys, name, _stream(number, stream))


def _open_nothing(number: int) -> None:
    descriptor = os.open(os.devnull, os.O_RDWR)
    if descriptor != number:
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.set_inheritable(number, True)


def _stream(number: int, before: Any) -> io.TextIOWrapper:
    if number == 0:
        return io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), encoding="utf-8")
    return io.TextIOWrapper(
        io.BufferedWriter(_PatientFile(number, "w", closefd=False)),
        encoding=getattr(before, "encoding", "utf-8"),
        errors=getattr(before, "errors", "backslashreplace"),
        line_buffering=number == 2 or getattr(before, "line_buffering", False),
    )
