"""What counts as the URL of a page."""

import re
from functools import lru_cache
from urllib.parse import SplitResult, urldefrag, urljoin, urlsplit

from yarl import URL

MAX_URL_LENGTH = 2000
_PASSWORD = re.compile(r"//[^/?#]*@")
_UNFIT = re.compile(r"[\x00-\x20\x7f\\\ud800-\udfff]")


def url_problem(url: str) -> str | None:
    """Why `url` cannot be a page's URL, or None if it can: absolute, http or https, without a password."""
    if len(url) > MAX_URL_LENGTH:
        return f"a URL may have {MAX_URL_LENGTH} characters, this one has {len(url)}"
    if _UNFIT.search(url):
        return "a URL has no spaces, control characters, backslashes or halves of characters; write them as %XX"
    try:
        parts = urlsplit(url)
        return _site_problem(parts.scheme, parts.netloc)
    except ValueError as error:
        return f"not a URL ({error})"


# A run has thousands of pages, and asks of each where it is several times; they are on a few sites.
@lru_cache(maxsize=1024)
def _site_problem(scheme: str, netloc: str) -> str | None:
    site = SplitResult(scheme, netloc, "", "", "")
    host, port = site.hostname, site.port
    problem = None
    if scheme not in {"http", "https"}:
        problem = "only http:// and https:// URLs are fetched"
    elif not host or port == 0:
        problem = "the URL names no host, or port 0"
    elif "@" in netloc:
        problem = "user names and passwords do not belong into a URL: it is stored and shown"
    return problem


def checked_url(url: str) -> str:
    """`url` itself. Raises ValueError, which names it and the problem, if it cannot be a page's."""
    problem = url_problem(url)
    if problem:
        raise ValueError(f"{_PASSWORD.sub('//…@', url)!r}: {problem}")
    return url


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL of a page, such as `https://books.example:443`: who would get its request.

    A host with letters beyond ASCII is written as it is asked for.
    """
    parts = urlsplit(url if url.isascii() else requested_url(url))
    return _origin_of_site(parts.scheme, parts.netloc)


@lru_cache(maxsize=1024)
def _origin_of_site(scheme: str, netloc: str) -> str:
    site = SplitResult(scheme, netloc, "", "", "")
    port = site.port or (443 if scheme == "https" else 80)
    host = f"[{site.hostname}]" if ":" in (site.hostname or "") else site.hostname
    return f"{scheme}://{host}:{port}"


def requested_url(url: str) -> str:
    """`url` as a site gets it: with its dot segments resolved, `/a/%2e%2e/b` is a request for `/b`."""
    try:
        return str(URL(url))
    except ValueError:
        return url  # which cannot be asked for at all


def page_url(base: str, reference: str) -> str:
    """`reference`, as found at `base`, as an absolute URL without its fragment.

    Raises ValueError if it is no URL of a page; the text says why.
    """
    url = urldefrag(urljoin(base, reference.strip())).url
    problem = url_problem(url)
    if problem:
        raise ValueError(problem)
    return url
