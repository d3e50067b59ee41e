"""`make conformance`: run every test that holds a row, and print the report by table."""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Mapping

import pytest

from tests.conformance.report import Verdict, find_faults, report_lines
from tests.conformance.row_marks import Mark, read_marks
from tests.conformance.row_tables import all_rows, read_tables


class Outcomes:
    """A pytest plugin that notes what the tests of each row said."""

    def __init__(self) -> None:
        self._rows_of: dict[str, list[str]] = {}
        self.verdicts: dict[str, Verdict] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Note the rows of every test, all of them not run yet."""
        for item in items:
            self._rows_of[item.nodeid] = [row_id for mark in item.iter_markers("row") for row_id in mark.args]
            self.verdicts.update(dict.fromkeys(self._rows_of[item.nodeid], Verdict.NOT_RUN))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A failure in any phase fails the rows; a test that ran to its end passes them unless another failed."""
        for row_id in self._rows_of.get(report.nodeid, []):
            if report.failed:
                self.verdicts[row_id] = Verdict.FAILED
            elif report.when == "call" and report.passed and self.verdicts[row_id] is Verdict.NOT_RUN:
                self.verdicts[row_id] = Verdict.PASSED


def main() -> int:
    """0 if every row has a test or a reason, and no test that was run failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--run", action="store_true", help="run the tests first (otherwise only count them)")
    parser.add_argument("pytest_arguments", nargs="*", help="more options for pytest, after --")
    options = parser.parse_args()
    marks, tables = read_marks(), read_tables()
    code, verdicts = _run(marks, options.pytest_arguments) if options.run else (0, None)
    tests: defaultdict[str, list[str]] = defaultdict(list)
    for mark in marks:
        tests[mark.row_id].append(f"{mark.path}::{mark.test}")
    print("\n".join(report_lines(tables, tests, verdicts)))
    faults = find_faults(all_rows(tables), set(tests)).sentences
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else code


def _run(marks: list[Mark], arguments: list[str]) -> tuple[int, Mapping[str, Verdict]]:
    outcomes = Outcomes()
    paths = sorted({str(mark.path) for mark in marks})
    code = pytest.main(["-q", "-m", "row and not bench and not long", *arguments, *paths], plugins=[outcomes])
    return int(code), outcomes.verdicts


if __name__ == "__main__":
    sys.exit(main())
