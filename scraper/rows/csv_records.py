"""Records of CSV: one for each line, its fields found by column."""

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from scraper.errors import ExtractError
from scraper.models import Reason
from scraper.rows.field_rules import FieldRule
from scraper.rows.records import MAX_RECORDS, Records

MAX_COLUMNS: Final = 10_000
_NAMED_COLUMNS = 10


def csv_records(
    text: str, *, delimiter: str, has_header: bool, url: str, columns: Collection[str | int | None] = ()
) -> Records:
    """The lines, without the header and empty ones.

    Raises ExtractError for lines that differ in their columns, and for a header without any of `columns`: something
    else came in place of the file, and each line of that would be a row without values.
    """
    lines = _lines(text, delimiter, url)
    header = next(lines, None) if has_header else None
    names = {name: number for number, name in reversed(list(enumerate(header or ())))}
    if header is not None and columns and not any(isinstance(one, int) or one in names for one in columns):
        wanted = ", ".join(repr(one) for one in list(columns)[:_NAMED_COLUMNS])
        raise ExtractError(url, Reason.MALFORMED, f"the header of the CSV has none of the columns {wanted}")
    # One more than may be, for the caller to see that there are too many.
    return Records([_CsvRecord(line, names) for line in islice(lines, MAX_RECORDS + 1)], url)


def _lines(text: str, delimiter: str, url: str) -> Iterator[list[str]]:
    """Lines with as many columns as the first one has."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns = 0
    try:
        for line in reader:
            if not line:
                continue
            columns = columns or len(line)
            if columns > MAX_COLUMNS:
                raise ExtractError(url, Reason.TOO_COMPLEX, f"a line has more than {MAX_COLUMNS} columns")
            if len(line) != columns:
                detail = f"line {reader.line_num} has {len(line)} columns, and the first one has {columns}"
                raise ExtractError(url, Reason.MALFORMED, f"not CSV with the delimiter {delimiter!r}: {detail}")
            yield [cell.strip() for cell in line]
    except csv.Error as error:
        raise ExtractError(url, Reason.MALFORMED, f"not CSV: line {reader.line_num}: {error}") from error


class _CsvRecord:
    def __init__(self, line: Sequence[str], names: dict[str, int]) -> None:
        self._line, self._names = line, names

    def first(self, rule: FieldRule) -> str:
        column = rule.column
        place = column - 1 if isinstance(column, int) else self._names.get(column or "", -1)
        return self._line[place] if 0 <= place < len(self._line) else ""

    def every(self, rule: FieldRule) -> Iterable[str]:
        return [self.first(rule)]
