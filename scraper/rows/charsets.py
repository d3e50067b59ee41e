"""Bytes of a page as text: BOM, header, what the page itself declares, then UTF-8; the first that fits wins.

But any byte fits most single-byte charsets, and servers that name one for all their pages are common: text that is
UTF-8 is read as such. Text of another charset hardly ever is UTF-8 by accident.

HTML declares its charset in a meta tag, or as XML does in its first line; JSON and CSV do not. XML and JSON in UTF-16
are known by the zeros in their first character.
"""

import codecs
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from scraper.errors import ExtractError
from scraper.models import Reason
from scraper.rows.content_kinds import Format

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_META = re.compile(rb"<meta[^>]{0,512}?charset\s*=\s*[\"']?\s*([a-zA-Z0-9_:.-]{1,40})", re.IGNORECASE)
_XML_DECLARATION = re.compile(rb"\s{0,64}<\?xml\s[^>]{0,512}?encoding\s*=\s*[\"']([a-zA-Z0-9_:.-]{1,40})[\"']")
_COMMENT = re.compile(rb"<!--.{0,4096}?-->", re.DOTALL)
_PRESCAN_BYTES = 4096
_BOM = "\ufeff"
_DAMAGED = "\N{REPLACEMENT CHARACTER}"
_SEEN_BY_ZEROS = frozenset({Format.XML, Format.JSON})
_ZEROS = tuple(
    (mark, codec)
    for first in (b"<", b"{", b"[")
    for mark, codec in ((b"\0" + first, "utf-16-be"), (first + b"\0", "utf-16-le"))
)
_TOLERATED = 0.01
"""Up to one character in a hundred may be damaged: one bad byte in a comment does not spoil a page."""
_SURELY = 2
"""A charset is the right one if it reads more than so many times as many characters as it cannot read."""
# Labels of the Encoding Standard that Python does not know. Source: WHATWG Encoding Standard, 4.2.
_LABELS = {
    "csgb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "x-gbk": "gb18030",
    "x-x-big5": "big5hkscs",
    "windows-31j": "cp932",
    "x-sjis": "cp932",
    "x-euc-jp": "euc_jp",
    "windows-949": "cp949",
    "dos-874": "cp874",
    "windows-874": "cp874",
    "x-cp1250": "cp1250",
    "x-cp1251": "cp1251",
    "x-cp1252": "cp1252",
    "koi": "koi8-r",
    "koi8-ru": "koi8-u",
    "iso-8859-8-i": "iso8859-8",
    "logical": "iso8859-8",
    "visual": "iso8859-8",
    "x-mac-roman": "mac-roman",
    "x-mac-cyrillic": "mac-cyrillic",
}
# Browsers read these labels as their supersets. Source: WHATWG Encoding Standard, 4.2.
_SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
_SINGLE_BYTE_CODECS = frozenset(
    {"koi8-r", "koi8-u", "cp866", "cp874", "mac-roman", "mac-cyrillic"}
    | {f"cp{number}" for number in range(1250, 1259)}
    | {f"iso8859-{number}" for number in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)}
)
_PAGE_CODECS = _SINGLE_BYTE_CODECS | frozenset(
    {"utf-8", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "cp932", "cp949", "big5hkscs", "euc_jp", "iso2022_jp"}
)

CHARSET_CURE = "the key charset of the source says what the pages are in"


def decode_page(body: bytes, *, url: str, charset: str | None, kind: Format = Format.HTML) -> str:
    """`body` as text; `charset` is what the header told, if it did.

    A charset that is unknown, or that does not fit the bytes, is passed over. If none fits, the first is
    taken with U+FFFD for what it cannot read. Raises ExtractError (not_decodable) if that is more than 1 %.
    """
    return page_text(body, url=url, charset=charset, kind=kind).text


@dataclass(frozen=True, slots=True)
class PageText:
    """A page as text, and the charset that it was read by, as Python calls it.

    With `is_doubtful`, the charset is hardly the right one: most of what is not ASCII became U+FFFD.
    """

    text: str
    codec: str
    is_doubtful: bool = False


def page_text(body: bytes, *, url: str, charset: str | None, kind: Format) -> PageText:
    """The same, with what it was read by."""
    if _codec(charset) == "utf-8" and kind not in _SEEN_BY_ZEROS:  # most pages: the first candidate, whatever they say
        with suppress(UnicodeDecodeError):
            return PageText(body.decode().removeprefix(_BOM), "utf-8")
    candidates = _candidates(body, charset, kind)
    first = ["utf-8"] if candidates[0] in _SINGLE_BYTE_CODECS else []
    for codec in (*first, *candidates):
        if codec in _SINGLE_BYTE_CODECS and _fits_but_for_faults(body, "utf-8"):
            candidates = ["utf-8", *candidates]
            break
        try:
            return PageText(body.decode(codec).removeprefix(_BOM), codec)
        except UnicodeDecodeError:
            continue
    codec = candidates[0]
    text = body.decode(codec, errors="replace").removeprefix(_BOM)
    damaged = text.count(_DAMAGED)
    if damaged > len(text) * _TOLERATED:
        tried = ", ".join(dict.fromkeys(candidates))
        detail = f"{damaged} of {len(text)} characters cannot be read as {tried}; {CHARSET_CURE}"
        raise ExtractError(url, Reason.NOT_DECODABLE, detail)
    return PageText(text, codec, is_doubtful=not _fits_but_for_faults(body, codec))


def _fits_but_for_faults(body: bytes, codec: str) -> bool:
    """Whether the bytes are of this charset for sure, some faults aside: a cut character, a foreign one."""
    text = body.decode(codec, errors="replace")
    damaged = text.count(_DAMAGED)
    beyond_ascii = len(text) - len(text.encode("ascii", "ignore"))
    return beyond_ascii - damaged > _SURELY * damaged


def is_plainly_utf8(body: bytes, *, charset: str | None, kind: Format) -> bool:
    """Whether nothing, neither the header nor the page, speaks of another charset."""
    return _candidates(body, charset, kind) == ["utf-8"]


def known_charset(label: str) -> bool:
    """Whether pages may be in the charset with this label."""
    return _codec(label) is not None


def _candidates(body: bytes, charset: str | None, kind: Format) -> list[str]:
    for mark, codec in (*_BOMS, *(() if kind not in _SEEN_BY_ZEROS else _ZEROS)):
        if body.startswith(mark):
            return [codec]
    told = [_codec(charset), _declared(body, kind), "utf-8"]
    return list(dict.fromkeys(codec for codec in told if codec is not None))


def _declared(body: bytes, kind: Format) -> str | None:
    found = None
    if kind in {Format.HTML, Format.XML}:
        found = _XML_DECLARATION.match(body, 0, _PRESCAN_BYTES)
    if kind is Format.HTML:
        found = _META.search(_COMMENT.sub(b"", body[:_PRESCAN_BYTES])) or found
    return _declared_codec(found[1].decode("ascii") if found else None)


def _declared_codec(label: str | None) -> str | None:
    codec = _codec(label)
    # A page that can be read as far as its declaration is not in UTF-16, whatever the tag says.
    return "utf-8" if codec is not None and codec.startswith("utf-16") else codec


@lru_cache(maxsize=256)
def _codec(label: str | None) -> str | None:
    """Python's codec for a charset label, or None if it is no charset of pages (`base64`, `utf-7` …)."""
    if not label or not label.isascii():
        return None
    try:
        label = label.strip().lower()
        name = codecs.lookup(_LABELS.get(label, label)).name
    except (LookupError, ValueError):
        return None
    name = _SUPERSETS.get(name, name)
    return name if name in _PAGE_CODECS else None
