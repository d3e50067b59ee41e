"""`python -m scraper`: check the sources file, or try one page of a source."""

import argparse
import asyncio
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

try:
    from scraper.errors import ScraperError, SettingsError, SourcesFileError
    from scraper.misplaced_keys import keys_among_fields
    from scraper.models import PageFailure
    from scraper.settings import Settings
    from scraper.sources import Source, find_source, load_sources
    from scraper.trying.trial import try_page
except ModuleNotFoundError as missing:
    if __name__ != "__main__" or str(missing.name).partition(".")[0] == "scraper":
        raise
    sys.exit(f"error: this Python lacks the package {missing.name}; use .venv/bin/python (make setup makes it)")

EXIT_CODES = """\
exit status:
  0  the file can be used; the page gives rows, or pages that are to be scraped
  1  the sources file or a setting cannot be used
  2  the arguments are wrong
  3  the page would count as failed
"""
CANNOT_BE_USED = 1
PAGE_FAILS = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status, see EXIT_CODES."""
    options = _parser().parse_args(arguments)
    try:
        path = Path(options.file) if options.file else Settings().sources_path
        sources = load_sources(path, os.environ)
        if options.command == "check":
            return _check(path, sources)
        return asyncio.run(_try_page(path, sources, options.source, options.url))
    except SourcesFileError as error:
        for fault in (error, *error.more):
            _complain(f"error: {fault}")
        return CANNOT_BE_USED
    except SettingsError as error:
        _complain(f"error: {error}")
        return CANNOT_BE_USED
    except ScraperError as error:
        _complain(f"error: {error}")
        return PAGE_FAILS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scraper",
        description=__doc__,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="check the sources file")
    check.add_argument("file", nargs="?", help="default: the setting SOURCES_FILE")
    attempt = commands.add_parser("try", help="ask for one page politely, print its rows and links as JSON lines")
    attempt.add_argument("source", help="name of a source of the file")
    attempt.add_argument("url", help="a page, or the sitemap or feed of the source")
    attempt.add_argument("--file", help="default: the setting SOURCES_FILE")
    return parser


def _check(path: Path, sources: Sequence[Source]) -> int:
    for source in sources:
        kind = "html or xml" if source.content_format is None else source.content_format
        rate = "any rate" if source.requests_per_second is None else f"{source.requests_per_second:g} a second"
        _say(f"{source.name}: {len(source.fields)} fields of {kind}, {source.concurrency} requests at a time, {rate}")
    misplaced = [(source.name, key) for source in sources for key in keys_among_fields(source)]
    for name, key in misplaced:
        cure = "is called like a key of the source; a key of the source stands above [source.fields]"
        _complain(f"warning: {path}: source {name}: field {key!r} {cure}")
    found = f"no mistake found, number of warnings: {len(misplaced)}" if misplaced else "no problem found"
    _say(f"{path}: {found}, number of sources: {len(sources)}")
    return 0


async def _try_page(path: Path, sources: Sequence[Source], name: str, url: str) -> int:
    source = find_source(sources, name)
    if source is None:
        known = ", ".join(source.name for source in sources)
        raise SourcesFileError(path, name, None, f"there is no such source; known are {known}")
    tried = await try_page(source, url, user_agent=Settings().full_user_agent, say=_note)
    for line in tried.lines:
        _say(line)
    if tried.failure is None:
        return 0
    if tried.may_lead_on:
        _note(f"no rows, which is no fault of a page that is fetched for its links: {_shown(tried.failure)}")
        return 0
    _complain(f"error: {_shown(tried.failure)}")
    return PAGE_FAILS


def _shown(failure: PageFailure) -> str:
    return f"{failure.url}: {failure.reason}: {failure.detail} (attempts: {failure.attempts})"


def _note(text: str) -> None:
    """What was done goes another way than what was found."""
    _complain(f"- {text}")


def _complain(text: str) -> None:
    print(text, file=sys.stderr)


def _say(text: str) -> None:
    print(text)


def _at_a_terminal() -> int:
    """`main`, whose rows are UTF-8 whatever the locale says; a reader such as `head`, that has enough, is no error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or what is left would break at exit
        return 0
    return status


if __name__ == "__main__":
    sys.exit(_at_a_terminal())
