"""One source as its file describes it, checked and frozen."""

import re
from collections.abc import Iterator
from functools import cached_property
from itertools import chain
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator

from scraper.follow_rules import Follow
from scraper.page_ranges import PageRange, check_order, page_ranges
from scraper.request_headers import check_headers
from scraper.row_rules import RowRules
from scraper.toml_tables import TomlTable
from scraper.web_urls import checked_url, origin_of, requested_url

PAGE_FINDERS = ("urls", "url_template", "sitemap", "feed", "follow")
"""The keys of which a source has exactly one: how its pages are found."""
PAGE_MARK = "{page}"
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")


class Gate(TomlTable):
    """What a snapshot must be like to replace the published one. The defaults are careful, not off."""

    min_rows: int = Field(default=1, ge=0)
    max_failed_percent: float = Field(default=10.0, ge=0, le=100)
    """Failed pages in percent of all pages of the run."""
    max_drop_percent: float = Field(default=50.0, ge=0, le=100)
    """How many percent fewer rows than the published snapshot are still believed."""
    listings_may_fail: bool = False
    """Whether a snapshot counts though a sitemap or feed could not be read, and what it names is missing."""


class Source(RowRules):
    """A site: how its pages are found, how politely they are asked for, and what a row is."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    urls: tuple[str, ...] | None = None
    url_template: str | None = None
    pages: Annotated[tuple[PageRange, ...] | None, BeforeValidator(page_ranges)] = None
    sitemap: str | None = None
    feed: str | None = None
    follow: Follow | None = None
    max_pages: int = Field(default=10_000, ge=1, le=1_000_000)
    requests_per_second: float | None = Field(default=2.0, gt=0, le=10_000)
    concurrency: int = Field(default=2, ge=1, le=64)
    user_agent: str | None = Field(default=None, pattern=r"^[\x20-\x7e]+$")
    """None takes the app's own."""
    max_body_bytes: int = Field(default=5_000_000, ge=1000, le=100_000_000)
    timeout_s: float = Field(default=30.0, gt=0, le=300)
    """For one attempt, from the first connection to the last byte, redirects included."""
    max_redirects: int = Field(default=5, ge=0, le=20)
    max_attempts: int = Field(default=4, ge=1, le=10)
    respect_robots: bool = True
    allow_private_hosts: frozenset[str] = frozenset()
    """Hosts that may be on a private network, or this machine; all others must have public addresses."""
    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    """Sent with each request to `origins`, and never to another one."""
    conditional_requests: bool = True
    """False for servers that say 304 of pages that have changed."""
    trust_lastmod: bool = False
    """Whether a page is taken for unchanged, and not asked for, if the sitemap names no change since."""
    gate: Gate = Gate()

    @field_validator("urls")
    @classmethod
    def _urls_are_of_pages(cls, urls: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if urls is not None and not urls:
            raise ValueError("the list is empty")
        return None if urls is None else tuple(checked_url(url) for url in urls)

    @field_validator("sitemap", "feed")
    @classmethod
    def _is_a_url(cls, url: str | None) -> str | None:
        return None if url is None else checked_url(url)

    @field_validator("pages")
    @classmethod
    def _ranges_ascend(cls, pages: tuple[PageRange, ...] | None) -> tuple[PageRange, ...] | None:
        if pages is not None:
            check_order(pages)
        return pages

    @field_validator("url_template")
    @classmethod
    def _template_has_one_mark(cls, template: str | None) -> str | None:
        if template is None:
            return None
        without_mark = template.replace(PAGE_MARK, "", 1)
        if without_mark == template or "{" in without_mark or "}" in without_mark:
            raise ValueError(f"{template!r} must have {PAGE_MARK} once, and no other braces")
        checked_url(template.replace(PAGE_MARK, "1"))
        if PAGE_MARK in urlsplit(template).netloc:
            raise ValueError(f"{template!r}: {PAGE_MARK} must come after the host")
        if PAGE_MARK in urlsplit(template).fragment:
            raise ValueError(f"{template!r}: what comes after # is not asked for, so all these pages are one")
        return template

    @field_validator("allow_private_hosts")
    @classmethod
    def _hosts_are_hosts(cls, hosts: frozenset[str]) -> frozenset[str]:
        for host in hosts:
            if not _HOST.fullmatch(host) or host.count(":") == 1:
                raise ValueError(f'{host!r} is not a host: write its name or address alone, such as "127.0.0.1"')
        return frozenset(host.lower().rstrip(".") for host in hosts)

    @field_validator("headers")
    @classmethod
    def _headers_can_be_sent(cls, headers: dict[str, str]) -> dict[str, str]:
        check_headers(headers)
        return headers

    @model_validator(mode="after")
    def _pages_are_found_in_one_way(self) -> Self:
        given = [key for key in PAGE_FINDERS if getattr(self, key) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"exactly one of {', '.join(PAGE_FINDERS)} is needed; there is {found}")
        if (self.url_template is None) != (self.pages is None):
            raise ValueError('url_template and pages belong together, for example pages = "1-200"')
        return self

    @model_validator(mode="after")
    def _lastmod_is_of_sitemaps(self) -> Self:
        if self.trust_lastmod and self.sitemap is None:
            raise ValueError("trust_lastmod is for sources with a sitemap")
        return self

    @property
    def own_urls(self) -> tuple[str, ...]:
        """The URLs that the source itself names; what they lead to is named by the site."""
        template = "" if self.url_template is None else self.url_template.replace(PAGE_MARK, "1")
        start = self.follow.start if self.follow is not None else ()
        return tuple(url for url in (*(self.urls or ()), template, self.sitemap, self.feed, *start) if url)

    @cached_property
    def hosts(self) -> frozenset[str]:
        """The hosts of `own_urls`, in lower case, without their ports."""
        return frozenset(urlsplit(requested_url(url)).hostname or "" for url in self.own_urls)

    @cached_property
    def origins(self) -> frozenset[str]:
        """Scheme, host and port of `own_urls`, as `origin_of` writes them."""
        return frozenset(map(origin_of, self.own_urls))

    @property
    def template_pages(self) -> int:
        """How many URLs `url_template` and `pages` stand for."""
        return sum(len(one.numbers) for one in self.pages or ())

    def template_urls(self) -> Iterator[str]:
        """The URLs that `url_template` and `pages` stand for, in order; none without a template."""
        if self.url_template is not None:
            for text in chain.from_iterable(one.texts() for one in self.pages or ()):
                yield self.url_template.replace(PAGE_MARK, text)
