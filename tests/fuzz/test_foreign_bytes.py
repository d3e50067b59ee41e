"""No foreign bytes crash, hang or flood a reader; what does would be found. At length: `make prove-fuzz`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from scraper.models import PageFailure, Reason, Row
from tests.fuzz.documents import HEADER
from tests.fuzz.readers import Reader
from tests.fuzz.runs import Most, feed
from tests.fuzz.storable import check_failure, check_rows
from tests.fuzz.table import READERS

A_FEW = Most(rounds=1, damaged=10, growing=1)
SMALL = 80_000


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_damaged_and_growing_documents_are_read_or_refused(reader: Reader, tmp_path: Path) -> None:
    report = feed(reader, most=A_FEW, seed=1, last_input=tmp_path / "last", largest=SMALL)
    assert report.executions >= 25


def feed_broken(read: Any, tmp_path: Path, *, damaged: int = 200) -> None:
    most = Most(rounds=1, damaged=damaged, growing=10, shrinks=False)
    feed(Reader("broken", HEADER, read), most=most, seed=1, last_input=tmp_path / "last", largest=SMALL)


def test_a_reader_that_raises_for_some_byte_is_found(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="null"):
        feed_broken(lambda body, _way: "" if b"\0" not in body else float("null"), tmp_path)


@pytest.mark.parametrize(
    ("power", "expected"), [(1, nullcontext()), (2, pytest.raises(AssertionError, match="a quarter"))]
)
def test_a_reader_that_costs_the_square_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, power: int, expected: Any
) -> None:
    spent = [0.0]

    def read(body: bytes, _way: object) -> str:
        spent.append(spent[-1] + 100 * (len(body) / SMALL) ** power)
        return ""

    def cost(run: Callable[[], None]) -> float:
        before = spent[-1]
        run()
        return spent[-1] - before

    monkeypatch.setattr("tests.fuzz.runs.cpu_s", cost)
    with expected:
        feed_broken(read, tmp_path, damaged=1)


def test_a_machine_that_slows_down_between_two_sizes_is_not_held_against_a_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def read(body: bytes, _way: object) -> str:
        sizes.append(len(body))
        return ""

    def cost(run: Callable[[], None]) -> float:
        slowness = 3 if any(size >= SMALL // 5 for size in sizes) else 1
        before = len(sizes)
        run()
        return slowness * 2 * sum(sizes[before:]) / SMALL

    monkeypatch.setattr("tests.fuzz.runs.cpu_s", cost)
    feed_broken(read, tmp_path, damaged=1)
    assert sizes.count(max(sizes)) > 1  # it was suspected, and measured again


def test_a_reader_that_takes_many_times_the_memory_is_found(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="MB are allowed"):
        feed_broken(lambda body, _way: (body[:0] + b"x" * 170_000_000).decode("ascii")[:0], tmp_path, damaged=1)


def test_an_outcome_that_is_not_one_line_is_found(tmp_path: Path) -> None:
    def read(body: bytes, _way: object) -> str:
        check_failure(PageFailure(url="/", reason=Reason.MALFORMED, detail=body.decode("latin-1")[:500]))
        return ""

    with pytest.raises(AssertionError, match="not one plain line"):
        feed_broken(read, tmp_path)


def test_an_outcome_that_storage_refuses_is_found(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="bytes of text"):
        feed_broken(lambda body, _way: check_rows([Row({"text": body.decode("latin-1")}, 0)], "/"), tmp_path)
