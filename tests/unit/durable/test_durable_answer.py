"""Orchestrator answers, returned or raised."""

from __future__ import annotations

import pytest

from devhost.durable.episodes.answer import Answer, AnswerUnusable, parse_answer, parse_failure
from devhost.errors import FunctionFailed

STATE = '{"isDone": false, "schemaVersion": 2, "actions": [[]], "error": "wrapped"}'


def raised(message: str) -> FunctionFailed:
    return FunctionFailed("main", "Exception", message, "")


def test_a_finished_answer_has_its_output_as_compact_text() -> None:
    answer = parse_answer('{"isDone":true,"schemaVersion":2,"actions":[[]],"output":{"a": [1, "é"]}}')
    assert answer == Answer(True, [], '{"a":[1,"é"]}', None, None)


@pytest.mark.row("durable/4.1/output-null")
def test_an_absent_output_is_none() -> None:
    assert parse_answer('{"isDone":true,"schemaVersion":2,"actions":[[]]}').output_text is None


@pytest.mark.row("durable/4.1/output-null")
def test_a_zero_output_is_kept() -> None:
    assert parse_answer('{"isDone":true,"schemaVersion":2,"actions":[[]],"output":0}').output_text == "0"


def test_a_custom_status_is_kept_as_text() -> None:
    answer = parse_answer('{"isDone":false,"schemaVersion":2,"actions":[[]],"customStatus":{"a": 1}}')
    assert answer.custom_status_text == '{"a":1}'


@pytest.mark.row("durable/4.1/error-label")
def test_the_state_of_a_failure_stands_behind_the_label() -> None:
    answer = parse_failure(raised(f"wrapped\n\n$OutOfProcData$:{STATE}"))
    assert answer == Answer(False, [], None, "wrapped", None)


def test_a_failure_without_label_has_no_state() -> None:
    assert parse_failure(raised("'list' object has no attribute '_is_scheduled'")) is None


@pytest.mark.row("durable/4.1/error-label")
def test_a_label_in_the_users_own_text_is_no_state() -> None:
    assert parse_failure(raised("look: $OutOfProcData$:nothing")) is None


@pytest.mark.row("durable/4.1/schema-version")
def test_the_old_replay_schema_is_refused() -> None:
    with pytest.raises(AnswerUnusable, match="2 action lists"):
        parse_answer('{"isDone":false,"actions":[[],[]]}')


def test_a_text_that_is_no_state_is_refused() -> None:
    with pytest.raises(AnswerUnusable, match="no orchestrator state: 5"):
        parse_answer("5")


def test_an_answer_that_is_nested_too_deep_is_refused() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    with pytest.raises(AnswerUnusable, match="nested too deep"):
        parse_answer(f'{{"isDone":true,"actions":[[]],"output":{deep}}}')
