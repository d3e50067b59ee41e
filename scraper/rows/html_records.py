"""Records of HTML, read as browsers read it."""

from collections.abc import Iterable
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from scraper.errors import ExtractError
from scraper.models import Reason
from scraper.rows.base_url import base_url
from scraper.rows.field_rules import FieldRule
from scraper.rows.markup_guard import refuse_bomb
from scraper.rows.records import Records
from scraper.rows.shown_text import shown_text

_URL_ATTRIBUTES = frozenset({"href", "src"})


def html_records(text: str, rows: str | None, *, url: str) -> Records:
    """The elements that `rows` matches, or the page as one record. Raises ExtractError."""
    refuse_bomb(text, url=url)
    try:
        page = LexborHTMLParser(text)
        if page.root is None:
            raise ExtractError(url, Reason.NOT_DECODABLE, "the page is empty")
        nodes = [page.root] if rows is None else page.css(rows)
        base = base_url(page, url)
    except (SelectolaxError, ValueError) as error:
        raise ExtractError(url, Reason.NOT_DECODABLE, f"the markup cannot be parsed ({error})") from error
    return Records([_HtmlRecord(node, base) for node in nodes], base)


class _HtmlRecord:
    def __init__(self, node: LexborNode, base: str) -> None:
        self._node, self._base = node, base

    def first(self, rule: FieldRule) -> str:
        css = rule.target.css
        element = self._node.css_first(css) if css else self._node
        return "" if element is None else self._text(element, rule)

    def every(self, rule: FieldRule) -> Iterable[str]:
        css = rule.target.css
        return (self._text(element, rule) for element in (self._node.css(css) if css else [self._node]))

    def _text(self, element: LexborNode, rule: FieldRule) -> str:
        attribute = rule.target.attribute
        if attribute is None:
            return shown_text(element)
        text = " ".join((element.attributes.get(attribute) or "").split())
        return urljoin(self._base, text) if text and attribute in _URL_ATTRIBUTES else text
