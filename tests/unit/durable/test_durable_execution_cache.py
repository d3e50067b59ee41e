"""How much of recent executions stays in memory."""

from __future__ import annotations

import tracemalloc

import pytest

from devhost.durable.episodes.task_table import TaskTable
from devhost.durable.runners.execution_cache import CachedExecution, ExecutionCache


def entry(past: str = "", table_chars: int = 0) -> CachedExecution:
    return CachedExecution("e", 1, past, TaskTable(), table_chars)


def bound_table(count: int, input_text: str) -> TaskTable:
    actions = [{"actionType": 0, "functionName": f"Activity{n}", "input": input_text + str(n)} for n in range(count)]
    table = TaskTable()
    table.bind([{"actionType": 12, "compoundActions": actions}])
    table.extend()
    table.take_commands()
    return table


def test_a_cached_execution_is_taken_once() -> None:
    cache = ExecutionCache(1000)
    cache.put("a", entry("x" * 10))
    first, second = cache.take("a"), cache.take("a")
    assert (first is not None, second) == (True, None)


def test_the_cache_drops_the_oldest_entries_beyond_its_size() -> None:
    cache = ExecutionCache(10_000)
    for name in ("a", "b", "c"):
        cache.put(name, entry("x" * 4_000))
    assert (cache.take("a"), cache.take("b") is None, cache.take("c") is None) == (None, False, False)


def test_an_entry_larger_than_the_cache_is_not_kept() -> None:
    cache = ExecutionCache(100)
    cache.put("a", entry("x" * 400))
    assert cache.take("a") is None


def test_what_was_dropped_leaves_its_place_to_others() -> None:
    cache = ExecutionCache(10_000)
    cache.put("a", entry("x" * 9_000))
    cache.put("b", entry("x" * 9_000))
    cache.take("b")
    cache.put("c", entry("x" * 9_000))
    assert cache.take("c") is not None


@pytest.mark.parametrize("large", [entry("\N{GRINNING FACE}" * 2_500), entry(table_chars=2_500)])
def test_wide_characters_and_task_tables_count_with_the_memory_that_they_take(large: CachedExecution) -> None:
    cache = ExecutionCache(9_000)
    cache.put("a", large)
    assert cache.take("a") is None


def test_a_table_that_forgot_its_answer_holds_no_inputs() -> None:
    tracemalloc.start()
    table = bound_table(100, "x" * 100_000)
    table.forget_answer()
    held_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held_bytes < 1_000_000


def test_the_size_of_an_entry_is_about_what_it_holds() -> None:
    tracemalloc.start()
    table = bound_table(5_000, "x")
    table.forget_answer()
    held_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert entry(table_chars=len(table.to_text())).size_bytes == pytest.approx(held_bytes, rel=0.5)


def test_a_table_that_forgot_its_answer_goes_on_with_the_next_one() -> None:
    answer = [{"actionType": 0, "functionName": "A", "input": "null"}]
    table = TaskTable()
    table.bind(answer)
    table.extend()
    table.take_commands()
    before = table.to_text()
    table.forget_answer()
    table.bind(answer)
    table.extend()
    assert (table.to_text(), table.take_commands()) == (before, [])
