"""The report: how many rows of each table a test holds, which have none and why, and what the tests said."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tests.conformance.row_tables import Row, Table


class Verdict(StrEnum):
    """What the tests of a row said: the worst of them counts."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Faults:
    """Rows and marks that do not fit together; each is a sentence without its row's rule."""

    uncovered: tuple[str, ...]
    unknown: tuple[str, ...]
    contradictory: tuple[str, ...]

    @property
    def sentences(self) -> list[str]:
        """One line for each fault."""
        return [
            *(f"{row_id} has neither a test nor a reason." for row_id in self.uncovered),
            *(f"{row_id} is marked on a test, but there is no such row." for row_id in self.unknown),
            *(f"{row_id} has a test and yet a reason why it has none." for row_id in self.contradictory),
        ]


def find_faults(rows: Mapping[str, Row], covered: Collection[str]) -> Faults:
    """What is wrong with `covered`, the IDs of all rows that tests name."""
    return Faults(
        uncovered=tuple(one.id for one in rows.values() if one.not_covered is None and one.id not in covered),
        unknown=tuple(sorted(set(covered) - set(rows))),
        contradictory=tuple(one.id for one in rows.values() if one.not_covered is not None and one.id in covered),
    )


def report_lines(
    tables: Collection[Table], tests: Mapping[str, Collection[str]], verdicts: Mapping[str, Verdict] | None
) -> Iterator[str]:
    """The report; `tests` holds the names of each row's tests, `verdicts` the outcome if they were run."""
    width = max(len(one) for one in ("table", *(table.id for table in tables)))
    yield f"{'table':{width}}  rows  tested" + ("" if verdicts is None else "  passed  failed")
    for table in tables:
        yield f"{_counts(table.id, table.rows, tests, verdicts, width)}  {table.title}"
    rows = [row for table in tables for row in table.rows]
    yield _counts("all", rows, tests, verdicts, width)
    yield from _without_test(rows, tests)
    yield from _without_success(rows, tests, verdicts or {})


def _counts(
    name: str,
    rows: Collection[Row],
    tests: Mapping[str, Collection[str]],
    verdicts: Mapping[str, Verdict] | None,
    width: int,
) -> str:
    tested = [row for row in rows if tests.get(row.id)]
    line = f"{name:{width}}  {len(rows):4}  {len(tested):6}"
    if verdicts is None:
        return line
    said = [verdicts.get(row.id, Verdict.NOT_RUN) for row in tested]
    return f"{line}  {said.count(Verdict.PASSED):6}  {len(said) - said.count(Verdict.PASSED):6}"


def _without_test(rows: Collection[Row], tests: Mapping[str, Collection[str]]) -> Iterator[str]:
    missing = [row for row in rows if not tests.get(row.id)]
    if missing:
        yield ""
        yield f"Rows without a test ({len(missing)}):"
    for row in missing:
        yield f"  {row.id}: {row.rule}"
        yield f"    {row.not_covered or 'NO REASON GIVEN'}"


def _without_success(
    rows: Collection[Row], tests: Mapping[str, Collection[str]], verdicts: Mapping[str, Verdict]
) -> Iterator[str]:
    bad = [row for row in rows if verdicts.get(row.id, Verdict.PASSED) is not Verdict.PASSED]
    if bad:
        yield ""
        yield f"Rows whose tests did not pass ({len(bad)}):"
    for row in bad:
        yield f"  {row.id} ({verdicts[row.id]}): {row.rule}"
        yield from (f"    {test}" for test in sorted(set(tests[row.id])))
