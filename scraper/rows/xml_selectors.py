"""CSS selectors on XML. Names are as they are written in the document: `title`, `media|content`, `isPermaLink`."""

from functools import lru_cache
from typing import Any

from cssselect import ExpressionError, GenericTranslator, SelectorError
from lxml import etree


class _NamesAsWritten(GenericTranslator):
    """Feeds of the same kind differ in namespaces, and hardly ever in prefixes."""

    def xpath_element(self, selector: Any) -> Any:
        """An element by its whole name, prefix included."""
        if selector.namespace and not selector.element:
            raise ExpressionError(f"{selector.namespace}|* is not supported")
        xpath = self.xpathexpr_cls(element="*")
        if selector.element:
            name = f"{selector.namespace}:{selector.element}" if selector.namespace else selector.element
            xpath.add_condition(f"name() = {self.xpath_literal(name)}")
        return xpath

    def xpath_attrib(self, selector: Any) -> Any:
        """An attribute; without a prefix."""
        if selector.namespace:
            raise ExpressionError("attributes with a prefix are not supported in selectors")
        return super().xpath_attrib(selector)

    def xpath_scope_pseudo(self, _xpath: Any) -> Any:
        """Not supported, as in HTML."""
        raise ExpressionError(":scope is not supported")


_translator = _NamesAsWritten()


@lru_cache(maxsize=1000)
def compiled_for_xml(css: str) -> etree.XPath:
    """What finds the elements below an element, that one included. Raises ValueError if `css` is not understood."""
    try:
        return etree.XPath(_translator.css_to_xpath(css))
    except (SelectorError, etree.XPathSyntaxError) as error:
        raise ValueError(f"{css!r} is not a CSS selector that can be used with XML ({error})") from error
