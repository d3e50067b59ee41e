"""The app's own sources file, read again only when it changes."""

import os
from functools import lru_cache
from pathlib import Path

from scraper.errors import SourcesFileError
from scraper.run_log import run_logger
from scraper.settings import Settings
from scraper.sources import Source, load_sources

logger = run_logger(__name__)


def app_sources(settings: Settings) -> tuple[Source, ...]:
    """The sources of `settings.sources_path`, in file order. Raises SourcesFileError."""
    path = settings.sources_path
    try:
        version = path.stat().st_mtime_ns
    except OSError:
        version = 0  # load_sources says what is wrong with the path
    return _loaded(path, version)


def tell_if_unusable(settings: Settings) -> None:
    """Log what is wrong with the sources file, and with settings that stop nothing: once, for an app that starts."""
    for fault in settings.soft_faults:
        logger.error("the app works without a setting: %s", fault)
    try:
        app_sources(settings)
    except SourcesFileError as error:
        logger.error("nothing can be scraped: %s", error)


def app_source(settings: Settings, name: str) -> Source:
    """The source with this name. Raises SourcesFileError if the file has none, or cannot be used."""
    for source in app_sources(settings):
        if source.name == name:
            return source
    raise SourcesFileError(
        settings.sources_path,
        name,
        None,
        "there is no such source any more; did the file change during a run?",
    )


@lru_cache(maxsize=4)
def _loaded(path: Path, version: int) -> tuple[Source, ...]:
    return load_sources(path, os.environ)
