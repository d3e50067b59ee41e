"""Which version of a page was loaded, and how to find out whether it is still that one."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final


@dataclass(frozen=True, slots=True)
class Validators:
    """The version of a page that was fetched at `url`: its entity tag and its date, as the server wrote them.

    `url` is where the page was in the end. Another place may use the same tag for something else, so only this one
    is asked with them.
    """

    etag: str | None
    last_modified: str | None
    url: str

    def headers_for(self, url: str) -> dict[str, str]:
        """The conditions to send to `url`; none to another one than that of the version."""
        if url != self.url:
            return {}
        conditions = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in conditions.items() if value}


@dataclass(frozen=True, slots=True)
class PageVersion:
    """`digest`, 16 bytes, differs if extraction could see a difference; `validators` None if the server told none."""

    digest: bytes
    validators: Validators | None = None


UNKNOWN_VERSION: Final = PageVersion(b"")
"""That of a page which nobody will ask for again."""


def page_digest(body: bytes, *, url: str, content_type: str, charset: str | None) -> bytes:
    """16 bytes of everything that extraction sees of a page: `url`, where it was in the end, makes links absolute."""
    seen = sha256(f"{url}\n{content_type}\n{charset or ''}\n".encode("utf-8", "surrogatepass"))
    seen.update(body)
    return seen.digest()[:16]
