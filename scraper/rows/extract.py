"""Body in, rows out: no I/O, no clock."""

from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from scraper.errors import BadValue, ExtractError, MissingField, PageLayoutChanged
from scraper.models import Reason, Row, Value
from scraper.rows.base_url import base_url
from scraper.rows.charsets import decode_page
from scraper.rows.field_rules import FieldRule
from scraper.rows.field_values import list_of, scalar_of
from scraper.rows.markup_guard import refuse_bomb
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


def _row_values(source: Source, node: LexborNode, *, url: str, base: str, position: int) -> dict[str, Value | None]:
    values: dict[str, Value | None] = {}
    for name, rule in source.fields.items():
        try:
            value = _field_value(rule, node, base)
        except ValueError as error:
            raise BadValue(url, name, rule.css, str(error), position=position) from error
        if value is None and rule.is_required:
            raise MissingField(url, name, rule.css, position=position)
        values[name] = rule.default if value is None else value
    return values


def _field_value(rule: FieldRule, node: LexborNode, base: str) -> Value | None:
    """The field's value, None if there is none. Raises ValueError for text that is not of the field's type."""
    css = rule.target.css
    if rule.is_list:
        elements = node.css(css) if css else [node]
        return list_of(rule, (_text(rule, element, base) for element in elements), base=base)
    element = node.css_first(css) if css else node
    return None if element is None else scalar_of(rule, _text(rule, element, base), base=base)


def _text(rule: FieldRule, element: LexborNode, base: str) -> str:
    attribute = rule.target.attribute
    if attribute is None:
        return " ".join(element.text().split())
    text = " ".join((element.attributes.get(attribute) or "").split())
    return urljoin(base, text) if text and attribute in _URL_ATTRIBUTES else text
