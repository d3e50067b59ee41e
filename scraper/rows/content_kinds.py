"""What a body is, by what the source says and by what the server says."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from scraper.errors import ExtractError
from scraper.models import Reason


class Format(StrEnum):
    """How the body of a page is written."""

    HTML = "html"
    XML = "xml"
    JSON = "json"
    CSV = "csv"


_ANYTHING: Final = "*/*;q=0.5"
_ACCEPT: Final[Mapping[Format | None, str]] = {
    None: f"text/html,application/xhtml+xml,application/xml;q=0.9,{_ANYTHING}",
    Format.HTML: f"text/html,application/xhtml+xml,application/xml;q=0.9,{_ANYTHING}",
    Format.XML: f"application/xml,text/xml,application/rss+xml,application/atom+xml,{_ANYTHING}",
    Format.JSON: f"application/json,{_ANYTHING}",
    Format.CSV: f"text/csv,{_ANYTHING}",
}
_XML_TYPES: Final = frozenset({"application/xml", "text/xml"})
_XHTML: Final = "application/xhtml+xml"
_DOWNLOADS: Final = frozenset({"application/octet-stream", "application/download", "application/force-download"})
# Text may be anything: many servers do not know better. An answer of another kind is found out when it is read.
_TYPES: Final[Mapping[Format, frozenset[str]]] = {
    Format.HTML: frozenset({*_XML_TYPES, _XHTML}),
    Format.XML: frozenset({*_XML_TYPES, _XHTML, *_DOWNLOADS}),
    Format.JSON: frozenset({"application/json", "application/javascript", "application/x-javascript", *_DOWNLOADS}),
    Format.CSV: frozenset({"application/csv", "application/vnd.ms-excel", *_DOWNLOADS}),
}
_SUFFIXES: Final[Mapping[Format, str]] = {Format.HTML: "+xml", Format.XML: "+xml", Format.JSON: "+json"}


def accept_header(told: Format | None) -> str:
    """What a source with this `format` asks for; None takes pages of HTML and of XML."""
    return _ACCEPT[told]


def format_of(told: Format | None, content_type: str, *, url: str) -> Format:
    """What to read a body as: `told`, or else HTML or XML, as `content_type` says; "" is not told.

    Raises ExtractError (unsupported_content) for a type that cannot be of that.
    """
    kind = told or (Format.XML if _is_xml(content_type) else Format.HTML)
    suffix = _SUFFIXES.get(kind)
    if not content_type or content_type.startswith("text/") or content_type in _TYPES[kind]:
        return kind
    if suffix is not None and content_type.endswith(suffix):
        return kind
    wanted = "a page" if told is None else kind.value.upper()
    detail = f"content type {content_type} is not {wanted}{_cure(told, content_type)}"
    raise ExtractError(url, Reason.UNSUPPORTED_CONTENT, detail)


def _cure(told: Format | None, content_type: str) -> str:
    """How a source is written that is asked for pages and gets data."""
    if content_type == "application/json" or content_type.endswith("+json"):
        kind, place = Format.JSON, "path"
    elif content_type == "application/csv":
        kind, place = Format.CSV, "column"
    else:
        return ""
    written = "" if told is None else f'write format = "{kind}" and '
    return f"; for {kind.value.upper()}, {written}give the fields a {place}"


def _is_xml(content_type: str) -> bool:
    return content_type in _XML_TYPES or (content_type.endswith("+xml") and content_type != _XHTML)
