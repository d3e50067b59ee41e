"""Keys, page lists and transactions: the bounds of the service, checked without it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.account.writes import TRANSACTION_BYTES, TRANSACTION_ENTITIES, refused_size, transactions
from storage.keys import attempt_key, fits_a_key, key_text, newest_first, prefix_filter
from storage.work.batches import PAGE_LIST_BYTES, cut_batches


@given(st.text(), st.text())
def test_different_texts_have_different_keys(one: str, other: str) -> None:
    assert (key_text(one) == key_text(other)) == (one == other)


@given(st.text())
def test_a_key_has_no_character_that_tables_refuse(text: str) -> None:
    assert not set(key_text(text)) & set("/\\#?\t\n\r\x7f\x85")


@pytest.mark.parametrize(
    ("text", "is_short"),
    [("x" * 512, True), ("x" * 513, False), ("\N{GRINNING FACE}" * 256, True), ("\N{GRINNING FACE}" * 257, False)],
)
def test_a_key_has_at_most_a_kibibyte_of_utf_16(text: str, is_short: bool) -> None:
    assert fits_a_key(text) == is_short


def test_a_newer_run_sorts_before_an_older_one() -> None:
    assert newest_first(10) < newest_first(9) < newest_first(1)


def test_rows_of_an_attempt_sort_by_page_and_position() -> None:
    keys = [attempt_key("a", 2, 0), attempt_key("a", 10, 3), attempt_key("a", 10, 20)]
    assert keys == sorted(keys)


def test_a_prefix_filter_ends_before_the_next_prefix() -> None:
    assert prefix_filter("p'q", "a1-") == "PartitionKey eq 'p''q' and RowKey ge 'a1-' and RowKey lt 'a1.'"


@given(st.lists(st.text(max_size=300), max_size=400), st.integers(1, 100))
def test_batches_hold_every_page_in_order_and_respect_their_bound(urls: list[str], pages_per_batch: int) -> None:
    batches = cut_batches(urls, pages_per_batch=pages_per_batch)
    assert [url for batch in batches for url in batch] == urls
    assert all(0 < len(batch) <= pages_per_batch for batch in batches)


def test_long_urls_make_smaller_batches_so_that_a_list_fits_into_one_property() -> None:
    urls = ["u" * (PAGE_LIST_BYTES // 3)] * 5
    assert [len(batch) for batch in cut_batches(urls, pages_per_batch=100)] == [2, 2, 1]


def test_transactions_hold_at_most_a_hundred_entities() -> None:
    entities = [{"PartitionKey": "p", "RowKey": str(number)} for number in range(201)]
    assert [len(chunk) for chunk in transactions(entities)] == [TRANSACTION_ENTITIES, TRANSACTION_ENTITIES, 1]


def test_transactions_stay_below_the_size_that_the_service_takes() -> None:
    entities = [{"PartitionKey": "p", "RowKey": str(number), "text": "漢" * 30_000} for number in range(100)]
    sizes = [sum(len(str(entity["text"])) * 6 for entity in chunk) for chunk in transactions(entities)]
    assert len(sizes) > 1
    assert max(sizes) <= TRANSACTION_BYTES


def test_entities_of_two_partitions_in_one_write_are_refused() -> None:
    with pytest.raises(ValueError, match="partitions 'p' and 'q'"):
        list(transactions([{"PartitionKey": "p", "RowKey": "1"}, {"PartitionKey": "q", "RowKey": "1"}]))


@pytest.mark.parametrize("letter", ["x", "ü", "漢", '"', "\x01", "\N{GRINNING FACE}"])
def test_no_entity_is_sent_that_the_service_or_the_emulator_would_refuse(letter: str) -> None:
    entity = {"PartitionKey": "p", "RowKey": "r"}
    while not refused_size(entity):
        accepted = dict(entity)
        entity[f"field_{len(entity)}"] = letter * 8000
    in_utf_16 = sum(len(text.encode("utf-16-le")) for text in accepted.values())
    in_json = len(json.dumps(accepted))
    assert max(in_utf_16, in_json) < 1024 * 1024 < 1.2 * max(in_utf_16, in_json)
