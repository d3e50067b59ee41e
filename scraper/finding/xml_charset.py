"""The charset that a header tells of a sitemap or feed, where that is not what its parser would find by itself."""

from codecs import BOM_UTF8

from scraper.errors import ExtractError
from scraper.fetch.inflate import GZIP_MAGIC
from scraper.rows.charsets import is_plainly_utf8, page_text
from scraper.rows.content_kinds import Format


def as_told(body: bytes, charset: str | None, *, url: str) -> tuple[bytes, str | None]:
    """The body for the parser, and the charset to read it by; None leaves that to the parser.

    A header goes before what the document declares, unless its charset does not fit the bytes, as for pages. Of
    packed files it says nothing.
    """
    if charset is None or body.startswith(GZIP_MAGIC) or is_plainly_utf8(body, charset=charset, kind=Format.XML):
        return body, None
    try:
        read = page_text(body, url=url, charset=charset, kind=Format.XML)
    except ExtractError:  # the parser says where
        return body, None
    # A fault in UTF-8 is for the parser to find, too.
    return body.removeprefix(BOM_UTF8) if read.codec == "utf-8" else read.text.encode(), "utf-8"
