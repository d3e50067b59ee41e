"""How one field of a row is found and read, checked when it is written."""

import re
from datetime import UTC, date
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from scraper.models import Scalar, Value
from scraper.rows.json_paths import compiled_path
from scraper.rows.moments import NAMED_FORMATS, Clockwork, check_format, zone_of
from scraper.rows.regexes import check_regex
from scraper.rows.targets import Target, check_selector, parse_target
from scraper.rows.transforms import Transform
from scraper.rows.typed_values import FieldType, check_list_fits, parse_value
from scraper.toml_tables import TomlTable


def one_or_more(value: Any) -> Any:
    """A single text as the only one of several; anything else as it is."""
    return (value,) if isinstance(value, str) else value


class FieldRule(TomlTable):
    """One field. Without `required = false` or a `default`, a page that lacks the field is a failed page."""

    css: str | None = None
    """Of HTML and XML."""
    path: str | None = None
    """JMESPath of JSON."""
    column: str | Annotated[int, Field(ge=1)] | None = None
    """Of CSV: its name in the header, or its number from 1."""
    type: FieldType = FieldType.STR
    items: FieldType = FieldType.STR
    """What the parts of a list are."""
    regex: str | None = None
    transform: Annotated[tuple[Transform, ...], BeforeValidator(one_or_more)] = ()
    timezone: str | None = None
    """That of times that tell no offset; None is UTC."""
    format: str | None = None
    """How dates and times are written; None is ISO 8601."""
    required: bool = True
    default: Any = None
    """The value where there is none."""

    @field_validator("css")
    @classmethod
    def _css_is_usable(cls, css: str | None) -> str | None:
        if css is not None:
            target = parse_target(css)
            if target.css:
                check_selector(target.css)
        return css

    @field_validator("path")
    @classmethod
    def _path_is_usable(cls, path: str | None) -> str | None:
        if path is not None:
            compiled_path(path)
        return path

    @field_validator("regex")
    @classmethod
    def _regex_compiles(cls, regex: str | None) -> str | None:
        if regex is not None:
            check_regex(regex)
        return regex

    @field_validator("items")
    @classmethod
    def _items_are_of_lists(cls, items: FieldType, info: ValidationInfo) -> FieldType:
        if info.data.get("type", FieldType.LIST) is not FieldType.LIST:
            raise ValueError('items is for type = "list"')
        if items is FieldType.LIST:
            raise ValueError("a list of lists cannot be stored")
        return items

    @field_validator("timezone")
    @classmethod
    def _timezone_is_known(cls, timezone: str | None, info: ValidationInfo) -> str | None:
        if timezone is not None:
            if _scalar_type(info) not in {FieldType.DATETIME, FieldType.DATE}:
                raise ValueError("timezone is for the types datetime and date")
            zone_of(timezone)
        return timezone

    @field_validator("format")
    @classmethod
    def _format_is_usable(cls, text: str | None, info: ValidationInfo) -> str | None:
        if text is not None:
            if _scalar_type(info) not in {FieldType.DATETIME, FieldType.DATE}:
                raise ValueError("format is for the types datetime and date")
            check_format(text, needs_time=_scalar_type(info) is FieldType.DATETIME)
        return text

    @field_validator("default")
    @classmethod
    def _default_is_of_the_type(cls, default: Any, info: ValidationInfo) -> Value | None:
        if default is None or "type" not in info.data:
            return None
        clockwork = Clockwork(None, zone_of(info.data.get("timezone") or "UTC"))
        if info.data["type"] is not FieldType.LIST:
            return _default_scalar(default, info.data["type"], clockwork)
        if not isinstance(default, list):
            raise ValueError("the default of a list is a list, such as []")
        values = [_default_scalar(one, _scalar_type(info), clockwork) for one in default]
        check_list_fits(values)
        return values

    @model_validator(mode="after")
    def _is_found_in_one_way(self) -> Self:
        if [self.css, self.path, self.column].count(None) != 2:
            raise ValueError("exactly one of css (HTML, XML), path (JSON) and column (CSV) is needed")
        return self

    @model_validator(mode="after")
    def _timezone_counts(self) -> Self:
        if self.timezone is not None and self.scalar_type is FieldType.DATE and self.format not in NAMED_FORMATS:
            raise ValueError(f"timezone is for datetime, and for dates in the formats {', '.join(NAMED_FORMATS)}")
        return self

    @model_validator(mode="after")
    def _default_is_of_optional_fields(self) -> Self:
        if self.default is not None and self.required and "required" in self.model_fields_set:
            raise ValueError("a field with a default is never missing; leave required out")
        return self

    @property
    def is_required(self) -> bool:
        """Whether a page that lacks the field is a failed page."""
        return self.required and self.default is None

    @cached_property
    def is_list(self) -> bool:
        """Whether all matches count, not the first one alone."""
        return self.type is FieldType.LIST

    @cached_property
    def scalar_type(self) -> FieldType:
        """The type of each value."""
        return self.items if self.is_list else self.type

    @cached_property
    def clockwork(self) -> Clockwork:
        """How dates and times are written."""
        return Clockwork(self.format, UTC if self.timezone is None else zone_of(self.timezone))

    @cached_property
    def target(self) -> Target:
        """Where the field's text is, in HTML and XML."""
        return parse_target(self.css or "::text")

    @property
    def found_by(self) -> str:
        """The key that says where the field is: css, path or column."""
        return "css" if self.css is not None else "path" if self.path is not None else "column"

    @property
    def place(self) -> str:
        """Where the field is found, as it stands in the sources file."""
        return str(self.css or self.path or self.column)

    @cached_property
    def pattern(self) -> re.Pattern[str] | None:
        """`regex`, compiled; its group 1, or the whole match, is the value."""
        return None if self.regex is None else re.compile(self.regex)


def _scalar_type(info: ValidationInfo) -> FieldType | None:
    """The type of the values of the rule that is being checked, as far as it is right."""
    told: FieldType | None = info.data.get("type")
    return info.data.get("items") if told is FieldType.LIST else told


def _default_scalar(value: Any, field_type: FieldType | None, clockwork: Clockwork) -> Scalar:
    """A value of TOML as one of `field_type`. Raises ValueError."""
    if field_type is None:
        raise ValueError("the type of the field is wrong")
    if isinstance(value, str):
        return parse_value(value, field_type, clockwork)
    if field_type is FieldType.STR:
        raise ValueError(f"the default of a text is a text, not {value!r}")
    if isinstance(value, date):
        return parse_value(value.isoformat(), field_type, clockwork)
    return parse_value(str(value), field_type, clockwork)
