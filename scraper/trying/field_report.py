"""How the fields of one page fare, all of them: extraction itself stops at the first that fails."""

from collections.abc import Sequence
from dataclasses import dataclass

from scraper.errors import ExtractError
from scraper.row_rules import RowRules
from scraper.rows.extract import field_value
from scraper.rows.records import Records

_NAMED_ROWS = 10


@dataclass(frozen=True, slots=True)
class FieldReport:
    """What a field gave in `rows` rows. Rows count from 0.

    `empty` are the rows in which it has no value, though that is no fault; `faults` are those in which it failed.
    """

    name: str
    rows: int
    empty: Sequence[int]
    faults: Sequence[tuple[int, ExtractError]]

    def __str__(self) -> str:
        """One line for people; "" if each row has a value."""
        if self.faults:
            return f"fails in {self._places([row for row, _ in self.faults])}: {self.faults[0][1].detail}"
        return f"field {self.name!r} has no value in {self._places(self.empty)}" if self.empty else ""

    def _places(self, rows: Sequence[int]) -> str:
        named = ", ".join(map(str, rows[:_NAMED_ROWS])) + (" …" if len(rows) > _NAMED_ROWS else "")
        return f"{len(rows)} of {self.rows} rows ({named})"


def report_fields(rules: RowRules, records: Records, *, url: str) -> list[FieldReport]:
    """One report for each field of `rules`, in their order."""
    return [_report(rules, name, records, url) for name in rules.fields]


def _report(rules: RowRules, name: str, records: Records, url: str) -> FieldReport:
    empty: list[int] = []
    faults: list[tuple[int, ExtractError]] = []
    rule = rules.fields[name]
    for position, record in enumerate(records.items):
        try:
            value = field_value(name, rule, record, url=url, base=records.base, position=position)
        except ExtractError as fault:
            faults.append((position, fault))
            continue
        if value is None:
            empty.append(position)
    return FieldReport(name, len(records.items), empty, faults)
