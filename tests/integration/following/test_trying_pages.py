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


@pytest.mark.parametrize(
    ("follow", "status", "told"),
    [
        ('links = "i"\npages = "a"', 0, "- no rows, which is no fault of a page that is fetched for its links: "),
        ('links = "a"', 3, "error: "),
    ],
)
def test_a_page_without_rows_that_leads_on_fails_if_all_pages_have_rows(
    follow: str, status: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with LinkedSite({"/": ["/b1"]}, tmp_path / "s.toml").running_in_thread() as site:
        site.write_sources(follow, more='rows = "li"')
        assert main(["try", "books", f"{site.url}/", "--file", site.settings["SOURCES_FILE"]]) == status
        shown = capsys.readouterr()
    assert json.loads(shown.out)["link"] == f"{site.url}/b1"
    assert shown.err.splitlines()[-1].startswith(f"{told}{site.url}/: no_rows: ")


@pytest.mark.parametrize(("path", "reports"), [("/", 0), ("/list", 1)])
def test_how_fields_fare_is_not_told_of_a_start_page_that_has_no_rows(
    path: str, reports: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of another page that leads on nobody knows whether it should have rows."""
    with LinkedSite({"/": ["/b1"], "/list": ["/b1"]}, tmp_path / "s.toml").running_in_thread() as site:
        site.write_sources('links = "i"\npages = "a"')
        file = tmp_path / "s.toml"
        file.write_text(file.read_text().replace("h1::text", "h2::text"))
        assert main(["try", "books", f"{site.url}{path}", "--file", str(file)]) == 0
        told = capsys.readouterr().err
    assert told.count("fails in 1 of 1 rows") == reports
    assert told.splitlines()[-1].startswith("- no rows, which is no fault of a page that is fetched for its links: ")


def test_a_page_with_another_address_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with LinkedSite({"/a": []}, tmp_path / "s.toml").running_in_thread() as site:
        site.heads = {"/a": "<link rel=canonical href=/b>"}
        assert tried(site, "/a", capsys) == [{"own_address": f"{site.url}/b"}]


def test_a_redirect_to_another_host_is_not_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with LinkedSite({}, tmp_path / "s.toml").running_in_thread() as site:
        site.redirects = {"/a": "http://localhost:1/"}
        assert main(["try", "books", f"{site.url}/a", "--file", site.settings["SOURCES_FILE"]]) == 3
        assert f"error: {site.url}/a: other_host: redirected to http://localhost:1/" in capsys.readouterr().err


def test_a_site_that_wants_a_long_pause_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with LinkedSite({}, tmp_path / "s.toml").running_in_thread() as site:
        site.busy = {"/a"}
        assert main(["try", "books", f"{site.url}/a", "--file", site.settings["SOURCES_FILE"]]) == 3
        assert f"error: {site.url}/a: the site asked for a pause of 3600 s" in capsys.readouterr().err
