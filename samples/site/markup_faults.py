"""Turns a good page into a page with a markup fault. Pure."""

import re

from samples.site.faults import Fault

_TITLE = re.compile(r'<(h1|a) class="book-title"[^>]*>.*?</\1>', re.DOTALL)
_PRICE = re.compile(r'(class="price">£)[\d.]+')
_OPTIONAL_ENDS = re.compile(r"</(?:li|td|th|tr|tbody|p|main|body|html)>")


def damage(html: str, fault: Fault) -> str:
    """`html` with one of the MARKUP_FAULTS; raises ValueError for any other."""
    if fault is Fault.NO_TITLE:
        return _TITLE.sub("", html)
    if fault is Fault.BAD_PRICE:
        return _PRICE.sub(r"\1n/a", html)
    if fault is Fault.MESSY_MARKUP:
        return _make_messy(html)
    raise ValueError(f"{fault} is not a fault of the markup")


def _make_messy(html: str) -> str:
    """Every value is still there for a parser that repairs markup as browsers do."""
    unclosed = _OPTIONAL_ENDS.sub("", html).replace("&amp; ", "& ")
    clutter = (
        "<p>New & improved &bogus; &copy 2024 <b><i>Today only</b></i><br></br><div id=deal id=deal>3 < 4</div></span>"
    )
    return unclosed.replace('<h2 id="related">', f'{clutter}<h2 ID=related CLASS="x>y">', 1)
