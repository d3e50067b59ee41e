"""Which versions of a page can be asked for again."""

import pytest

from scraper.fetch.validators import usable_etag, usable_last_modified
from scraper.page_version import Validators

CHANGED, SENT = "Fri, 01 Mar 2024 06:00:00 GMT", "Fri, 01 Mar 2024 06:00:01 GMT"


@pytest.mark.parametrize("etag", ['"a"', 'W/"a"', '""', ' "a-gzip" '])
def test_a_well_formed_tag_is_kept_weak_or_strong(etag: str) -> None:
    assert usable_etag({"ETag": etag}) == etag.strip()


@pytest.mark.parametrize("etag", ["", "*", "a", '"a", "b"', '"a", *', 'w/"a"', '"é"', f'"{"x" * 300}"'])
def test_a_tag_that_could_match_more_than_its_version_is_not_kept(etag: str) -> None:
    assert usable_etag({"ETag": etag}) is None


def test_a_date_is_kept_as_it_was_written() -> None:
    assert usable_last_modified({"Last-Modified": CHANGED, "Date": SENT}) == CHANGED


@pytest.mark.parametrize(
    ("changed", "sent"),
    [
        (SENT, SENT),  # it may change again within this second
        (SENT, CHANGED),
        (CHANGED, ""),
        (CHANGED, "Fri, 01 Mar 2024 07:00:01 -0000"),
        ("yesterday", SENT),
        ("", SENT),
        ("Fri, 99 Mar 99999999999 06:00:00 GMT", SENT),
        (f"{CHANGED}{' ' * 300}({'x' * 300})", SENT),
    ],
)
def test_a_date_that_cannot_tell_two_versions_apart_is_not_kept(changed: str, sent: str) -> None:
    assert usable_last_modified({"Last-Modified": changed, "Date": sent}) is None


def test_conditions_go_to_the_place_of_the_version_only() -> None:
    both = Validators('"a"', CHANGED, "http://site/a")
    assert both.headers_for("http://site/a") == {"If-None-Match": '"a"', "If-Modified-Since": CHANGED}
    assert both.headers_for("http://site/b") == {}
    assert Validators(None, CHANGED, "http://site/a").headers_for("http://site/a") == {"If-Modified-Since": CHANGED}


@pytest.mark.parametrize("mark", ["\x01", "\x7f", "\t", "\u00e9", "\udcff"])
def test_a_date_that_cannot_be_sent_back_as_it_is_is_not_kept(mark: str) -> None:
    assert usable_last_modified({"Last-Modified": CHANGED.replace(" ", f" {mark}", 1), "Date": SENT}) is None
