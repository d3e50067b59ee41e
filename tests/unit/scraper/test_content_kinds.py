"""What a body is taken for, how its charset is found, and which keys of a source go with which format."""

from typing import Any

import pytest
from pydantic import ValidationError

from scraper.errors import ExtractError
from scraper.models import Reason
from scraper.rows.content_kinds import Format, accept_header, format_of
from scraper.sources import Source
from tests.helpers.extraction import URL, column_of, refusal, source_of


@pytest.mark.parametrize(
    ("told", "content_type", "kind"),
    [
        (None, "", "html"),
        (None, "text/html", "html"),
        (None, "text/plain", "html"),
        (None, "application/xhtml+xml", "html"),
        (None, "text/xml", "xml"),
        (None, "application/atom+xml", "xml"),
        ("html", "application/xml", "html"),
        ("xml", "text/html", "xml"),
        ("json", "text/plain", "json"),
        ("json", "application/vnd.api+json", "json"),
        ("csv", "application/octet-stream", "csv"),
        (None, "image/png", None),
        (None, "application/pdf", None),
        (None, "application/json", None),
        (None, "application/octet-stream", None),
        ("html", "application/json", None),
        ("json", "application/xml", None),
        ("csv", "application/json", None),
        ("xml", "image/png", None),
    ],
)
def test_a_body_is_what_the_source_and_the_content_type_say(told: Any, content_type: str, kind: str | None) -> None:
    wanted = None if told is None else Format(told)
    if kind is not None:
        assert format_of(wanted, content_type, url=URL) == kind
        return
    with pytest.raises(ExtractError) as caught:
        format_of(wanted, content_type, url=URL)
    assert caught.value.reason == Reason.UNSUPPORTED_CONTENT


@pytest.mark.parametrize(
    ("told", "content_type", "cure"),
    [
        (None, "application/json", "is not a page; for JSON, give the fields a path"),
        (None, "application/ld+json", "is not a page; for JSON, give the fields a path"),
        (None, "application/csv", "is not a page; for CSV, give the fields a column"),
        ("html", "application/json", 'is not HTML; for JSON, write format = "json" and give the fields a path'),
        ("xml", "application/csv", 'is not XML; for CSV, write format = "csv" and give the fields a column'),
        ("csv", "application/json", 'is not CSV; for JSON, write format = "json" and give the fields a path'),
        (None, "image/png", "is not a page"),
        ("json", "application/pdf", "is not JSON"),
    ],
)
def test_data_that_is_taken_for_pages_is_refused_with_the_cure(told: str | None, content_type: str, cure: str) -> None:
    with pytest.raises(ExtractError) as caught:
        format_of(None if told is None else Format(told), content_type, url=URL)
    assert caught.value.detail == f"content type {content_type} {cure}"


@pytest.mark.parametrize("told", [None, *Format])
def test_what_is_asked_for_ends_with_anything(told: Format | None) -> None:
    assert accept_header(told).endswith(",*/*;q=0.5")


def test_json_is_asked_for_by_its_type() -> None:
    assert accept_header(source_of({"f": {"path": "a"}}).content_format).startswith("application/json,")


@pytest.mark.parametrize(
    ("keys", "body", "charset"),
    [
        ({"format": "xml"}, '<?xml version="1.0" encoding="iso-8859-1"?><f>é€</f>'.encode("cp1252"), None),
        ({"format": "xml"}, '<?xml version="1.0" encoding="iso-8859-1"?><f>é€</f>'.encode(), "utf-8"),
        ({"format": "xml"}, '\ufeff<?xml version="1.0" encoding="utf-8"?><f>é€</f>'.encode("utf-16"), "koi8-r"),
        ({"format": "xml"}, "<f>é€</f>".encode("utf-16-be"), None),
        ({"format": "json"}, '{"f": "é€"}'.encode("cp1252"), "windows-1252"),
        ({"format": "json"}, '\ufeff{"f": "é€"}'.encode(), None),
        ({"format": "json"}, '{"f": "é€"}'.encode("utf-16-le"), "utf-8"),
        ({"format": "csv"}, "\ufefff\né€\n".encode(), None),
        ({"format": "csv", "charset": "windows-1252"}, "f\né€\n".encode("cp1252"), None),
        ({"format": "csv", "charset": "windows-1252"}, "f\né€\n".encode("cp1252"), "iso-8859-15"),
        ({"charset": "windows-1252"}, "<f>é€</f>".encode("cp1252"), "iso-8859-15"),
    ],
)
def test_the_charset_is_found_in_every_format(keys: dict[str, Any], body: bytes, charset: str | None) -> None:
    assert column_of(source_of({"f": "f"}, **keys), body, charset=charset) == ["é€"]


@pytest.mark.parametrize("told", ["json", "csv", "xml"])
def test_bytes_that_are_no_text_are_not_decodable_and_the_key_that_may_help_is_named(told: str) -> None:
    refused = refusal(source_of({"f": "f"}, format=told), b"\xff\xfa\xf0", charset="utf-8")
    assert refused.reason == Reason.NOT_DECODABLE
    assert refused.detail.endswith(" as utf-8; the key charset of the source says what the pages are in")


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"format": "json", "fields": {"f": {"css": "a"}}}, "'f' is found by css; in JSON, it takes path"),
        ({"fields": {"f": "a", "g": {"path": "a"}}}, "'g' is found by path; in HTML, it takes css"),
        ({"fields": {"f": {"column": "a"}, "g": "a"}}, "'g' is found by css; in CSV, it takes column"),
        ({"fields": {"f": {"css": "a", "path": "a"}}}, "exactly one of css"),
        ({"fields": {"f": {"type": "int"}}}, "exactly one of css"),
        ({"fields": {"f": {"path": "a["}}}, "is not JMESPath"),
        ({"fields": {"f": {"column": 0}}}, "greater than or equal to 1"),
        ({"fields": {"f": {"path": "a"}}, "rows": "a["}, "is not JMESPath"),
        ({"format": "csv", "rows": "a"}, "every line of CSV is a row; leave rows out"),
        ({"format": "xml", "rows": "item:first-of-type"}, "is not a CSS selector that can be used with XML"),
        ({"format": "xml", "fields": {"f": "media|*"}}, "is not supported"),
        ({"format": "csv", "csv": {"header": False}}, "columns have numbers"),
        ({"format": "csv", "csv": {"delimiter": ";;"}}, "should match pattern"),
        ({"csv": {"delimiter": ";"}}, 'csv is for format = "csv"'),
        ({"format": "yaml"}, "Input should be 'html', 'xml', 'json' or 'csv'"),
        ({"rows_may_be_absent": True}, "without one, a page is a row"),
        ({"blocked_if": ["captcha", " "]}, "an empty text is on every page"),
        ({"charset": "klingon"}, "is no charset of pages"),
    ],
)
def test_keys_that_do_not_fit_each_other_are_refused(keys: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Source.model_validate({"name": "books", "urls": [URL], "fields": {"f": "a"}, **keys})
    assert problem in str(caught.value)
