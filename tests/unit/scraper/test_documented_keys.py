"""The tables of docs/sources.md name every key, with the default that counts, and what they quote is so."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from scraper.follow_rules import Follow
from scraper.rows.field_rules import FieldRule
from scraper.rows.transforms import Transform, apply_transform
from scraper.rows.typed_values import FieldType
from scraper.sources import Gate, Source, load_sources
from tests.helpers.documented_sources import TEXT, table_under

TABLES: dict[str, tuple[type[BaseModel], str]] = {
    "## A source": (Source, "key"),
    "### Following links": (Follow, "key"),
    "## Fields": (FieldRule, "key"),
    "## Gate": (Gate, "key"),
}
DEFAULTS = [
    pytest.param(model, name, default, id=f"{model.__name__}-{name}")
    for heading, (model, head) in TABLES.items()
    for keys, default, _ in table_under(heading, head)
    for name in re.findall(r"`(\w+)`", keys)
]
NOTHING = {"\N{EN DASH}", "none"}


@pytest.mark.parametrize(("model", "name", "default"), DEFAULTS)
def test_a_documented_default_is_the_one_that_counts(model: type[BaseModel], name: str, default: str) -> None:
    field = model.model_fields[name]
    value: Any = field.get_default(call_default_factory=True)
    if default in NOTHING:
        assert field.is_required() or not value
    elif default in {"true", "false"} or re.fullmatch(r"[\d.]+", default):
        assert value == json.loads(default)
    elif default.startswith("`"):
        assert str(value) == default.strip("`")
    else:
        assert not field.is_required()


@pytest.mark.parametrize(("heading", "kind"), [(heading, kind) for heading, (kind, _) in TABLES.items()])
def test_every_key_has_a_line_of_its_table(heading: str, kind: type[BaseModel]) -> None:
    written = {name for row in table_under(heading, "key") for name in re.findall(r"`(\w+)`", row[0])}
    assert written == set(kind.model_fields)


def test_every_transform_and_type_is_documented() -> None:
    assert {name for row in table_under("## Fields", "transform") for name in re.findall(r"`(\w+)`", row[0])} == {
        *map(str, Transform)
    }
    (types,) = [meaning for key, _, meaning in table_under("## Fields", "key") if key == "`type`"]
    assert re.findall(r"`(\w+)`", types) == [*map(str, FieldType)]


INLINE = re.findall(r"`([a-z_]+ = [^`]+)`", re.sub(r"^```.*?^```$", "", TEXT, flags=re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("setting", INLINE)
def test_a_setting_within_the_text_is_toml_and_of_a_known_key(setting: str) -> None:
    (key,) = tomllib.loads(setting)
    assert key in {name for model, _ in TABLES.values() for name in model.model_fields}


def test_values_within_tables_are_those_of_their_keys(tmp_path: Path) -> None:
    rows = table_under("## A source", "key")
    quoted = {key.strip("`"): span for key, *cells in rows for span in re.findall(r"`({ [^`]+ })`", " ".join(cells))}
    lines = "\n".join(f"{key} = {value}" for key, value in quoted.items())
    head = '[[source]]\nname = "a"\nurls = ["https://bakery.example/"]\nformat = "csv"'
    (tmp_path / "s.toml").write_text(f"{head}\nfields = {{ a = {{ column = 1 }} }}\n{lines}\n", encoding="utf-8")
    (source,) = load_sources(tmp_path / "s.toml", {"API_TOKEN": "secret"})
    assert quoted.keys() == {"headers", "csv"}
    assert source.headers == {"Authorization": "Bearer secret"}
    assert (source.csv.delimiter, source.csv.header) == (";", False)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("digits", "1 234 left", "1234"), ("number_en", "1,234.50", "1234.50"), ("number_de", "1.234,50", "1234.50")],
)
def test_a_documented_transform_makes_of_a_text_what_is_said(name: str, text: str, value: str) -> None:
    (meaning,) = [said for names, said in table_under("## Fields", "transform") if f"`{name}`" in names]
    assert f"`{text}`" in meaning
    assert apply_transform(Transform(name), text, base="") == value
