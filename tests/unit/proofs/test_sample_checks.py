"""What counts as the documented result."""

from __future__ import annotations

from typing import Any

import pytest

from tests.proofs.sample_checks import difference, filled


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["a", "b"], ["a", "b"]),
        ({"runtimeStatus": "Completed"}, {"runtimeStatus": "Completed", "output": 3}),
        ({"output": {"total": 5}}, {"output": {"total": 5, "results": [1, 4]}}),
        ("~^Hello, you", "Hello, you. More."),
        ([{"step": "pay"}], [{"step": "pay", "status": "done"}]),
        (None, None),
    ],
)
def test_named_members_patterns_and_equal_values_agree(wanted: Any, found: Any) -> None:
    assert difference(wanted, found) is None


@pytest.mark.parametrize(
    ("wanted", "found", "text"),
    [
        (["a", "b"], ["b", "a"], "the answer[0] is 'b', wanted 'a'"),
        (["a"], ["a", "b"], "the answer is ['a', 'b'], wanted ['a']"),
        ({"output": {"total": 5}}, {"output": {"total": 6}}, "the answer.output.total is 6, wanted 5"),
        ({"output": 1}, {"status": 1}, "the answer has no output, only status"),
        ({"output": 1}, "gone", "the answer is 'gone', wanted an object with output"),
        ("~^Hello", "Oh, Hello", "the answer is 'Oh, Hello', wanted something like '^Hello'"),
        ("~1", 1, "the answer is 1, wanted something like '1'"),
        (1, True, "the answer is True, wanted 1"),
    ],
)
def test_a_difference_names_the_place_what_was_found_and_what_was_wanted(wanted: Any, found: Any, text: str) -> None:
    assert difference(wanted, found) == text


def test_words_are_filled_in_wherever_texts_stand() -> None:
    value = {"path": "/api/approve/{id}", "list": ["{id}", 3], "other": "{unknown}"}
    assert filled(value, {"id": "abc"}) == {"path": "/api/approve/abc", "list": ["abc", 3], "other": "{unknown}"}
