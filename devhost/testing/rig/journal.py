"""What a test has done and been told, so that it can begin anew after a crash and come to the same place."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class _Refusal:
    error: Exception


class Journal:
    """Steps in the order of the test, over several lives of a host. Without crashes nothing is ever skipped.

    Answers and refusals are kept, too: the host may be further than the line of the test that runs again.
    """

    def __init__(self) -> None:
        self._results: list[Any] = []
        self._position = 0

    def begin_anew(self) -> None:
        """The test runs again from its first line."""
        self._position = 0

    @property
    def is_done(self) -> bool:
        """True if the next step has been taken in an earlier life."""
        return self._position < len(self._results)

    def skip(self) -> Any:
        """The result of the next step, which is done. Raises what that raised."""
        self._position += 1
        result = self._results[self._position - 1]
        if isinstance(result, _Refusal):
            raise result.error
        return result

    def note(self, result: Any) -> Any:
        """The next step is done; its result again."""
        self._results.append(result)
        self._position += 1
        return result

    def note_refusal(self, error: Exception) -> None:
        """The next step is done: it was refused."""
        self.note(_Refusal(error))
