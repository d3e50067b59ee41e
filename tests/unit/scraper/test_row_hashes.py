"""Rows as hashes: the same record keeps its key, and any difference of what it says shows."""

from datetime import date
from decimal import Decimal

import pytest

from scraper.models import Row, Scalar
from scraper.rows.row_hashes import row_hashes

VALUES: dict[str, Scalar | None] = {"isbn": "1", "price": Decimal("2.50"), "day": date(2026, 11, 21), "note": None}


def hashes(values: dict[str, Scalar | None], *, key: tuple[str, ...] = (), url: str = "u", position: int = 0) -> bytes:
    return row_hashes([Row(values, position)], key, url=url)


def test_a_row_has_eight_bytes_for_its_key_and_eight_for_its_values() -> None:
    both = row_hashes([Row(VALUES, 0), Row(VALUES, 1)], ["isbn"], url="u")
    assert len(both) == 32
    assert both[:16] == both[16:]


@pytest.mark.parametrize(
    "changed",
    [
        {"price": Decimal("2.5")},
        {"isbn": 1},
        {"day": date(2026, 11, 22)},
        {"note": ""},
        {"note": []},
        {"isbn": ["1"]},
        {"isbn": "\ud800"},
    ],
)
def test_a_difference_of_a_value_or_of_its_type_shows(changed: dict[str, Scalar | None]) -> None:
    assert hashes(VALUES | changed)[8:] != hashes(VALUES)[8:]


def test_the_order_of_fields_and_empty_ones_make_no_difference() -> None:
    without_note = {name: VALUES[name] for name in ("day", "price", "isbn")}
    assert hashes(without_note) == hashes(VALUES)


def test_a_record_without_key_fields_is_its_page_and_position() -> None:
    keys = {hashes(VALUES)[:8], hashes(VALUES, position=1)[:8], hashes(VALUES, url="v")[:8]}
    assert len(keys) == 3


def test_a_record_with_key_fields_is_the_same_wherever_it_stands() -> None:
    elsewhere = hashes(VALUES | {"price": Decimal(3)}, key=("isbn",), url="v", position=4)
    assert elsewhere[:8] == hashes(VALUES, key=("isbn",))[:8]
    assert elsewhere[8:] != hashes(VALUES, key=("isbn",))[8:]
