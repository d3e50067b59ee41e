"""Crawls of a linked site whose steps a test takes one by one: `runs` are over this `site`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.helpers.linked_site import LinkedSite, random_graph


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[LinkedSite]:
    """Forty pages, most of which can be reached."""
    async with LinkedSite(random_graph(40, seed=1), tmp_path / "sources.toml").running() as running:
        yield running
