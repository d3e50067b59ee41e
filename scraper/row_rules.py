"""What a row of a source is, and how the bodies are written that it comes from."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from scraper.rows.charsets import known_charset
from scraper.rows.content_kinds import Format
from scraper.rows.field_rules import FieldRule
from scraper.rows.json_paths import compiled_path
from scraper.rows.targets import check_selector
from scraper.rows.xml_selectors import compiled_for_xml
from scraper.toml_tables import TomlTable

MAX_FIELDS = 200
_FIELD_NAME = re.compile(r"^[a-z][a-z0-9_]{0,63}$")
_FOUND_BY = {Format.HTML: "css", Format.XML: "css", Format.JSON: "path", Format.CSV: "column"}


class CsvRules(TomlTable):
    """How CSV is written; None of `delimiter` is a comma, or a tab if the content type says so."""

    delimiter: str | None = Field(default=None, pattern=r"^[^\"\r\n]$")
    header: bool = True
    """Whether the first line names the columns."""


class RowRules(TomlTable):
    """The keys of a source that decide which rows a body gives."""

    format: Format | None = None
    """None reads HTML or XML, by the content type, unless the fields are those of JSON or CSV."""
    charset: str | None = None
    """That of the bodies, where the site tells a wrong one or none; a byte order mark still wins."""
    csv: CsvRules = CsvRules()
    fields: dict[str, FieldRule]
    rows: str | None = None
    """CSS of one element per row, or JMESPath of a list of them; None makes the whole page one row."""
    rows_may_be_absent: bool = False
    """Whether a page without rows is a page, as long as it had none before, and no failure."""
    blocked_if: tuple[str, ...] = ()
    """Texts that are on no page of the source, but on what the site shows instead of one."""
    key: tuple[str, ...] = ()
    """The fields that tell one record from another; without any, a record is its page and its place there."""

    @model_validator(mode="before")
    @classmethod
    def _short_forms_are_of_the_format(cls, table: Any) -> Any:
        """A field that is only a text is its css, path or column."""
        if not isinstance(table, dict) or not isinstance(table.get("fields"), dict):
            return table
        told = table.get("format")
        found_by = _FOUND_BY[Format(told)] if told in list(Format) else "css"
        fields = {
            name: {found_by: field} if isinstance(field, str) else field for name, field in table["fields"].items()
        }
        return {**table, "fields": fields}

    @field_validator("charset")
    @classmethod
    def _charset_is_known(cls, charset: str | None) -> str | None:
        if charset is not None and not known_charset(charset):
            raise ValueError(f"{charset!r} is no charset of pages; write for example windows-1252")
        return charset

    @field_validator("fields")
    @classmethod
    def _field_names_are_usable(cls, fields: dict[str, FieldRule]) -> dict[str, FieldRule]:
        if not 1 <= len(fields) <= MAX_FIELDS:
            raise ValueError(f"a source has 1 to {MAX_FIELDS} fields, this one has {len(fields)}")
        for name in fields:
            if not _FIELD_NAME.fullmatch(name):
                raise ValueError(
                    f"{name!r} cannot be a field's name: a lower-case letter, then up to 63 of a-z, 0-9 and _"
                )
        return fields

    @field_validator("fields")
    @classmethod
    def _fields_fit_the_format(cls, fields: dict[str, FieldRule], info: ValidationInfo) -> dict[str, FieldRule]:
        kind = _format_of(info.data.get("format"), fields)
        wanted = _FOUND_BY[kind or Format.HTML]
        for name, rule in fields.items():
            if rule.found_by != wanted:
                pages = (kind or Format.HTML).value.upper()
                raise ValueError(f"{name!r} is found by {rule.found_by}; in {pages}, it takes {wanted}")
            if isinstance(rule.column, str) and not info.data.get("csv", CsvRules()).header:
                raise ValueError(f"{name!r}: with csv.header = false, columns have numbers, from 1")
            if kind is Format.XML and rule.target.css:
                compiled_for_xml(rule.target.css)
        return fields

    @field_validator("rows")
    @classmethod
    def _rows_fit_the_format(cls, rows: str | None, info: ValidationInfo) -> str | None:
        if rows is None or not {"format", "fields"} <= info.data.keys():
            return rows  # what is wrong with those decides what rows has to be
        kind = _format_of(info.data["format"], info.data["fields"])
        if kind is Format.CSV:
            raise ValueError("every line of CSV is a row; leave rows out")
        if kind is Format.JSON:
            compiled_path(rows)
        elif kind is Format.XML:
            compiled_for_xml(rows)
        else:
            check_selector(rows)
        return rows

    @field_validator("blocked_if")
    @classmethod
    def _markers_are_texts(cls, markers: tuple[str, ...]) -> tuple[str, ...]:
        if not all(marker.strip() for marker in markers):
            raise ValueError("an empty text is on every page")
        return markers

    @field_validator("key")
    @classmethod
    def _key_is_of_fields(cls, key: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        known = info.data.get("fields")
        if known is None:
            return key  # they are wrong themselves, so nobody knows their names
        unknown = [name for name in key if name not in known]
        if unknown:
            raise ValueError(f"key names {unknown[0]!r}, which is no field; known are {', '.join(known)}")
        return key

    @model_validator(mode="after")
    def _keys_belong_together(self) -> Self:
        if self.content_format is not Format.CSV and self.csv != CsvRules():
            raise ValueError('csv is for format = "csv"')
        if self.rows is None and self.rows_may_be_absent and self.content_format is not Format.CSV:
            raise ValueError("rows_may_be_absent is for sources with a rows selector; without one, a page is a row")
        if self.rows is None:
            rowless = [name for name, rule in self.fields.items() if rule.css is not None and not rule.target.css]
            if rowless:
                raise ValueError(f"field {rowless[0]!r} takes the row itself, and there is no rows selector")
        return self

    @cached_property
    def content_format(self) -> Format | None:
        """What the bodies are read as; None is HTML or XML, as their content type says."""
        return _format_of(self.format, self.fields)


def _format_of(told: Format | None, fields: Mapping[str, FieldRule]) -> Format | None:
    """The format that is `told`, or else the only one that has such fields."""
    first = next(iter(fields.values()), None)
    if told is not None or first is None:
        return told
    return {"path": Format.JSON, "column": Format.CSV}.get(first.found_by)
