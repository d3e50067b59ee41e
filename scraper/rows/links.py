"""Body in, links out: what a page leads to, and which address it has itself."""

from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, SelectolaxError

from scraper.canonical import canonical_url, host_of
from scraper.errors import ExtractError, one_line
from scraper.fetch.answers import FetchedPage
from scraper.follow_rules import Follow
from scraper.models import Link, PageLinks, Purpose, Reason
from scraper.rows.base_url import base_url
from scraper.rows.charsets import decode_page
from scraper.rows.markup_guard import refuse_bomb
from scraper.rows.targets import Target
from scraper.web_urls import page_url

MAX_LINKS = 50_000
"""Different links of one page; comparing so many takes seconds, and an index for people has a hundredth of it."""
_LONGEST_SHOWN = 500
_HTML_TYPES = frozenset({"", "text/html", "text/plain", "application/xhtml+xml"})
_NOT_IN_LINKS = str.maketrans({"\t": None, "\n": None, "\r": None})


def page_links(
    follow: Follow, fetched: FetchedPage, *, asked: str, purpose: Purpose, charset: str | None = None
) -> PageLinks:
    """What a page that was asked for at `asked`, for `purpose`, leads to; `charset` is what the source says it is in.

    Links to other hosts than those of the start pages are passed over, and so are those that are of no page, such as
    `mailto:`. Raises ExtractError for a body that is no text, too complex, or no HTML where links are looked for.
    """
    looks = Purpose.LINKS in purpose
    if fetched.content_type not in _HTML_TYPES:
        if looks:
            detail = f"links are looked for in HTML, and the content type is {fetched.content_type}"
            raise ExtractError(asked, Reason.UNSUPPORTED_CONTENT, detail)
        return PageLinks(purpose, address=_unless(asked, fetched.final_url))
    text = decode_page(fetched.body, url=asked, charset=charset or fetched.charset)
    if not looks and not (follow.canonical and "canonical" in text.lower()):
        return PageLinks(purpose, address=_unless(asked, fetched.final_url))
    refuse_bomb(text, url=asked)
    try:
        page = LexborHTMLParser(text)
        base = base_url(page, fetched.final_url)
    except (SelectolaxError, ValueError) as error:
        raise ExtractError(asked, Reason.NOT_DECODABLE, f"the markup cannot be parsed ({error})") from error
    found = _Found(follow, base, asked)
    for target, wanted in follow.targets if looks else ():
        found.add_all(page, target, wanted)
    address = _canonical_link(follow, page, base) or fetched.final_url
    return PageLinks(purpose, found.links, tuple(found.unusable.items()), _unless(asked, address))


def _unless(asked: str, address: str) -> str:
    """`address`, or "" if that is the page that was asked for."""
    return "" if canonical_url(address) == canonical_url(asked) else address


def _canonical_link(follow: Follow, page: LexborHTMLParser, base: str) -> str:
    """The address that the page names as its own, if it does and is not of another host."""
    if not follow.canonical:
        return ""
    for link in page.css("link[rel][href]"):
        if "canonical" in (link.attributes.get("rel") or "").lower().split():
            reference = _cleaned(link.attributes.get("href"))
            if not reference or reference.startswith("#"):  # which would be the page's <base>
                return ""
            try:
                address = page_url(base, reference)
            except ValueError:
                return ""
            return address if host_of(address) in follow.hosts else ""
    return ""


class _Found:
    """Links of one page, each URL once, with all that it is wanted for."""

    def __init__(self, follow: Follow, base: str, asked: str) -> None:
        self.unusable: dict[str, str] = {}
        self._hosts, self._base, self._asked = follow.hosts, base, asked
        self._wanted: dict[str, Purpose] = {}

    @property
    def links(self) -> tuple[Link, ...]:
        return tuple(Link(url, purpose) for url, purpose in self._wanted.items())

    def add_all(self, page: LexborHTMLParser, target: Target, purpose: Purpose) -> None:
        attribute = target.attribute or "href"
        references = dict.fromkeys(_cleaned(element.attributes.get(attribute)) for element in page.css(target.css))
        if len(references) > MAX_LINKS:
            raise ExtractError(self._asked, Reason.TOO_COMPLEX, f"the page has more than {MAX_LINKS} links")
        for reference in references:
            if reference and not self._is_foreign(reference):
                self._add(reference, purpose)

    def _add(self, reference: str, purpose: Purpose) -> None:
        try:
            url = page_url(self._base, reference)
        except ValueError as error:
            self.unusable[reference[:_LONGEST_SHOWN]] = one_line(str(error))
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
