"""The sign of a number in a text is never lost: it is read, or the text is refused."""

import pytest

from scraper.rows.transforms import Transform, apply_transform


def read(transform: str, text: str) -> str:
    return apply_transform(Transform(transform), text, base="https://books.example/")


@pytest.mark.parametrize(
    ("transform", "text", "number"),
    [
        ("number_en", "-$5.00", "-5.00"),
        ("number_en", "-£5.00", "-5.00"),
        ("number_en", "- £5.00", "-5.00"),
        ("number_en", "-US$5.00", "-5.00"),
        ("number_en", "$-5.00", "-5.00"),
        ("number_en", "EUR-5.00", "-5.00"),
        ("number_en", "USD -5.00", "-5.00"),
        ("number_en", "- USD 5.00", "-5.00"),
        ("number_en", "- 5.00", "-5.00"),
        ("number_en", "- 5 %", "-5"),
        ("number_en", "5.00-", "-5.00"),
        ("number_en", "5.00 -", "-5.00"),
        ("number_en", "$5.00-", "-5.00"),
        ("number_en", "5- €", "-5"),
        ("number_en", "-\u200e5.00", "-5.00"),
        ("number_en", "Save -5!", "-5"),
        ("number_en", "Save -£1,234.50!", "-1234.50"),
        ("number_de", "-€3,00", "-3.00"),
        ("number_de", "\u2212€3,00", "-3.00"),
        ("number_de", "\u2212 3,00", "-3.00"),
        ("number_de", "\u20133,00", "-3.00"),
        ("number_de", "\u2013 3,00 €", "-3.00"),
        ("number_de", "\u20133,00 € Rabatt", "-3.00"),
        ("number_de", "3,00-", "-3.00"),
        ("number_de", "3,00\u2212 €", "-3.00"),
        ("number_de", "Änderung: -3,00 €", "-3.00"),
    ],
)
def test_a_minus_is_read_wherever_prices_and_accounts_have_it(transform: str, text: str, number: str) -> None:
    assert read(transform, text) == number


@pytest.mark.parametrize(
    ("transform", "text", "number"),
    [
        ("number_en", "No-5", "5"),
        ("number_en", "COVID-19", "19"),
        ("number_en", "café-5", "5"),
        ("number_en", "5-pack", "5"),
        ("number_en", "10 - Downing Street", "10"),
        ("number_en", "Books (12)", "12"),
        ("number_en", "(12 reviews)", "12"),
        ("number_en", "+$5.00", "5.00"),
        ("number_en", "Rs.500/-", "500"),
        ("number_de", "5,-", "5"),
        ("number_de", "5,\u2013 €", "5"),
        ("number_de", "5,-- €", "5"),
        ("number_de", "-5,- €", "-5"),
        ("number_de", "5€-Gutschein", "5"),
        ("number_de", "10-jährig", "10"),
    ],
)
def test_a_hyphen_of_a_word_or_of_a_round_price_is_no_minus(transform: str, text: str, number: str) -> None:
    assert read(transform, text) == number


@pytest.mark.parametrize(
    ("transform", "text"),
    [
        ("number_en", "($5.00)"),
        ("number_en", "$(5.00)"),
        ("number_en", "(12)"),
        ("number_en", "(5.00) EUR"),
        ("number_de", "(3,00)"),
        ("number_de", "-(3,00 €)"),
        ("number_en", "Balance - 5.00"),
        ("number_en", "Balance \u20135.00"),
        ("number_en", "- 5 eggs"),
        ("number_en", "Balance 5.00-"),
        ("number_en", "Balance 5.00 -"),
        ("number_en", "5.00- are due"),
        ("number_en", "1984-"),
        ("number_en", "5\u2013"),
        ("number_en", "--5"),
        ("number_en", "+-5"),
        ("number_en", "-+5"),
        ("number_en", "-5.00-"),
        ("number_en", "±5"),
        ("number_en", "x\u22125"),
        ("number_en", "-Rp 5"),
        ("number_en", "Save-$5"),
        ("number_en", "\u2013.50"),
        ("number_en", "5-7"),
    ],
)
def test_a_number_that_may_be_negative_is_refused(transform: str, text: str) -> None:
    with pytest.raises(ValueError, match="a regex can pick"):
        read(transform, text)
