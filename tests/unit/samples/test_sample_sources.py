"""`sources.toml` is that of the sample shop; what somebody scrapes is in a file of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import demo, sample_sources, screenshots, trace
from scripts.sample_sources import CURE, SAMPLE_SOURCES, is_of_the_sample

SHIPPED = """
[[source]]
name = "books"
sitemap = "${SAMPLE_SITE_URL}/sitemap.xml"
[[source]]
name = "listing"
url_template = "${SAMPLE_SITE_URL}/catalogue/page-{page}.html"
"""


def test_sources_toml_is_that_of_the_sample_shop_or_many_tests_below_fail_for_no_other_reason() -> None:
    assert is_of_the_sample(SAMPLE_SOURCES), CURE


@pytest.mark.parametrize(
    "text",
    [
        *["", "[[source", "source = 1", '[[source]]\nname = "bakery"\nsitemap = "https://bakery.example/s.xml"'],
        SHIPPED.replace("${SAMPLE_SITE_URL}/catalogue", "https://books.example"),
        SHIPPED.replace('sitemap = "${SAMPLE_SITE_URL}/sitemap.xml"', 'urls = ["https://books.example/1"]'),
        SHIPPED + '[[source]]\nname = "bakery"\nurl_template = "${SAMPLE_SITE_URL}/{page}"',
    ],
)
@pytest.mark.parametrize("main", [demo.main, trace.main, screenshots.main], ids=["demo", "trace", "screenshots"])
def test_what_scrapes_the_sample_refuses_other_sources_before_it_starts_anything(
    main: Callable[[list[str]], int], text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "sources.toml"
    file.write_text(SHIPPED)
    assert is_of_the_sample(file)
    file.write_text(text)
    monkeypatch.setattr(sample_sources, "SAMPLE_SOURCES", file)
    with pytest.raises(SystemExit, match=r"^\w+ failed: sources\.toml is not that of the sample shop.*SOURCES_FILE"):
        main([])
