"""Which changes of a source make every page new."""

from typing import Any

import pytest

from scraper.rows.fingerprint import extraction_fingerprint
from scraper.sources import Source

KEYS: dict[str, Any] = {"name": "books", "sitemap": "http://site/sitemap.xml", "fields": {"title": "h1", "price": "p"}}
FINGERPRINT = extraction_fingerprint(Source.model_validate(KEYS))


@pytest.mark.parametrize(
    "changed",
    [
        {"fields": {"title": "h2", "price": "p"}},
        {"fields": {"title": {"css": "h1", "required": False}, "price": "p"}},
        {"fields": {"title": "h1", "price": {"css": "p", "regex": "[0-9]+"}}},
        {"fields": {"title": "h1"}},
        {"rows": "li"},
        {"key": ["title"]},
        {"user_agent": "another/1"},
        {"headers": {"Accept-Language": "de"}},
        {"headers": {"X-Region": "eu", "Authorization": "Bearer new"}},
        {"format": "html"},
        {"charset": "windows-1252"},
        {"blocked_if": ["captcha"]},
        {"fields": {"title": {"css": "h1", "type": "list"}, "price": "p"}},
        {"fields": {"title": {"css": "h1", "default": ""}, "price": "p"}},
        {"fields": {"title": {"css": "h1", "transform": "lower"}, "price": "p"}},
    ],
)
def test_a_key_that_decides_about_rows_changes_the_fingerprint(changed: dict[str, Any]) -> None:
    assert extraction_fingerprint(Source.model_validate(KEYS | changed)) != FINGERPRINT


@pytest.mark.parametrize(
    "changed",
    [
        {"sitemap": "http://site/other.xml"},
        {"concurrency": 7, "requests_per_second": 0.5, "timeout_s": 1, "max_attempts": 1, "max_pages": 3},
        {"gate": {"min_rows": 9}, "headers": {"Authorization": "Bearer new"}, "trust_lastmod": True},
        {"headers": {"cookie": "id=1", "X-API-Key": "2", "x-access-token": "3"}},
    ],
)
def test_a_key_that_says_how_pages_are_asked_for_leaves_it_alone(changed: dict[str, Any]) -> None:
    assert extraction_fingerprint(Source.model_validate(KEYS | changed)) == FINGERPRINT


def test_a_header_counts_by_its_name_in_any_case() -> None:
    some, same = ({"headers": {name: "de"}} for name in ("Accept-Language", "accept-language"))
    assert extraction_fingerprint(Source.model_validate(KEYS | some)) == extraction_fingerprint(
        Source.model_validate(KEYS | same)
    )
