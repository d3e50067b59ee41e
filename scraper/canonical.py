"""When two URLs are the same page."""

import re
from functools import lru_cache
from urllib.parse import urlparse, urlsplit

from w3lib.url import canonicalize_url

# Most URLs are in canonical form, which this sees a hundred times faster than they could be brought into it.
_PLAIN = re.compile(
    r"https?://[a-z0-9]+(?:[.-][a-z0-9]+)*(?::(?!0|80/|443/)\d{1,4})?/(?:[\w~-][\w.~-]*(?:/[\w~-][\w.~-]*)*/?)?",
    re.ASCII,
)
_DEFAULT_PORTS = {"http": 80, "https": 443}


@lru_cache(maxsize=20_000)
def canonical_url(url: str) -> str:
    """The text that all URLs of one page share; for comparing, not for fetching. `url` is one of a page.

    Query keys are sorted (equal keys keep their order by value), empty values are kept, a fragment is dropped, so are
    dot segments and a scheme's own port; escapes are spelled in one way, host names in lower case. An empty path is
    `/`. Any other slash at the end counts: `/a` and `/a/` are two pages until the site says that they are one. So do
    the scheme, `www.`, and the case of paths.
    """
    if _PLAIN.fullmatch(url):
        return url
    parts = urlparse(url)
    if parts.port is not None and parts.port == _DEFAULT_PORTS.get(parts.scheme):
        host = parts.netloc.rpartition(":")[0]
        parts = parts._replace(netloc=host)
    return canonicalize_url(parts)


def host_of(url: str) -> str:
    """Host and port of a URL, in one spelling; the scheme's own port is left out, so that https may replace http."""
    return urlsplit(canonical_url(url)).netloc
