from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from samples.site.books import make_book
from samples.site.catalogue import Catalogue
from samples.site.faults import COMMON_FAULTS, Fault, fault_kinds, is_permanent


def test_the_same_arguments_give_the_same_shop():
    assert Catalogue(60, 7, 20).expected_rows() == Catalogue(60, 7, 20).expected_rows()
    assert Catalogue(60, 7, 20).faults == Catalogue(60, 7, 20).faults


def test_another_seed_gives_other_books_and_other_faulty_pages():
    assert make_book(1, seed=1) != make_book(1, seed=2)
    assert list(Catalogue(1000, 1, 5).faults) != list(Catalogue(1000, 2, 5).faults)


def test_a_book_does_not_depend_on_how_many_there_are():
    assert Catalogue(10, 1).book(3) == Catalogue(5000, 1).book(3)


def test_a_known_book_never_changes():
    book = make_book(7, seed=1)
    assert (book.title, book.author) == ("“Tidal Mirror”", "Hiro Thorne")
    assert (book.price, book.stock, book.rating) == (Decimal("49.96"), 24, 1)
    assert (book.published, book.isbn) == (date(2012, 2, 12), "9780100000070")


def test_prices_keep_two_places():
    prices = [make_book(book_id, seed=1).price for book_id in range(1, 1001)]
    assert {price.as_tuple().exponent for price in prices} == {-2}
    assert min(prices) >= Decimal("2.99")


def test_some_books_are_out_of_stock():
    stocks = [make_book(book_id, seed=1).in_stock for book_id in range(1, 1001)]
    assert 50 < stocks.count(False) < 300


def test_isbns_have_valid_check_digits():
    isbn = make_book(1234567, seed=42).isbn
    assert isbn.startswith("978421234567")
    assert sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(isbn)) % 10 == 0


def test_the_share_of_faulty_pages_is_exact():
    assert len(Catalogue(1000, 1, 5).faults) == 50
    assert len(Catalogue(1000, 1, 0.25).faults) == 2
    assert len(Catalogue(1000, 1, 100).faults) == 1000
    assert Catalogue(1000, 1, 0).faults == {}


def test_fault_kinds_take_turns():
    counts = Counter(Catalogue(1000, 1, 14).faults.values())
    assert counts == dict.fromkeys(COMMON_FAULTS, 10)


def test_a_shop_may_have_every_fault_or_just_the_named_ones():
    assert set(Catalogue(1000, 1, 10, fault_kinds("all")).faults.values()) == set(Fault)
    assert fault_kinds("common") == COMMON_FAULTS
    named = Catalogue(1000, 1, 10, fault_kinds("stall, gzip_bomb"))
    assert Counter(named.faults.values()) == {Fault.STALL: 50, Fault.GZIP_BOMB: 50}
    with pytest.raises(ValueError, match="unknown fault 'rain'; known are http_404, "):
        fault_kinds("stall,rain")


def test_every_detail_page_is_expected_to_load_or_to_fail():
    catalogue = Catalogue(1000, 1, 14)
    rows, failures = catalogue.expected_rows(), catalogue.expected_failures()
    assert not rows.keys() & failures.keys()
    assert rows.keys() | failures.keys() == {f"/books/{book_id}.html" for book_id in range(1, 1001)}
    assert (len(rows), len(failures)) == (920, 80)


def test_pages_with_transient_faults_are_expected_to_load():
    catalogue = Catalogue(1000, 1, 14)
    transient = [book_id for book_id, fault in catalogue.faults.items() if not is_permanent(fault)]
    assert len(transient) == 60
    assert all(f"/books/{book_id}.html" in catalogue.expected_rows() for book_id in transient)


def test_each_permanent_fault_has_its_reason_code():
    catalogue = Catalogue(1000, 1, 36, fault_kinds("all"))
    assert Counter(catalogue.expected_failures().values()) == {
        "http_404": 10,
        "http_410": 10,
        "http_5xx": 10,
        "missing_field": 20,
        "bad_value": 10,
        "body_too_large": 30,
        "bad_compression": 10,
        "not_decodable": 10,
        "unsupported_content": 10,
        "too_many_redirects": 30,
        "timeout": 20,
        "connection": 40,
        "private_address": 10,
        "robots_disallowed": 20,
    }


def test_pages_with_a_new_layout_lack_their_title_unless_something_worse_is_wrong_with_them():
    before = Catalogue(1000, 1, 36, fault_kinds("all"))
    after = before.with_new_layout_from(700)
    assert before.reason_of(700) is None
    assert after.expected_rows() == {path: row for path, row in before.expected_rows().items() if int(path[7:-5]) < 700}
    changed = {fault: after.reason_of(book_id) for book_id, fault in before.faults.items() if book_id >= 700}
    assert {fault for fault, reason in changed.items() if reason == "missing_field"} == {
        *(fault for fault in Fault if not is_permanent(fault)),
        Fault.NO_TITLE,
        Fault.BAD_PRICE,
        Fault.LOGIN_WALL,
    }


def test_a_changed_robots_txt_disallows_other_pages():
    before = Catalogue(1000, 1, 36, fault_kinds("all"))
    after = before.with_robots_changed()
    first, later = (before.disallowed_paths(robots_changed=changed) for changed in (False, True))
    assert (len(first), len(later)) == (10, 10)
    assert [before.expected_failures()[path] for path in first] == ["robots_disallowed"] * 10
    assert [after.expected_failures()[path] for path in later] == ["robots_disallowed"] * 10
    assert set(first) <= set(after.expected_rows())
    assert set(later) <= set(before.expected_rows())


def test_an_expected_row_holds_typed_values():
    row = Catalogue(10, 1).expected_rows()["/books/7.html"]
    assert {name: type(value) for name, value in row.items()} == {
        "title": str,
        "author": str,
        "price": Decimal,
        "in_stock": bool,
        "stock": int,
        "rating": int,
        "published": date,
        "isbn": str,
        "description": str,
    }


def test_the_last_listing_page_holds_the_rest():
    catalogue = Catalogue(45, 1)
    assert catalogue.listing_pages == 3
    assert [book.book_id for book in catalogue.books_on_listing_page(3)] == [41, 42, 43, 44, 45]
    assert catalogue.expected_listing_rows(3, site_url="http://shop")[0]["link"] == "http://shop/books/41.html"


def test_pages_and_books_that_the_shop_does_not_have_are_refused():
    catalogue = Catalogue(45, 1)
    with pytest.raises(KeyError, match="4"):
        catalogue.books_on_listing_page(4)
    with pytest.raises(KeyError, match="46"):
        catalogue.book(46)


@pytest.mark.parametrize(("books", "percent", "message"), [(0, 5, "books must be"), (1, 101, "fault_percent must be")])
def test_an_impossible_shop_is_refused(books, percent, message):
    with pytest.raises(ValueError, match=message):
        Catalogue(books, 1, percent)


def test_texts_hold_what_scrapers_trip_over():
    texts = " ".join(make_book(book_id, seed=1).description for book_id in range(1, 50))
    assert all(part in texts for part in ("&", "<", '"', "—", "日本語", "🚂", "é"))
