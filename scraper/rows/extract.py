"""Body in, rows out: no I/O, no clock."""

from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from scraper.errors import BadValue, ExtractError, MissingField, PageLayoutChanged, shown
from scraper.models import Reason, Row, Scalar
from scraper.rows.base_url import base_url
from scraper.rows.charsets import decode_page
from scraper.rows.field_rules import FieldRule
from scraper.rows.markup_guard import refuse_bomb
from scraper.rows.typed_values import parse_value
from scraper.sources import Source

_URL_ATTRIBUTES = frozenset({"href", "src"})
_PAGE_TYPES = frozenset({"", "application/xhtml+xml", "application/xml"})


def check_content_type(content_type: str, *, url: str) -> None:
    """Raise ExtractError (unsupported_content) unless `content_type` can be a page's; "" is not told."""
    if content_type not in _PAGE_TYPES and not content_type.startswith("text/"):
        raise ExtractError(url, Reason.UNSUPPORTED_CONTENT, f"content type {content_type} is not a page")


def extract_rows(source: Source, body: bytes, *, url: str, charset: str | None) -> list[Row]:
    """Rows of one page, in page order.

    `url` is where the page was in the end: `href` and `src` become absolute with it, or with the page's
    `<base>`. Text is trimmed and its white space runs are single spaces; empty text counts as missing.
    Raises PageLayoutChanged if the row selector matches nothing, MissingField, BadValue, or ExtractError
    for a body that is no text: a retry will not help.
    """
    text = decode_page(body, url=url, charset=charset)
    refuse_bomb(text, url=url)
    try:
        page = LexborHTMLParser(text)
        nodes = _row_nodes(source, page, url)
        base = base_url(page, url)
    except (SelectolaxError, ValueError) as error:
        raise ExtractError(url, Reason.NOT_DECODABLE, f"the markup cannot be parsed ({error})") from error
    return [
        Row(values=_row_values(source, node, url=url, base=base, position=position), position=position)
        for position, node in enumerate(nodes)
    ]


def _row_nodes(source: Source, page: LexborHTMLParser, url: str) -> list[LexborNode]:
    if source.rows is None:
        if page.root is None:
            raise ExtractError(url, Reason.NOT_DECODABLE, "the page is empty")
        return [page.root]
    nodes = page.css(source.rows)
    if not nodes:
        raise PageLayoutChanged(url, missing=source.rows)
    return nodes


def _row_values(source: Source, node: LexborNode, *, url: str, base: str, position: int) -> dict[str, Scalar | None]:
    values: dict[str, Scalar | None] = {}
    for name, rule in source.fields.items():
        try:
            values[name] = _field_value(rule, node, base)
        except ValueError as error:
            raise BadValue(url, name, rule.css, str(error), position=position) from error
        if values[name] is None and rule.required:
            raise MissingField(url, name, rule.css, position=position)
    return values


def _field_value(rule: FieldRule, node: LexborNode, base: str) -> Scalar | None:
    """The field's value, None if there is none. Raises ValueError for text that is not of the field's type."""
    text = _field_text(rule, node, base)
    if text and rule.pattern is not None:
        match = rule.pattern.search(text)
        if match is None:
            if rule.required:
                raise ValueError(f"{shown(text)} does not match '{rule.regex}'")
            return None
        text = (match[1] if rule.pattern.groups else match[0]) or ""
        text = text.strip()
    return parse_value(text, rule.type) if text else None


def _field_text(rule: FieldRule, node: LexborNode, base: str) -> str:
    target = rule.target
    element = node.css_first(target.css) if target.css else node
    if element is None:
        return ""
    if target.attribute is None:
        return " ".join(element.text().split())
    text = " ".join((element.attributes.get(target.attribute) or "").split())
    return urljoin(base, text) if text and target.attribute in _URL_ATTRIBUTES else text
