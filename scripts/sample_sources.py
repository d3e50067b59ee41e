"""Whether `sources.toml` is still that of the sample shop, which the commands that scrape the shop take for granted."""

from __future__ import annotations

import tomllib
from pathlib import Path

from scripts.checkout import ROOT

SAMPLE_SOURCES = ROOT / "sources.toml"
NAMES = ["books", "listing"]
ADDRESS = "${SAMPLE_SITE_URL}/"
CURE = (
    "it is kept for demo, trace, screenshots and tests: take it back with `git checkout sources.toml`, "
    "and put your own sources into a file beside it that SOURCES_FILE names (docs/sources.md)"
)


def is_of_the_sample(file: Path) -> bool:
    """Whether the file has the sources of the sample shop, and no page that is not the shop's."""
    try:
        sources = tomllib.loads(file.read_text("utf-8"))["source"]
        addresses = [source.get("sitemap") or source.get("url_template") for source in sources]
        return [source["name"] for source in sources] == NAMES and all(one.startswith(ADDRESS) for one in addresses)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def require_sample_sources(command: str) -> None:
    """End `command` before it starts anything, with one line and exit status 1, if the file is not the sample's."""
    if not is_of_the_sample(SAMPLE_SOURCES):
        raise SystemExit(f"{command} failed: sources.toml is not that of the sample shop; {CURE}")
