"""Which URLs are one page, and which are two."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from w3lib.url import canonicalize_url

from scraper.canonical import _PLAIN, canonical_url, host_of
from scraper.web_urls import url_problem


@pytest.mark.parametrize(
    "same",
    [
        "https://shop.example/a?b=2&a=1",
        "https://shop.example/a?a=1&b=2#reviews",
        "HTTPS://Shop.Example/a?b=2&a=1",
        "https://shop.example:443/a?b=2&a=1",
        "https://shop.example/x/../a?b=2&a=1",
        "https://shop.example/%61?a=1&b=2",
    ],
)
def test_keys_in_any_order_fragments_cases_ports_and_escapes_make_no_other_page(same: str) -> None:
    assert canonical_url(same) == "https://shop.example/a?a=1&b=2"


@pytest.mark.parametrize(
    "other",
    [
        "http://shop.example/a",
        "https://www.shop.example/a",
        "https://shop.example:8443/a",
        "https://shop.example/a/",
        "https://shop.example/A",
        "https://shop.example/a?a=1",
        "https://shop.example/a%2Fb",
    ],
)
def test_what_a_server_may_tell_apart_stays_apart(other: str) -> None:
    assert canonical_url(other) != canonical_url("https://shop.example/a")


def test_an_empty_path_is_the_front_page() -> None:
    assert canonical_url("https://shop.example") == canonical_url("https://shop.example/")


def test_a_host_is_the_same_with_and_without_its_schemes_port() -> None:
    hosts = {
        host_of(f"{one}/a") for one in ("https://Shop.example", "https://shop.example:443", "http://shop.example:80")
    }
    assert hosts == {"shop.example"}
    assert host_of("http://shop.example:8080/a") == "shop.example:8080"


@given(st.sampled_from(["https://shop.example/", "http://", "https://a.example:"]), st.text(max_size=60))
@example("http://", "a..b/")
@example("http://", "xn--a/")
@example("http://", f"{'a' * 70}.example/")
@example("http://", "[::1]:80/")
@example("https://shop.example/", "%zz?%ff=%&&=;=#")
def test_any_url_of_a_page_has_one_canonical_form(start: str, rest: str) -> None:
    url = start + rest
    assume(url_problem(url) is None)
    assert canonical_url(canonical_url(url)) == canonical_url(url)


@given(st.from_regex(_PLAIN, fullmatch=True))
def test_what_is_taken_for_canonical_at_a_glance_is_canonical(url: str) -> None:
    assert canonicalize_url(url) == url
