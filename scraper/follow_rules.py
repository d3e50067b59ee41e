"""How a source's pages are found by following links."""

from functools import cached_property
from typing import Self
from urllib.parse import urldefrag

from pydantic import Field, field_validator, model_validator

from scraper.canonical import host_of
from scraper.models import Link, Purpose
from scraper.rows.targets import Target, check_selector, parse_target
from scraper.toml_tables import TomlTable
from scraper.web_urls import checked_url


class Follow(TomlTable):
    """Where a crawl begins, and which links it goes along.

    With `pages`, rows come from the pages that those links lead to, and from no others.
    """

    start: tuple[str, ...] = Field(min_length=1)
    links: str | None = None
    """CSS of the links to pages that are looked through for more links."""
    pages: str | None = None
    """CSS of the links to pages that have rows."""
    max_depth: int | None = Field(default=None, ge=1)
    """Links followed in a row from a start page to any other; None is no limit."""
    canonical: bool = True
    """Whether pages are believed that name another address as their own."""

    @field_validator("start")
    @classmethod
    def _start_is_pages(cls, start: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(checked_url(url) for url in start)

    @field_validator("links", "pages")
    @classmethod
    def _are_selectors(cls, css: str | None) -> str | None:
        if css is not None:
            target = parse_target(css)
            if not target.css or css.rstrip().endswith("::text"):
                raise ValueError(f'{css!r} names no links; write for example "a.next" or "li::attr(data-url)"')
            check_selector(target.css)
        return css

    @model_validator(mode="after")
    def _something_is_followed(self) -> Self:
        if self.links is None and self.pages is None:
            raise ValueError("links or pages is needed: the CSS of the links that are followed")
        return self

    @property
    def start_links(self) -> tuple[Link, ...]:
        """The start pages, as what they are fetched for."""
        return tuple(Link(urldefrag(url).url, self.link_purpose) for url in self.start)

    @property
    def link_purpose(self) -> Purpose:
        """What the start pages, and those at the end of `links`, are fetched for."""
        return Purpose.LINKS if self.pages is not None else Purpose.ROWS | Purpose.LINKS

    @cached_property
    def hosts(self) -> frozenset[str]:
        """The hosts of the start pages, with ports; no other is asked for pages."""
        return frozenset(map(host_of, self.start))

    @cached_property
    def targets(self) -> tuple[tuple[Target, Purpose], ...]:
        """Which elements name pages, by which attribute, and what these pages are fetched for."""
        told = ((self.pages, Purpose.ROWS), (self.links, self.link_purpose))
        return tuple((parse_target(css), purpose) for css, purpose in told if css is not None)
