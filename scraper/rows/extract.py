"""Body in, rows out: no I/O, no clock."""

from dataclasses import dataclass

from scraper.errors import BadValue, ExtractError, MissingField, PageLayoutChanged
from scraper.models import Reason, Row, Value
from scraper.row_rules import RowRules
from scraper.rows.charsets import CHARSET_CURE, page_text
from scraper.rows.content_kinds import Format, format_of
from scraper.rows.csv_records import csv_records
from scraper.rows.field_rules import FieldRule
from scraper.rows.field_values import list_of, scalar_of
from scraper.rows.html_records import html_records
from scraper.rows.json_records import json_records
from scraper.rows.records import MAX_RECORDS, Record, Records
from scraper.rows.xml_records import xml_records

_TABS = frozenset({"text/tab-separated-values", "text/tsv"})


def extract_rows(
    rules: RowRules, body: bytes, *, url: str, charset: str | None, content_type: str = "", rows_before: int = 0
) -> list[Row]:
    """Rows of one page, in page order.

    `url` is where the page was in the end: `href` and `src` become absolute with it, or with the page's
    `<base>`. Text is trimmed, that of markup has single spaces; empty text counts as missing. `charset` and
    `content_type` are what the server told, None and "" if it did not. `rows_before` counts the rows of the page in the
    published snapshot, as far as that is known.

    Raises PageLayoutChanged if there are no rows, and they may not be absent or were there before; MissingField,
    BadValue, or ExtractError for a body that is not what it should be: a retry will not help.
    """
    page = read_page(rules, body, url=url, charset=charset, content_type=content_type)
    refuse_unlikely_count(rules, page.records, url=url, rows_before=rows_before)
    rows = [
        Row(_row_values(rules, record, url=url, base=page.records.base, position=position), position)
        for position, record in enumerate(page.records.items)
    ]
    if page.is_doubtful:
        _refuse_unread_values(rows, page.codec, url=url)
    return rows


def _refuse_unread_values(rows: list[Row], codec: str, *, url: str) -> None:
    """Raise ExtractError (not_decodable) for a value that the charset, most likely a wrong one, could not read."""
    for row in rows:
        for name, value in row.values.items():
            texts = value if isinstance(value, list) else [value]
            if any(isinstance(text, str) and "\N{REPLACEMENT CHARACTER}" in text for text in texts):
                where = f"field {name!r} of row {row.position}"
                detail = f"{where} cannot be read as {codec}; {CHARSET_CURE}"
                raise ExtractError(url, Reason.NOT_DECODABLE, detail)


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A body as records, and what it was read as: its format, and its charset as Python calls it."""

    kind: Format
    codec: str
    records: Records
    is_doubtful: bool = False


def read_page(rules: RowRules, body: bytes, *, url: str, charset: str | None, content_type: str) -> ReadPage:
    """The records of a page, with the arguments of `extract_rows`. Raises ExtractError for a body that has none."""
    kind = format_of(rules.content_format, content_type, url=url)
    page = page_text(body, url=url, charset=rules.charset or charset, kind=kind)
    records = _records(rules, kind, page.text, url=url, content_type=content_type)
    return ReadPage(kind, page.codec, records, page.is_doubtful)


def refuse_unlikely_count(rules: RowRules, records: Records, *, url: str, rows_before: int = 0) -> None:
    """Raise PageLayoutChanged for a page without rows that should have some, ExtractError for one with too many."""
    if not records.items and (rows_before or not rules.rows_may_be_absent):
        raise PageLayoutChanged(url, missing=rules.rows or "a line of CSV", rows_before=rows_before)
    if len(records.items) > MAX_RECORDS:
        raise ExtractError(url, Reason.TOO_COMPLEX, f"the page has more than {MAX_RECORDS} rows")


def _records(rules: RowRules, kind: Format, text: str, *, url: str, content_type: str) -> Records:
    if kind is Format.HTML:
        return html_records(text, rules.rows, url=url)
    if kind is Format.XML:
        return xml_records(text, rules.rows, url=url)
    if kind is Format.JSON:
        return json_records(text, rules.rows, url=url)
    delimiter = rules.csv.delimiter or ("\t" if content_type in _TABS else ",")
    # A required column that is absent is named by its field.
    fields = rules.fields.values()
    columns = [] if any(field.is_required for field in fields) else [field.column for field in fields]
    return csv_records(text, delimiter=delimiter, has_header=rules.csv.header, url=url, columns=columns)


def _row_values(rules: RowRules, record: Record, *, url: str, base: str, position: int) -> dict[str, Value | None]:
    return {
        name: field_value(name, rule, record, url=url, base=base, position=position)
        for name, rule in rules.fields.items()
    }


def field_value(name: str, rule: FieldRule, record: Record, *, url: str, base: str, position: int) -> Value | None:
    """What a field of the row at `position` holds. Raises MissingField or BadValue."""
    try:
        value = (
            list_of(rule, record.every(rule), base=base)
            if rule.is_list
            else scalar_of(rule, record.first(rule), base=base)
        )
    except ValueError as error:
        raise BadValue(url, name, rule.place, str(error), position=position) from error
    if value is None and rule.is_required:
        text = "" if rule.is_list else record.first(rule)
        raise MissingField(url, name, rule.place, position=position, text=text)
    return rule.default if value is None else value
