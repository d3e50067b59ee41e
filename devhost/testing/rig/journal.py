"""Which commands of a test have been carried out, so that a test can begin anew after a crash."""

from typing import Any


class Journal:
    """Commands in the order of the test, over several lives of a host. Without crashes nothing is ever skipped."""

    def __init__(self) -> None:
        self._results: list[Any] = []
        self._position = 0

    def begin_anew(self) -> None:
        """The test runs again from its first line."""
        self._position = 0

    @property
    def is_done(self) -> bool:
        """True if the next command has been carried out in an earlier life."""
        return self._position < len(self._results)

    def skip(self) -> Any:
        """The result of the next command, which is done."""
        self._position += 1
        return self._results[self._position - 1]

    def note(self, result: Any) -> Any:
        """The next command is done; its result again."""
        self._results.append(result)
        self._position += 1
        return result
