# ruff: noqa: RUF001  typographic characters are part of what a scraper must cope with
"""The shop's books, and what a scraper must find on their pages. Pure: the same arguments, the same shop."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from random import Random

from samples.site import words
from samples.site.faults import REASONS, Fault, is_permanent

BOOKS_PER_LISTING_PAGE = 20
MAX_CACHED_BOOKS = 20_000

Value = str | int | bool | Decimal | date
ExpectedRow = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Book:
    """One book as the shop sells it; text fields hold plain Unicode, never markup."""

    book_id: int  # from 1
    title: str
    author: str
    category: str
    publisher: str
    book_format: str
    price: Decimal  # pounds, two places
    stock: int  # copies; 0 = out of stock
    rating: int  # 1 to 5
    published: date
    page_count: int
    isbn: str  # ISBN-13, 13 digits, valid check digit
    description: str

    @property
    def in_stock(self) -> bool:
        """True if at least one copy is left."""
        return self.stock > 0

    @property
    def path(self) -> str:
        """URL path of the detail page."""
        return f"/books/{self.book_id}.html"


class Catalogue:
    """Books 1 to `books`, with faults on exactly `fault_percent` % (rounded) of their detail pages."""

    def __init__(self, books: int, seed: int = 1, fault_percent: float = 0.0) -> None:
        """Raises ValueError if there is not at least one book, or the share is not within 0 to 100."""
        if books < 1:
            raise ValueError(f"books must be at least 1, not {books}")
        if not 0 <= fault_percent <= 100:
            raise ValueError(f"fault_percent must be 0 to 100, not {fault_percent}")
        self.books = books
        self.seed = seed
        self.fault_percent = fault_percent
        self._cache: dict[int, Book] = {}

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
        kinds = list(Fault)
        return {book_id: kinds[turn % len(kinds)] for turn, book_id in enumerate(faulty)}

    def fault_of(self, book_id: int) -> Fault | None:
        """What is wrong with the book's detail page, if anything."""
        return self.faults.get(book_id)

    def expected_rows(self) -> dict[str, ExpectedRow]:
        """URL path → typed values that the source `books` of sources.toml must yield, in ID order.

        Pages with a transient fault are among them; pages with a permanent one are not.
        """
        return {
            book.path: expected_row(book)
            for book in map(self.book, range(1, self.books + 1))
            if not self._is_lost(book.book_id)
        }

    def expected_failures(self) -> dict[str, str]:
        """URL path → reason code of every detail page that can never load, in ID order."""
        return {
            f"/books/{book_id}.html": REASONS[fault] for book_id, fault in self.faults.items() if is_permanent(fault)
        }

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

    def _is_lost(self, book_id: int) -> bool:
        fault = self.fault_of(book_id)
        return fault is not None and is_permanent(fault)


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


def make_book(book_id: int, seed: int) -> Book:
    """The one book that this ID and seed always give."""
    # A text seed is hashed the same way in every process, unlike hash().
    dice = Random(f"{seed}:{book_id}")
    return Book(
        book_id=book_id,
        title=_title(dice),
        author=f"{dice.choice(words.FIRST_NAMES)} {dice.choice(words.LAST_NAMES)}",
        category=dice.choice(words.CATEGORIES),
        publisher=dice.choice(words.PUBLISHERS),
        book_format=dice.choice(words.FORMATS),
        price=Decimal(dice.randrange(299, 8_999)).scaleb(-2),
        stock=max(0, dice.randrange(-8, 60)),
        rating=dice.randint(1, 5),
        published=date(1985, 1, 1) + timedelta(days=dice.randrange(14_600)),
        page_count=dice.randrange(64, 900),
        isbn=_isbn(seed, book_id),
        description=_description(dice),
    )


def _title(dice: Random) -> str:
    pattern = dice.choice(
        ("The {a} {n}", "The {a} {n} of {p}", "{n} & {m}", "“{a} {n}”", "{p}: A {n}’s Tale", "{a} {n}, {a2} {m}")
    )
    noun, other = dice.sample(words.NOUNS, 2)
    adjective, second = dice.sample(words.ADJECTIVES, 2)
    return pattern.format(a=adjective, a2=second, n=noun, m=other, p=dice.choice(words.PLACES))


def _description(dice: Random) -> str:
    sentences = dice.sample(words.SENTENCES, dice.randint(4, 7))
    return " ".join(
        sentence.format(noun=dice.choice(words.NOUNS).lower(), place=dice.choice(words.PLACES))
        for sentence in sentences
    )


def _isbn(seed: int, book_id: int) -> str:
    digits = f"978{seed % 100:02d}{book_id % 10_000_000:07d}"
    weighted = sum(int(digit) * (3 if position % 2 else 1) for position, digit in enumerate(digits))
    return f"{digits}{-weighted % 10}"
