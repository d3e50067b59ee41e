"""What counts as a page's URL."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.web_urls import checked_url, origin_of, page_url, url_problem


@pytest.mark.parametrize(
    "url", ["http://a.example", "https://a.example:8443/p?q=1#x", "http://[::1]/", "http://é.example/ü"]
)
def test_http_urls_are_accepted(url: str) -> None:
    assert url_problem(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/p",
        "a.example",
        "ftp://a.example",
        "http://",
        "http:///p",
        "http://a.example:99999/",
        "http://a.example:0/",
        "http://a b.example",
        "http://a.example\\@b.example",
        "http://u@a.example",
        "http://[::1",
        "javascript:alert(1)",
        "http://a.example/\n",
        "http://a.example/" + "x" * 2000,
    ],
)
def test_everything_else_has_a_problem(url: str) -> None:
    assert url_problem(url)


def test_fragment_is_dropped_and_reference_resolved() -> None:
    assert page_url("https://a.example/x/y", " ../z?q#top ") == "https://a.example/z?q"


@given(st.text(max_size=80))
def test_any_reference_is_a_usable_url_or_a_value_error(reference: str) -> None:
    with suppress(ValueError):
        assert url_problem(page_url("https://a.example/", reference)) is None


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Books.example/a?b", "https://books.example:443"),
        ("http://books.example:8000", "http://books.example:8000"),
        ("http://[::1]/x", "http://[::1]:80"),
        ("http://Bücher.example/x", "http://xn--bcher-kva.example:80"),
        ("http://xn--bcher-kva.example/ü", "http://xn--bcher-kva.example:80"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: str) -> None:
    assert origin_of(url) == origin


def test_a_refused_address_is_named_without_its_password() -> None:
    with pytest.raises(ValueError, match="user names and passwords do not belong") as refused:
        checked_url("https://anna:s3cret@host.example/books?page=1")
    assert "'https://…@host.example/books?page=1'" in str(refused.value)
