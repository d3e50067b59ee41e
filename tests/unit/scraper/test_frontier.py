"""Which pages of a crawl are new."""

from hypothesis import given
from hypothesis import strategies as st

from scraper.finding.frontier import Frontier, Harvest
from scraper.models import Link, PageLinks, Purpose

SITE = "https://shop.example"
ROWS, LINKS = Purpose.ROWS, Purpose.LINKS
BOTH = ROWS | LINKS


def frontier_of(*pages: tuple[str, Purpose]) -> Frontier:
    frontier = Frontier()
    for path, purpose in pages:
        frontier.know(SITE + path, purpose)
    return frontier


def page(*links: tuple[str, Purpose], address: str = "", purpose: Purpose = BOTH) -> PageLinks:
    own = SITE + address if address else ""
    return PageLinks(purpose, tuple(Link(SITE + path, wanted) for path, wanted in links), address=own)


def harvested(frontier: Frontier, *met: tuple[int, PageLinks], max_depth: int | None = None) -> Harvest:
    harvest = Harvest(frontier, max_depth=max_depth)
    for depth, one in met:
        harvest.take(one, url=f"{SITE}/from", depth=depth)
    return harvest


def found(frontier: Frontier, *met: tuple[int, PageLinks], max_depth: int | None = None) -> list[tuple[str, int, int]]:
    pages = harvested(frontier, *met, max_depth=max_depth).pages
    return [(one.url.removeprefix(SITE), int(one.purpose), one.depth) for one in pages]


def test_new_pages_come_once_each_in_the_order_in_which_they_were_met() -> None:
    met = [(0, page(("/b", BOTH), ("/a", BOTH))), (0, page(("/b", BOTH), ("/c", BOTH)))]
    assert found(frontier_of(), *met) == [("/b", 3, 1), ("/a", 3, 1), ("/c", 3, 1)]


def test_a_page_that_is_known_in_another_spelling_is_not_new() -> None:
    assert found(frontier_of(("/a?b=1&c=2", BOTH)), (0, page(("/a?c=2&b=1", BOTH)))) == []


def test_two_spellings_of_a_new_page_are_one_page_as_it_was_met_first() -> None:
    assert found(frontier_of(), (0, page(("/a?c=2&b=1", BOTH), ("/a?b=1&c=2", BOTH)))) == [("/a?c=2&b=1", 3, 1)]


def test_a_page_that_is_known_for_its_rows_is_new_for_its_links() -> None:
    assert found(frontier_of(("/a", ROWS)), (0, page(("/a", BOTH)))) == [("/a", 2, 1)]


def test_what_a_page_is_wanted_for_adds_up() -> None:
    assert found(frontier_of(), (0, page(("/a", ROWS))), (0, page(("/a", LINKS)))) == [("/a", 3, 1)]


def test_the_own_address_of_a_page_is_as_deep_as_the_page_and_wanted_for_the_same() -> None:
    met = (4, page(("/deeper", LINKS), address="/own", purpose=ROWS))
    assert found(frontier_of(), met) == [("/own", 1, 4), ("/deeper", 2, 5)]


def test_an_own_address_that_is_known_is_not_new() -> None:
    assert found(frontier_of(("/own", BOTH)), (0, page(address="/own"))) == []


def test_pages_at_the_greatest_depth_are_not_looked_through_nor_asked_for_in_vain() -> None:
    assert found(frontier_of(), (1, page(("/a", BOTH), ("/b", LINKS))), max_depth=2) == [("/a", 1, 2)]


def test_a_frontier_comes_back_from_its_bytes() -> None:
    frontier = Frontier.unpacked(frontier_of(("/a", BOTH), ("/b", ROWS), ("/c", LINKS)).packed())
    assert frontier.unknown(f"{SITE}/a", BOTH) == Purpose(0)
    assert frontier.unknown(f"{SITE}/b", BOTH) == LINKS
    assert frontier.unknown(f"{SITE}/c", BOTH) == ROWS


PATHS = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from([ROWS, LINKS, BOTH])), max_size=20)


@given(PATHS)
def test_pages_met_one_by_one_are_those_met_at_once(paths: list[tuple[str, Purpose]]) -> None:
    wanted = [(f"/{path}", purpose) for path, purpose in paths]
    at_once = harvested(Frontier(), (0, page(*wanted))).pages
    frontier, one_by_one = Frontier(), dict[str, Purpose]()
    for link in wanted:
        for new in harvested(frontier, (0, page(link))).pages:
            frontier.know(new.url, new.purpose)
            assert not one_by_one.get(new.url, Purpose(0)) & new.purpose
            one_by_one[new.url] = one_by_one.get(new.url, Purpose(0)) | new.purpose
    assert {one.url: one.purpose for one in at_once} == one_by_one


def test_links_that_were_refused_before_are_passed_over_and_others_told_once_with_the_first_page() -> None:
    frontier = frontier_of()
    frontier.refused = {f"{SITE}/private", "http://["}
    bad = PageLinks(BOTH, (Link(f"{SITE}/private", BOTH),), (("http://[", "no URL"), ("http://]", "no URL")))
    harvest = harvested(frontier, (0, bad), (1, bad))
    assert harvest.pages == []
    assert harvest.unusable == {"http://]": f"linked from {SITE}/from: no URL"}


def named(path: str, address: str, purpose: Purpose = ROWS) -> tuple[str, PageLinks]:
    return path, PageLinks(purpose, address=SITE + address)


def to_be_fetched(frontier: Frontier, *pages: tuple[str, PageLinks]) -> list[tuple[str, int]]:
    harvest = Harvest(frontier, max_depth=None)
    for path, one in pages:
        harvest.take(one, url=SITE + path, depth=3)
    found = harvest.pages
    frontier.addresses |= harvest.addresses
    for new in found:
        frontier.know(new.url, new.purpose)
    assert {new.depth for new in found} <= {3}
    return [(new.url.removeprefix(SITE), int(new.purpose)) for new in found]


def test_of_pages_that_name_each_other_one_gives_its_rows() -> None:
    frontier = frontier_of(("/a", ROWS), ("/b", ROWS), ("/c", ROWS), ("/tail", ROWS))
    pages = [named("/tail", "/b"), named("/b", "/c"), named("/c", "/a"), named("/a", "/b")]
    assert to_be_fetched(frontier, *pages) == [("/a", Purpose.ROWS_HERE)]
    assert to_be_fetched(frontier, *pages) == []


def test_a_circle_that_is_closed_in_a_later_level_or_by_a_retry_is_seen() -> None:
    frontier = frontier_of(("/b", BOTH))
    assert to_be_fetched(frontier, named("/b", "/a?x=1&y=2", BOTH)) == [("/a?x=1&y=2", 3)]
    frontier = Frontier.unpacked(frontier.packed())
    assert to_be_fetched(frontier, named("/a?y=2&x=1", "/b")) == [("/a?x=1&y=2", Purpose.ROWS_HERE)]


def test_pages_whose_addresses_end_at_a_page_are_no_circle_nor_are_those_without_rows() -> None:
    frontier = frontier_of(("/a", BOTH), ("/b", BOTH), ("/c", BOTH))
    assert to_be_fetched(frontier, named("/a", "/b"), named("/b", "/c")) == []
    assert to_be_fetched(frontier, named("/c", "/a", LINKS)) == []
