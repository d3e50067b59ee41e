"""Body in, links out: what a page leads to, and which address it has itself."""

from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, SelectolaxError

from scraper.canonical import canonical_url, host_of
from scraper.errors import ExtractError
from scraper.follow_rules import Follow
from scraper.models import Link, PageLinks, Purpose, Reason
from scraper.rows.base_url import base_url
from scraper.rows.charsets import decode_page
from scraper.rows.field_rules import Target
from scraper.rows.markup_guard import refuse_bomb
from scraper.web_urls import page_url

_LONGEST_SHOWN = 500
_NOT_IN_LINKS = str.maketrans({"\t": None, "\n": None, "\r": None})


def page_links(
    follow: Follow, body: bytes, *, asked: str, url: str, charset: str | None, purpose: Purpose
) -> PageLinks:
    """What a page that was fetched for `purpose` leads to.

    `asked` is the URL that was asked for, `url` where the page was in the end. Links to other hosts than those of the
    start pages are passed over, and so are those that are of no page, such as `mailto:`. Raises ExtractError for a
    body that is no text, or too complex.
    """
    text = decode_page(body, url=asked, charset=charset)
    page, base = None, url
    if Purpose.LINKS in purpose or (follow.canonical and "canonical" in text.lower()):
        refuse_bomb(text, url=asked)
        try:
            page = LexborHTMLParser(text)
            base = base_url(page, url)
        except (SelectolaxError, ValueError) as error:
            raise ExtractError(asked, Reason.NOT_DECODABLE, f"the markup cannot be parsed ({error})") from error
    address = (_canonical_link(follow, page, base) if page is not None else "") or url
    is_elsewhere = canonical_url(address) != canonical_url(asked)
    found = _Found(follow, base)
    if page is not None and Purpose.LINKS in purpose:
        for target, wanted in follow.targets:
            found.add_all(page, target, wanted)
    return PageLinks(purpose, found.links, tuple(found.unusable.items()), address if is_elsewhere else "")


def _canonical_link(follow: Follow, page: LexborHTMLParser, base: str) -> str:
    """The address that the page names as its own, if it does and is not of another host."""
    if not follow.canonical:
        return ""
    for link in page.css("link[rel][href]"):
        if "canonical" in (link.attributes.get("rel") or "").lower().split():
            try:
                address = page_url(base, _cleaned(link.attributes.get("href")))
            except ValueError:
                return ""
            return address if host_of(address) in follow.hosts else ""
    return ""


class _Found:
    """Links of one page, each URL once, with all that it is wanted for."""

    def __init__(self, follow: Follow, base: str) -> None:
        self.unusable: dict[str, str] = {}
        self._hosts, self._base = follow.hosts, base
        self._wanted: dict[str, Purpose] = {}

    @property
    def links(self) -> tuple[Link, ...]:
        return tuple(Link(url, purpose) for url, purpose in self._wanted.items())

    def add_all(self, page: LexborHTMLParser, target: Target, purpose: Purpose) -> None:
        attribute = target.attribute or "href"
        references = (_cleaned(element.attributes.get(attribute)) for element in page.css(target.css))
        for reference in dict.fromkeys(references):
            if reference and not self._is_foreign(reference):
                self._add(reference, purpose)

    def _add(self, reference: str, purpose: Purpose) -> None:
        try:
            url = page_url(self._base, reference)
        except ValueError as error:
            self.unusable[reference[:_LONGEST_SHOWN]] = str(error)
            return
        self._wanted[url] = self._wanted.get(url, Purpose(0)) | purpose

    def _is_foreign(self, reference: str) -> bool:
        """True for a link that is no page of ours, for certain."""
        try:
            parts = urlsplit(urljoin(self._base, reference))
            if parts.scheme not in {"http", "https"}:
                return True
            return host_of(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/") not in self._hosts
        except ValueError:
            return False


def _cleaned(reference: str | None) -> str:
    """A reference as browsers read it: without line breaks, its spaces escaped."""
    return (reference or "").translate(_NOT_IN_LINKS).strip().replace(" ", "%20")
