"""The rows and the marks on tests fit together; and the report says so when they do not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.checkout import ROOT
from tests.conformance.report import Verdict, find_faults, report_lines
from tests.conformance.row_marks import BadMark, Mark, marks_of
from tests.conformance.row_tables import BadRowsFile, Row, Table, read_tables

ROWS = {"t/a": Row("t/a", "A holds.", None), "t/b": Row("t/b", "B holds.", "Nobody can see it.")}


def test_every_row_has_a_test_or_a_reason_and_every_mark_a_row() -> None:
    # In a process of its own: other tests leave garbage whose tracebacks parse source too, which 3.11 cannot nest.
    report = subprocess.run(
        [sys.executable, "-m", "tests.conformance"], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert (report.returncode, report.stderr) == (0, "")
    assert report.stdout.startswith("table")


def test_a_row_without_test_and_reason_is_a_fault() -> None:
    assert find_faults(ROWS, set()).sentences == ["t/a has neither a test nor a reason."]


def test_a_mark_of_an_unknown_row_is_a_fault() -> None:
    assert find_faults(ROWS, {"t/a", "t/c"}).sentences == ["t/c is marked on a test, but there is no such row."]


def test_a_reason_beside_a_test_is_a_fault() -> None:
    assert find_faults(ROWS, {"t/a", "t/b"}).sentences == ["t/b has a test and yet a reason why it has none."]


def marks(tmp_path: Path, code: str) -> list[Mark]:
    path = tmp_path / "test_it.py"
    path.write_text(code)
    return list(marks_of(path, tmp_path))


def test_marks_of_a_test_and_of_its_parameters_are_found(tmp_path: Path) -> None:
    code = (
        "row = pytest.mark.row\n"
        "@pytest.mark.row('t/a', 't/b')\n"
        "@pytest.mark.parametrize('x', [pytest.param(1, marks=row('t/c'))])\n"
        "async def test_it(x): ...\n"
    )
    assert marks(tmp_path, code) == [Mark(row_id, Path("test_it.py"), "test_it") for row_id in ("t/a", "t/b", "t/c")]


def test_another_function_called_row_is_no_mark(tmp_path: Path) -> None:
    assert marks(tmp_path, "def test_it():\n    assert row(1) == 2\n") == []


@pytest.mark.parametrize("arguments", ["", "NAME", "'t/a', NAME", "f'{x}'", "id='t/a'"])
def test_a_mark_without_literal_ids_is_refused(tmp_path: Path, arguments: str) -> None:
    with pytest.raises(BadMark, match=r"test_it.py:1: a mark takes the IDs"):
        marks(tmp_path, f"@pytest.mark.row({arguments})\ndef test_it(): ...\n")


def test_a_mark_on_what_is_no_test_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadMark, match=r"test_it.py:1: the mark stands on no test"):
        marks(tmp_path, "@pytest.mark.row('t/a')\ndef helper(): ...\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[table]]\nid='t'\ntitle=''\nsource=''\nrows={}\nnot_covered={a='why'}", "reasons for rows it lacks: a"),
        ("[[table]]\nid='t'\ntitle=''\nsource=''\nrows={}\nnotcovered={}", "unknown keys: notcovered"),
    ],
)
def test_a_rows_file_with_a_slip_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(BadRowsFile, match=message):
        read_tables(tmp_path)


def test_a_table_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text("[[table]]\nid='t'\ntitle=''\nsource=''\nrows={a='A holds.'}")
    with pytest.raises(BadRowsFile, match="The table t is there twice"):
        read_tables(tmp_path)


def test_the_report_counts_rows_and_gives_reasons_and_failures() -> None:
    table = Table("t", "Letters", "x/y: z", tuple(ROWS.values()))
    lines = list(report_lines([table], {"t/a": ["test_x.py::test_a"]}, {"t/a": Verdict.FAILED}))
    assert lines == [
        "table  rows  tested  passed  failed",
        "t         2       1       0       1  Letters",
        "all       2       1       0       1",
        "",
        "Rows without a test (1):",
        "  t/b: B holds.",
        "    Nobody can see it.",
        "",
        "Rows whose tests did not pass (1):",
        "  t/a (failed): A holds.",
        "    test_x.py::test_a",
    ]
