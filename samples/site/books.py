# ruff: noqa: RUF001  typographic characters are part of what a scraper must cope with
"""Books, made up: the same ID and seed, the same book."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from samples.site import words


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
