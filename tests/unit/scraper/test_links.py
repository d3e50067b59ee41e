"""What a page leads to, from memory."""

from datetime import UTC, datetime
from typing import Any

import pytest

from scraper.errors import ExtractError
from scraper.fetch.answers import FetchedPage
from scraper.follow_rules import Follow
from scraper.models import Link, PageLinks, Purpose, Reason
from scraper.rows.links import page_links

SITE = "https://shop.example"
BOTH = Purpose.ROWS | Purpose.LINKS


def links_of(
    markup: str,
    *,
    at: str = f"{SITE}/c/1",
    asked: str = "",
    purpose: Purpose = Purpose.LINKS,
    content_type: str = "text/html",
    **rules: Any,
) -> PageLinks:
    rules = {"links": "a.next", "pages": "li a"} if not {"links", "pages"} & rules.keys() else rules
    follow = Follow.model_validate({"start": [f"{SITE}/"], **rules})
    page = FetchedPage(asked or at, at, 200, markup.encode(), content_type, None, datetime(2024, 3, 1, tzinfo=UTC))
    return page_links(follow, page, asked=asked or at, purpose=purpose)


def urls_of(markup: str, **more: Any) -> list[str]:
    return [link.url for link in links_of(markup, **more).links]


def test_links_tell_what_their_pages_are_wanted_for() -> None:
    found = links_of('<a class=next href="2">next</a><li><a href="/b/1">A</a></li><a href="/about">us</a>')
    assert found.links == (Link(f"{SITE}/b/1", Purpose.ROWS), Link(f"{SITE}/c/2", Purpose.LINKS))


def test_without_a_selector_of_pages_every_page_has_rows_and_is_looked_through() -> None:
    assert links_of('<a href="2">next</a>', links="a").links == (Link(f"{SITE}/c/2", BOTH),)


def test_a_link_that_both_selectors_match_is_wanted_for_both() -> None:
    assert links_of('<li><a class=next href="2">next</a></li>').links == (Link(f"{SITE}/c/2", BOTH),)


def test_a_page_that_is_wanted_for_its_rows_leads_nowhere() -> None:
    assert links_of('<li><a href="/b/1">A</a></li>', purpose=Purpose.ROWS) == PageLinks(Purpose.ROWS)


def test_links_of_a_page_come_once_each_in_page_order_without_fragments() -> None:
    assert urls_of('<li><a href="3">c</a><a href="1">a</a><a href="3#x">c</a></li>') == [f"{SITE}/c/3", f"{SITE}/c/1"]


def test_links_are_resolved_with_the_base_of_the_page() -> None:
    assert urls_of('<base href="/x/"><li><a href="1">a</a></li>') == [f"{SITE}/x/1"]


def test_links_are_read_as_browsers_read_them() -> None:
    assert urls_of('<li><a href=" /b/\n1 a ">a</a></li>') == [f"{SITE}/b/1%20a"]


def test_another_attribute_than_href_can_be_named() -> None:
    assert urls_of('<li data-url="/b/1">a</li>', links="li::attr(data-url)") == [f"{SITE}/b/1"]


@pytest.mark.parametrize(
    "reference",
    [
        "https://other.example/",
        "https://shop.example:8443/",
        "https://shop.example.evil/",
        "//cdn.example/a",
        "mailto:me@shop.example",
        "javascript:void(0)",
        "",
        f"https://share.example/?u={'x' * 3000}",
    ],
)
def test_other_hosts_and_what_is_no_page_are_passed_over(reference: str) -> None:
    assert links_of(f'<li><a href="{reference}">a</a></li>') == PageLinks(Purpose.LINKS)


@pytest.mark.parametrize("reference", ["http://shop.example/a", "HTTPS://Shop.Example:443/a", "//shop.example/a"])
def test_the_own_host_is_known_in_any_spelling(reference: str) -> None:
    assert len(urls_of(f'<li><a href="{reference}">a</a></li>')) == 1


def test_every_host_of_a_start_page_is_an_own_one() -> None:
    assert urls_of('<a href="http://b.example/1">b</a>', links="a", start=[f"{SITE}/", "http://b.example/"])


@pytest.mark.parametrize(
    ("reference", "problem"),
    [
        ("http://[", "Invalid IPv6 URL"),
        (f"/{'x' * 3000}", "a URL may have 2000 characters"),
        ("https://me:secret@shop.example/", "user names and passwords"),
        ("\\\\shop\\a", "backslashes"),
    ],
)
def test_links_that_cannot_be_asked_for_are_told_with_the_problem(reference: str, problem: str) -> None:
    found = links_of(f'<li><a href="{reference}">a</a></li>')
    assert found.links == ()
    ((told, why),) = found.unusable
    assert reference.startswith(told)
    assert problem in why


@pytest.mark.parametrize(
    ("head", "address"),
    [
        ('<link rel="canonical" href="/c/one">', f"{SITE}/c/one"),
        ('<link rel="x CANONICAL" href="one#top">', f"{SITE}/c/one"),
        ('<link rel="canonical" href="/c/1">', ""),
        ('<link rel="canonical" href="/c/x/../1#top">', ""),
        ('<link rel="canonical" href="https://other.example/c/one">', ""),
        ('<link rel="canonical" href="javascript:alert(1)">', ""),
        ('<link rel="canonical" href="http://[">', ""),
        ('<base href="/"><link rel="canonical" href="">', ""),
        ('<base href="/"><link rel="canonical" href="#top">', ""),
        ("<p>canonical</p>", ""),
    ],
)
@pytest.mark.parametrize("purpose", [Purpose.ROWS, BOTH])
def test_a_page_may_name_its_own_address_on_its_host(head: str, address: str, purpose: Purpose) -> None:
    assert links_of(head, purpose=purpose).address == address


def test_a_page_that_was_redirected_is_at_its_last_address() -> None:
    assert links_of("", at=f"{SITE}/c/1/", asked=f"{SITE}/c/1").address == f"{SITE}/c/1/"


def test_a_page_that_names_the_address_that_redirected_to_it_is_where_it_was_asked_for() -> None:
    assert links_of('<link rel=canonical href="/c/1">', at=f"{SITE}/c/1/", asked=f"{SITE}/c/1").address == ""


def test_pages_are_not_believed_if_the_source_says_so() -> None:
    markup = '<link rel="canonical" href="/c/one"><a href="2">b</a>'
    assert links_of(markup, links="a", canonical=False).address == ""


def test_a_document_is_a_page_with_rows_and_none_to_look_for_links_in() -> None:
    document = {"content_type": "application/json", "at": f"{SITE}/v2", "asked": f"{SITE}/v1"}
    assert links_of("{}", purpose=Purpose.ROWS, **document) == PageLinks(Purpose.ROWS, address=f"{SITE}/v2")
    with pytest.raises(ExtractError, match="links are looked for in HTML"):
        links_of("{}", purpose=BOTH, **document)


def test_markup_that_would_take_minutes_is_refused() -> None:
    with pytest.raises(ExtractError) as caught:
        links_of("<div>" * 20_000)
    assert caught.value.reason == Reason.TOO_COMPLEX


def test_a_page_of_very_many_links_is_too_complex(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scraper.rows.links.MAX_LINKS", 3)
    assert len(urls_of("<a href=1><a href=2><a href=3><a href=3>", links="a")) == 3
    with pytest.raises(ExtractError, match="too_complex: the page has more than 3 links"):
        links_of("<a href=1><a href=2><a href=3><a href=4>", links="a")


def test_a_link_that_is_no_url_is_quoted_in_part() -> None:
    ((_, problem),) = links_of(f"<a href='http://{'a' * 100_000}\u2100/'>", links="a").unusable
    assert len(problem) < 2000
