"""Tables of the sources file: no key but the known ones, and every value of the type that TOML has for it."""

from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

_EXAMPLES = {bool: "true or false", int: "a whole number", float: "a number"}


class SettingText(str):
    """A text into which a setting was filled: settings are texts, and so may stand for a number, true or false."""

    __slots__ = ()


class TomlTable(BaseModel):
    """A table that refuses `"2"` for a number, `"no"` for false, and keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _is_what_toml_has_for_it(cls, value: Any, info: ValidationInfo) -> Any:
        annotation = cls.model_fields[info.field_name or ""].annotation
        types = [one for one in get_args(annotation) or [annotation] if one is not NoneType]
        wanted = types[0] if len(types) == 1 else None
        if wanted not in _EXAMPLES or isinstance(value, SettingText):
            return value
        is_bool = isinstance(value, bool)
        if isinstance(value, str) or is_bool != (wanted is bool):
            raise ValueError(f"write {_EXAMPLES[wanted]} without quotation marks, not {value!r}")
        return value
