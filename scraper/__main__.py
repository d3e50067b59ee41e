"""`python -m scraper`: check the sources file, or try one page of a source."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from scraper.errors import ScraperError, SourcesFileError
from scraper.fetch.fetcher import Fetcher
from scraper.known_pages import WantedPage
from scraper.load import scrape_pages
from scraper.models import PageFailed, PageLinks, PageLoaded, Purpose, Share, value_as_json
from scraper.settings import Settings
from scraper.sources import Source, find_source, load_sources


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns 0, or 1 if the file or the page cannot be used."""
    options = _parser().parse_args(arguments)
    try:
        path = Path(options.file) if options.file else Settings().sources_path
        sources = load_sources(path, os.environ)
        if options.command == "check":
            return _check(path, sources)
        return asyncio.run(_try_page(path, sources, options.source, options.url))
    except ScraperError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scraper", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="check the sources file; exit status 1 if it cannot be used")
    check.add_argument("file", nargs="?", help="default: the setting SOURCES_FILE")
    attempt = commands.add_parser("try", help="fetch one page, print its rows and links, one JSON object a line")
    attempt.add_argument("source", help="name of a source of the file")
    attempt.add_argument("url", help="the page")
    attempt.add_argument("--file", help="default: the setting SOURCES_FILE")
    return parser


def _check(path: Path, sources: Sequence[Source]) -> int:
    for source in sources:
        rate = "any rate" if source.requests_per_second is None else f"{source.requests_per_second:g} a second"
        _say(f"{source.name}: {len(source.fields)} fields, {source.concurrency} requests at a time, {rate}")
    _say(f"{path}: no problem found, number of sources: {len(sources)}")
    return 0


async def _try_page(path: Path, sources: Sequence[Source], name: str, url: str) -> int:
    source = find_source(sources, name)
    if source is None:
        known = ", ".join(source.name for source in sources)
        raise SourcesFileError(path, name, None, f"there is no such source; known are {known}")
    async with Fetcher(user_agent=Settings().full_user_agent) as fetcher:
        share = Share(concurrency=1)
        # A crawl does not say of a single page what it is for, so it is tried for all that it may be.
        page = WantedPage(url, purpose=Purpose.ROWS if source.follow is None else Purpose.ROWS | Purpose.LINKS)
        (outcome,) = [one async for one in scrape_pages(source, [page], fetcher=fetcher, share=share)]
    _say_links(outcome.links)
    if isinstance(outcome, PageFailed):
        told = f"{url}: {outcome.failure.reason}: {outcome.failure.detail}"
        if outcome.links is None:
            raise ScraperError(told)
        print(f"no rows: {told}", file=sys.stderr)
    for row in outcome.rows if isinstance(outcome, PageLoaded) else ():
        values = {key: value_as_json(value) for key, value in row.values.items()}
        _say(json.dumps(values, ensure_ascii=False))
    return 0


def _say_links(page: PageLinks | None) -> None:
    if page is None:
        return
    if page.address:
        _say(json.dumps({"own_address": page.address}, ensure_ascii=False))
    for link in page.links:
        _say(json.dumps({"link": link.url, "for": [str(one.name).lower() for one in link.purpose]}, ensure_ascii=False))
    for reference, problem in page.unusable:
        _say(json.dumps({"unusable_link": reference, "problem": problem}, ensure_ascii=False))


def _say(text: str) -> None:
    print(text)


if __name__ == "__main__":
    sys.exit(main())
