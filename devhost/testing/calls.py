"""The activity calls of a test, in the order in which they began."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, overload

from devhost.testing.errors import UnexpectedCalls, hides_frames

__tracebackhide__ = hides_frames
Expected = str | tuple[str, Any]
"""The name of an activity, or its name and input."""


@dataclass(slots=True)
class Call:
    """One call of an activity; `result` and `error` are None while it runs, `error` is `ValueError: text`."""

    name: str
    input: Any
    instance_id: str
    at: datetime
    result: Any = None
    error: str | None = None


class Calls(Sequence[Call]):
    """All calls so far. A retried activity has one entry for each attempt."""

    def __init__(self) -> None:
        self._calls: list[Call] = []

    @overload
    def __getitem__(self, index: int) -> Call: ...
    @overload
    def __getitem__(self, index: slice) -> list[Call]: ...
    def __getitem__(self, index: int | slice) -> Call | list[Call]:
        return self._calls[index]

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls)

    def __repr__(self) -> str:
        return f"Calls({self._calls!r})"

    @property
    def names(self) -> list[str]:
        """The names alone."""
        return [call.name for call in self._calls]

    def inputs(self, name: str) -> list[Any]:
        """The inputs of one activity; its name compares ignoring case."""
        return [call.input for call in self._calls if call.name.lower() == name.lower()]

    def add(self, call: Call) -> None:
        """Note a call that begins."""
        self._calls.append(call)

    def expect(self, *expected: Expected) -> None:
        """Fail unless exactly these were called, in this order: `"name"`, or `("name", input)`.

        Raises UnexpectedCalls.
        """
        lines = list(_compare(expected, self._calls))
        if any(line.startswith(("- ", "+ ")) for line in lines):
            text = "\n".join(f"  {line}" for line in lines)
            raise UnexpectedCalls(f"Other activities were called than expected (- expected, + called):\n{text}")


def _compare(expected: Sequence[Expected], called: Sequence[Call]) -> Iterator[str]:
    names = [one if isinstance(one, str) else one[0] for one in expected]
    matcher = difflib.SequenceMatcher(None, names, [call.name for call in called], autojunk=False)
    for kind, begin, end, from_call, to_call in matcher.get_opcodes():
        pairs = zip(expected[begin:end], called[from_call:to_call], strict=True) if kind == "equal" else ()
        for wanted, call in pairs:
            if isinstance(wanted, str) or wanted[1] == call.input:
                yield f"  {_call_line(call)}"
            else:
                yield f"- {_expected_line(wanted)}"
                yield f"+ {_call_line(call)}"
        if kind != "equal":
            yield from (f"- {_expected_line(wanted)}" for wanted in expected[begin:end])
            yield from (f"+ {_call_line(call)}" for call in called[from_call:to_call])


def _expected_line(wanted: Expected) -> str:
    return f"{wanted}(...)" if isinstance(wanted, str) else f"{wanted[0]}({wanted[1]!r})"


def _call_line(call: Call) -> str:
    return f"{call.name}({call.input!r})"
