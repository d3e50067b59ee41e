"""The text of an element of HTML, as it is shown: words that do not stand together there do not run together here."""

from collections.abc import Iterator
from typing import Final

from selectolax.lexbor import LexborNode

# What begins a line, a paragraph, a cell or the like. Source: HTML Standard, 15.3: the elements that are not inline.
_BLOCKS: Final = """
    address article aside blockquote body br caption center dd details dialog dir div dl dt fieldset figcaption figure
    footer form frameset h1 h2 h3 h4 h5 h6 head header hgroup hr legend li listing main menu nav ol optgroup option p
    plaintext pre search section select summary table tbody td tfoot th thead title tr ul xmp
"""
_APART: Final = frozenset(_BLOCKS.split())
_NOT_SHOWN: Final = frozenset({"script", "style"})


def shown_text(element: LexborNode) -> str:
    """The text of `element` with single spaces, also between lines, paragraphs and cells; "" if there is none.

    Scripts and styles inside are left out; of an element that is one itself, it is the source.
    """
    inside = element.first_child
    is_plain = inside is None or (inside.is_text_node and inside.next is None)
    is_source = element.tag in _NOT_SHOWN
    text = element.text() if is_plain or is_source else "".join(_pieces(element))
    return " ".join(text.split())


def _pieces(element: LexborNode) -> Iterator[str]:
    for node in element.traverse(include_text=True):
        before = node.prev
        if node.tag in _APART or (before is not None and before.tag in _APART):
            yield " "
        if node.is_text_node and not (node.parent is not None and node.parent.tag in _NOT_SHOWN):
            yield node.text()
