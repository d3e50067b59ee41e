"""Sources made of fields, and what they make of bodies."""

from typing import Any

import pytest

from scraper.errors import ExtractError
from scraper.rows.extract import extract_rows
from scraper.sources import Source

URL = "https://books.example/api/1"


def source_of(fields: dict[str, Any], **keys: Any) -> Source:
    return Source.model_validate({"name": "books", "urls": [URL], "fields": fields, **keys})


def values_of(
    source: Source, body: str | bytes, content_type: str = "", charset: str | None = None
) -> list[dict[str, Any]]:
    raw = body.encode() if isinstance(body, str) else body
    return [row.values for row in extract_rows(source, raw, url=URL, charset=charset, content_type=content_type)]


def column_of(source: Source, body: str | bytes, **told: Any) -> list[Any]:
    return [values["f"] for values in values_of(source, body, **told)]


def refusal(source: Source, body: str | bytes, **told: Any) -> ExtractError:
    with pytest.raises(ExtractError) as caught:
        values_of(source, body, **told)
    return caught.value
