"""Records of XML. Nothing is fetched or expanded, and libxml2's limits of depth and size are on."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urljoin

from lxml import etree

from scraper.errors import ExtractError
from scraper.models import Reason
from scraper.rows.field_rules import FieldRule
from scraper.rows.records import Records
from scraper.rows.xml_selectors import compiled_for_xml

_URL_ATTRIBUTES = frozenset({"href", "src"})
_XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"


def xml_records(text: str, rows: str | None, *, url: str) -> Records:
    """The elements that `rows` matches, or the document as one record. Raises ExtractError."""
    root = _parsed(text, url)
    elements = [root] if rows is None else _matches(root, rows)
    return Records([_XmlRecord(element, url) for element in elements], url)


def _parsed(text: str, url: str) -> etree._Element:
    # Whatever the document's declaration says, the charset is known by now.
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(text.lstrip().encode(), parser, base_url=url)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ExtractError(url, Reason.MALFORMED, f"not XML ({_one_line(error)})") from error
    document_type: Any = root.getroottree().docinfo.internalDTD  # the stubs do not know its entities
    if document_type is not None and any(True for _ in document_type.iterentities()):
        raise ExtractError(url, Reason.MALFORMED, "the document declares entities of its own, which are not expanded")
    return root


def _matches(element: etree._Element, css: str) -> list[etree._Element]:
    found: Any = compiled_for_xml(css)(element)
    return list(found)


class _XmlRecord:
    def __init__(self, element: etree._Element, url: str) -> None:
        self._element, self._url = element, url

    def first(self, rule: FieldRule) -> str:
        return next(iter(self.every(rule)), "")

    def every(self, rule: FieldRule) -> Iterable[str]:
        css = rule.target.css
        return (self._text(element, rule) for element in (_matches(self._element, css) if css else [self._element]))

    def _text(self, element: etree._Element, rule: FieldRule) -> str:
        attribute = rule.target.attribute_as_written
        if attribute is None:
            return " ".join("".join(map(str, element.itertext())).split())
        text = " ".join(_attribute(element, attribute).split())
        is_url = text and rule.target.attribute in _URL_ATTRIBUTES
        return urljoin(element.base or self._url, text) if is_url else text


def _attribute(element: etree._Element, name: str) -> str:
    """The attribute with this name, prefix included; "" if there is none."""
    prefix, colon, local = name.partition(":")
    if colon:
        namespace = _XML_NAMESPACE if prefix == "xml" else element.nsmap.get(prefix)
        name = f"{{{namespace}}}{local}"
    return str(element.get(name, ""))


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
