"""What relative references of a page are resolved with."""

from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser


def base_url(page: LexborHTMLParser, url: str) -> str:
    """The page's `<base>`, or else `url`, where the page was."""
    base = page.css_first("base[href]")
    if base is None:
        return url
    try:
        return urljoin(url, (base.attributes.get("href") or "").strip())
    except ValueError:
        return url  # a base that is no URL counts as absent, as in browsers
