"""Sources files for the sample shop."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

FIELDS = {
    "title": {"css": "h1.book-title", "required": True},
    "author": {"css": "a.author"},
    "price": {"css": "article.product p.price", "type": "decimal", "required": True, "regex": r"£\s*(\S+)"},
    "in_stock": {"css": "p.availability::attr(data-in-stock)", "type": "bool"},
    "stock": {"css": "td.stock", "type": "int"},
    "rating": {"css": "article.product p.rating::attr(data-rating)", "type": "int"},
    "published": {"css": "td.published time::attr(datetime)", "type": "date"},
    "isbn": {"css": "td.isbn"},
    "description": {"css": "p.description"},
}


def shop_source(name: str = "books", *, gate: Mapping[str, Any] | None = None, **keys: Any) -> str:
    """A source whose rows are those of `Catalogue.expected_rows`; `keys` are more of its keys, or others."""
    known = {
        "name": name,
        "allow_private_hosts": ["127.0.0.1"],
        "requests_per_second": 500,
        "concurrency": 16,
        **({} if "urls" in keys or "url_template" in keys else {"sitemap": "${SAMPLE_SITE_URL}/sitemap.xml"}),
        **keys,
    }
    tables = {"fields": FIELDS, "gate": gate or {}}
    return "\n".join(["[[source]]", *_lines(known), *(line for name in tables for line in _table(name, tables[name]))])


def _table(name: str, values: Mapping[str, Any]) -> list[str]:
    return [f"[source.{name}]", *_lines(values), ""]


def _lines(values: Mapping[str, Any]) -> list[str]:
    return [f"{name} = {_toml(value)}" for name, value in values.items()]


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(_lines(value)) + " }"
    return json.dumps(value, ensure_ascii=False)  # of strings, numbers, booleans and lists of them, TOML's form, too
