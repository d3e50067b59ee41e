"""Which tests hold which rows: the marks `pytest.mark.row("…")` in the test modules, read from their source.

A module may say `row = pytest.mark.row` and use the short name.

Source is read and nothing imported, so that the report takes a moment and sees tests that cannot run today.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).parents[1]


class BadMark(ValueError):
    """A mark that says nothing: its arguments are no literal IDs, or it stands on no test."""


@dataclass(frozen=True)
class Mark:
    """One test that holds one row; `path` is relative to the checkout."""

    row_id: str
    path: Path
    test: str


def read_marks(tests: Path = TESTS) -> list[Mark]:
    """The marks of all test modules below `tests`, in the order of their paths. Raises BadMark."""
    return [mark for path in sorted(tests.rglob("test_*.py")) for mark in marks_of(path, tests.parent)]


def marks_of(path: Path, root: Path) -> Iterator[Mark]:
    """The marks of one module: of each test function its decorators, those of its parameters included."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    place = path.relative_to(root)
    names = {"pytest.mark.row", *_short_names(module)}
    on_tests: set[ast.AST] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            for call in _calls(node.decorator_list, names):
                on_tests.add(call)
                yield from (Mark(row_id, place, node.name) for row_id in _ids(call, place))
    for call in _calls([module], names):
        if call not in on_tests:
            raise BadMark(f"{place}:{call.lineno}: the mark stands on no test function.")


def _short_names(module: ast.Module) -> Iterator[str]:
    for node in module.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.value) == "pytest.mark.row":
            yield from (ast.unparse(target) for target in node.targets)


def _calls(nodes: Sequence[ast.AST], names: Collection[str]) -> list[ast.Call]:
    inner = (one for node in nodes for one in ast.walk(node))
    return [one for one in inner if isinstance(one, ast.Call) and ast.unparse(one.func) in names]


def _ids(call: ast.Call, place: Path) -> list[str]:
    ids = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    if not ids or len(ids) != len(call.args) or call.keywords:
        raise BadMark(f"{place}:{call.lineno}: a mark takes the IDs of rows as literal texts, and at least one.")
    return ids
