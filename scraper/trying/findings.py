"""What was found on a page that was tried: JSON lines for programs, and a word for people."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from scraper.canonical import canonical_url
from scraper.errors import ExtractError, one_line
from scraper.fetch.answers import FetchedPage
from scraper.finding.named_pages import NamedPages
from scraper.models import PageFailed, PageFailure, PageLinks, PageLoaded, Row, value_as_json
from scraper.rows.extract import read_page
from scraper.rows.key_faults import PAIRED, rows_with_known_key, rows_without_key
from scraper.sources import Source
from scraper.trying.field_report import report_fields
from scraper.trying.telling import Say


@dataclass(frozen=True, slots=True)
class Tried:
    """The links and rows of a page, a JSON object each; `failure` is what a run would list the page with.

    With `may_lead_on`, it is none if the page is fetched for its links alone.
    """

    lines: Sequence[str]
    failure: PageFailure | None = None
    may_lead_on: bool = False


def tried_list(named: NamedPages, say: Say) -> Tried:
    """The pages that a sitemap or feed names."""
    lines = [
        *(_as_line({"link": url, "for": ["sitemap"]}) for url in named.sitemaps),
        *(
            _as_line({"link": url, "for": ["rows"]} | ({"last_modified": changed.isoformat()} if changed else {}))
            for url, changed in named.pages
        ),
        *(_as_line({"unusable_link": reference, "problem": problem}) for reference, problem in named.unusable),
    ]
    say(f"pages that the {named.kind} names: {len(named.pages)}")
    if named.sitemaps:
        say(f"sitemaps that it names, which a run reads, too: {len(named.sitemaps)}")
    return Tried(lines, None if named.defect is None else named.defect.as_failure())


def tried_page(source: Source, page: FetchedPage, outcome: PageLoaded | PageFailed, say: Say) -> Tried:
    """The links and rows of a page; how its fields fare is said even if it has no rows because of them."""
    links = outcome.links
    lines = [] if links is None else list(_link_lines(links))
    if links is not None:
        say(f"links that are followed: {len(links.links)}")
    if links is not None and links.address:
        say(f"the page is {links.address} in truth: a run takes its rows from there")
        return Tried(lines)
    if isinstance(outcome, PageFailed):
        leads_on = bool(links and links.links and source.follow and source.follow.pages)
        if not (leads_on and _is_start(source, outcome.failure.url)):  # no field is looked for on a start page
            _say_fields(source, page, say)
        return Tried(lines, outcome.failure, leads_on)
    _say_fields(source, page, say)
    say(f"rows: {len(outcome.rows)}")
    _say_key(source, outcome.rows, say)
    return Tried([*lines, *map(_row_line, outcome.rows)])


def _is_start(source: Source, url: str) -> bool:
    starts = () if source.follow is None else source.follow.start_links
    return canonical_url(url) in {canonical_url(link.url) for link in starts}


def _say_fields(source: Source, page: FetchedPage, say: Say) -> None:
    with suppress(ExtractError):  # the outcome says so
        read = read_page(source, page.body, url=page.final_url, charset=page.charset, content_type=page.content_type)
        say(f"read as {read.kind}, {read.codec}: rows found: {len(read.records.items)}")
        for report in report_fields(source, read.records, url=page.final_url):
            if str(report):
                say(one_line(str(report)))


def _say_key(source: Source, rows: Sequence[Row], say: Say) -> None:
    empty, known = rows_without_key(rows, source.key), rows_with_known_key(rows, source.key)
    if empty:
        say(f"key: {empty} of {len(rows)} rows have no value in a field of it; {PAIRED}")
    if known:
        say(f"key: {known} of {len(rows)} rows have that of a row before them; {PAIRED}")


def _link_lines(page: PageLinks) -> Iterator[str]:
    if page.address:
        yield _as_line({"own_address": page.address})
    for link in page.links:
        yield _as_line({"link": link.url, "for": [str(one.name).lower() for one in link.purpose]})
    for reference, problem in page.unusable:
        yield _as_line({"unusable_link": reference, "problem": problem})


def _row_line(row: Row) -> str:
    return _as_line({name: value_as_json(value) for name, value in row.values.items()})


def _as_line(values: Mapping[str, object]) -> str:
    return json.dumps(values, ensure_ascii=False)
