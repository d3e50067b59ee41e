"""Rows that their source's key does not tell apart."""

from scraper.models import Row
from scraper.rows.key_faults import rows_with_known_key, rows_without_key

ROWS = [
    Row({"id": id_, "part": part, "n": number}, number)
    for number, (id_, part) in enumerate([("a", 1), ("a", 2), ("a", 1), (None, 1), (None, 1), (None, None), ("a", 1)])
]


def test_rows_without_a_value_in_any_field_of_the_key_are_counted() -> None:
    assert rows_without_key(ROWS, ("id", "part")) == 3
    assert rows_without_key(ROWS, ("part",)) == 1


def test_rows_with_the_key_of_one_before_them_are_counted_but_for_those_without_one() -> None:
    assert rows_with_known_key(ROWS, ("id", "part")) == 2
    assert rows_with_known_key(ROWS, ("n",)) == 0


def test_a_source_without_a_key_has_no_such_rows() -> None:
    assert (rows_without_key(ROWS, ()), rows_with_known_key(ROWS, ())) == (0, 0)
