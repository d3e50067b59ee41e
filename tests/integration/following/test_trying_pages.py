"""`python -m scraper try` on a page of a crawl shows where it leads, too."""

import json
from pathlib import Path

import pytest

from scraper.__main__ import main
from tests.helpers.linked_site import LinkedSite


def tried(site: LinkedSite, path: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    assert main(["try", "books", site.url + path, "--file", site.settings["SOURCES_FILE"]]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_links_are_shown_with_what_they_are_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with LinkedSite({"/": ["/b1", "/c1", "http://["]}, tmp_path / "s.toml").running_in_thread() as site:
        site.write_sources('links = "a[href*=c], a[href*=\'[\']"\npages = "a[href*=b]"')
        assert tried(site, "/", capsys) == [
            {"link": f"{site.url}/b1", "for": ["rows"]},
            {"link": f"{site.url}/c1", "for": ["links"]},
            {"unusable_link": "http://[", "problem": "Invalid IPv6 URL"},
            {"n": "/"},
        ]


def test_a_page_that_only_leads_on_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with LinkedSite({"/": ["/b1"]}, tmp_path / "s.toml").running_in_thread() as site:
        site.write_sources('links = "a"', more='rows = "li"')
        assert main(["try", "books", f"{site.url}/", "--file", site.settings["SOURCES_FILE"]]) == 0
        shown = capsys.readouterr()
    assert json.loads(shown.out) == {"link": f"{site.url}/b1", "for": ["rows", "links"]}
    assert shown.err.startswith(f"no rows: {site.url}/: no_rows: ")


def test_a_page_with_another_address_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with LinkedSite({"/a": []}, tmp_path / "s.toml").running_in_thread() as site:
        site.heads = {"/a": "<link rel=canonical href=/b>"}
        assert tried(site, "/a", capsys) == [{"own_address": f"{site.url}/b"}]
