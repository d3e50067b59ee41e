"""What one attempt may cost, and whom it may ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from scraper.rows.content_kinds import accept_header
from scraper.sources import Source


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What one attempt may cost, and whom it may ask. `user_agent` None takes the fetcher's own.

    `headers` are sent to `origins` (as `origin_of` writes them) only. Of hosts on private networks, only those in
    `private_hosts` are asked. Redirects lead to `hosts` (as `host_of` writes them) only, unless that is None.
    """

    max_body_bytes: int = 5_000_000
    timeout_s: float = 30.0
    max_redirects: int = 5
    user_agent: str | None = None
    private_hosts: frozenset[str] = frozenset()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    origins: frozenset[str] = frozenset()
    hosts: frozenset[str] | None = None
    accept: str = accept_header(None)
    cuts_body: bool = False
    """Whether a body that is too large is cut off there, instead of refused; a few bytes more or less may come."""


def limits_of(source: Source) -> FetchLimits:
    """The limits that a source sets for its pages."""
    return FetchLimits(
        max_body_bytes=source.max_body_bytes,
        timeout_s=source.timeout_s,
        max_redirects=source.max_redirects,
        user_agent=source.user_agent,
        private_hosts=source.allow_private_hosts,
        headers=source.headers,
        origins=source.origins,
        hosts=None if source.follow is None else source.follow.hosts,
        accept=accept_header(source.content_format),
    )
