"""The shop's books, and what a scraper must find on their pages. Pure: the same arguments, the same shop."""

from collections.abc import Mapping, Sequence
from copy import copy
from datetime import date
from decimal import Decimal
from functools import cached_property
from random import Random

from samples.site.books import Book, make_book
from samples.site.faults import COMMON_FAULTS, MARKUP_FAULTS, REASONS, Fault

BOOKS_PER_LISTING_PAGE = 20
MAX_CACHED_BOOKS = 20_000

Value = str | int | bool | Decimal | date
ExpectedRow = Mapping[str, Value]


class Catalogue:
    """Books 1 to `books`, with faults on exactly `fault_percent` % (rounded) of their detail pages."""

    def __init__(
        self,
        books: int,
        seed: int = 1,
        fault_percent: float = 0.0,
        kinds: Sequence[Fault] = COMMON_FAULTS,
    ) -> None:
        """Raises ValueError if there is not at least one book and one kind, or the share is not within 0 to 100."""
        if books < 1:
            raise ValueError(f"books must be at least 1, not {books}")
        if not 0 <= fault_percent <= 100:
            raise ValueError(f"fault_percent must be 0 to 100, not {fault_percent}")
        if not kinds:
            raise ValueError("kinds must name at least one fault")
        self.books = books
        self.seed = seed
        self.fault_percent = fault_percent
        self.kinds = tuple(kinds)
        self.new_layout_from: int | None = None
        self.robots_changed = False
        self.crawl_delay_s: float | None = None
        self._cache: dict[int, Book] = {}

    def with_new_layout_from(self, book_id: int) -> "Catalogue":
        """The same shop with another markup on the detail pages of the books from this ID on."""
        changed = copy(self)
        changed.new_layout_from = book_id
        return changed

    def with_robots_changed(self) -> "Catalogue":
        """The same shop after its robots.txt has changed."""
        changed = copy(self)
        changed.robots_changed = True
        return changed

    def with_crawl_delay(self, seconds: float) -> "Catalogue":
        """The same shop, whose robots.txt asks for so much time between two requests."""
        changed = copy(self)
        changed.crawl_delay_s = seconds
        return changed

    @property
    def listing_pages(self) -> int:
        """How many listing pages there are; they count from 1."""
        return -(-self.books // BOOKS_PER_LISTING_PAGE)

    def __contains__(self, book_id: int) -> bool:
        """True if the shop has this book."""
        return 1 <= book_id <= self.books

    def book(self, book_id: int) -> Book:
        """The book; raises KeyError(book_id) if the shop does not have it."""
        if book_id not in self:
            raise KeyError(book_id)
        book = self._cache.get(book_id)
        if book is None:
            book = make_book(book_id, self.seed)
            if len(self._cache) < MAX_CACHED_BOOKS:
                self._cache[book_id] = book
        return book

    def books_on_listing_page(self, page: int) -> list[Book]:
        """The books of listing page `page`, in page order; raises KeyError(page) if there is no such page."""
        if not 1 <= page <= self.listing_pages:
            raise KeyError(page)
        first = (page - 1) * BOOKS_PER_LISTING_PAGE + 1
        last = min(self.books, first + BOOKS_PER_LISTING_PAGE - 1)
        return [self.book(book_id) for book_id in range(first, last + 1)]

    @cached_property
    def faults(self) -> Mapping[int, Fault]:
        """Book ID → fault of its detail page, in ID order; the kinds take turns."""
        count = round(self.books * self.fault_percent / 100)
        faulty = sorted(Random(f"{self.seed}:faults").sample(range(1, self.books + 1), count))
        return {book_id: self.kinds[turn % len(self.kinds)] for turn, book_id in enumerate(faulty)}

    def fault_of(self, book_id: int) -> Fault | None:
        """What is wrong with the book's detail page, if anything."""
        return self.faults.get(book_id)

    def has_new_layout(self, book_id: int) -> bool:
        """True if the book's detail page has the markup that no scraper knows yet."""
        return self.new_layout_from is not None and book_id >= self.new_layout_from

    def disallowed_paths(self, *, robots_changed: bool) -> list[str]:
        """The detail pages that this version of robots.txt disallows, in ID order."""
        fault = Fault.DISALLOWED_LATER if robots_changed else Fault.DISALLOWED
        return [f"/books/{book_id}.html" for book_id, found in self.faults.items() if found is fault]

    def expected_rows(self) -> dict[str, ExpectedRow]:
        """URL path → typed values that the source `books` of sources.toml must yield, in ID order.

        Pages with a transient fault are among them; pages with a permanent one are not.
        """
        return {
            book.path: expected_row(book)
            for book in map(self.book, range(1, self.books + 1))
            if self.reason_of(book.book_id) is None
        }

    def expected_failures(self) -> dict[str, str]:
        """URL path → reason code of every detail page that can never load, in ID order."""
        reasons = ((book_id, self.reason_of(book_id)) for book_id in range(1, self.books + 1))
        return {f"/books/{book_id}.html": reason for book_id, reason in reasons if reason is not None}

    def reason_of(self, book_id: int) -> str | None:
        """The reason code for the book's detail page; None if it loads in the end."""
        fault = self.fault_of(book_id)
        if fault is Fault.DISALLOWED and self.robots_changed:
            fault = None
        if fault is Fault.DISALLOWED_LATER and self.robots_changed:
            return REASONS[Fault.DISALLOWED]
        if self.has_new_layout(book_id) and (fault in MARKUP_FAULTS or fault not in REASONS):
            return REASONS[Fault.NO_TITLE]  # the page comes, and its title is not where it was
        return REASONS.get(fault) if fault is not None else None

    def expected_listing_rows(self, page: int, *, site_url: str) -> list[ExpectedRow]:
        """Typed values that the source `listing` of sources.toml must yield for one page, in page order.

        Links are absolute; `site_url` has no slash at its end. Raises KeyError(page) if there is no such page.
        """
        return [
            {
                "title": book.title,
                "price": book.price,
                "in_stock": book.in_stock,
                "rating": book.rating,
                "link": site_url + book.path,
            }
            for book in self.books_on_listing_page(page)
        ]


def expected_row(book: Book) -> ExpectedRow:
    """Field name → typed value, for the fields that sources.toml takes from a detail page."""
    return {
        "title": book.title,
        "author": book.author,
        "price": book.price,
        "in_stock": book.in_stock,
        "stock": book.stock,
        "rating": book.rating,
        "published": book.published,
        "isbn": book.isbn,
        "description": book.description,
    }
