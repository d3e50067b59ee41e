"""One batch: an entity's state and waiting operations become a request, the answer becomes all that is to be written.

Pure: the caller loads, calls the function between `batch_request` and `conclude_batch`, and stores the result.
Source: azure-functions-durable 1.7.0, entity.py; Azure/azure-functions-durable-extension, Listener/TaskEntityShim.cs.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from devhost.durable.entities.entity import EntityId
from devhost.durable.entities.operations import Caller, Operation
from devhost.durable.protocol import Event, compact, event_raised
from devhost.errors import DevhostError


class BatchAnswerUnusable(DevhostError):
    """The text is not the answer to this batch."""


@dataclass(frozen=True, slots=True)
class QueuedOperation:
    """An operation and its place in the queue of its entity."""

    seq: int
    operation: Operation


@dataclass(frozen=True, slots=True)
class LoadedBatch:
    """What a batch starts from; `state_text` is None if the entity does not exist (yet, or any more)."""

    entity_id: EntityId
    state_text: str | None
    operations: tuple[QueuedOperation, ...]


@dataclass(frozen=True, slots=True)
class Response:
    """The outcome of a call, as an event for the generation that waits for it."""

    caller: Caller
    event: Event


@dataclass(frozen=True, slots=True)
class BatchResult:
    """All that one batch changes; the store writes it in one transaction or not at all.

    `state_text` is None if the entity does not exist any more.
    """

    entity_id: EntityId
    state_text: str | None
    consumed: tuple[int, ...]
    responses: tuple[Response, ...]
    ended_at: datetime


def batch_request(loaded: LoadedBatch) -> str:
    """What the entity function receives. The SDK takes these top-level keys and no others."""
    batch = [
        {"name": one.operation.name, "input": one.operation.input_text, "isSignal": one.operation.caller is None}
        for one in loaded.operations
    ]
    return compact(
        {
            "self": {"name": loaded.entity_id.name, "key": loaded.entity_id.key},
            "exists": loaded.state_text is not None,
            "state": loaded.state_text,
            "batch": batch,
        }
    )


def conclude_batch(loaded: LoadedBatch, answer_text: str, now: datetime) -> BatchResult:
    """What to write after the function answered. Raises BatchAnswerUnusable."""
    try:
        answer = json.loads(answer_text)
        results = [_response_input(one) for one in answer["results"]]
        state_text = answer["entityState"] if answer["entityExists"] else None
    except (ValueError, TypeError, KeyError) as error:
        raise BatchAnswerUnusable(f"The entity's answer is no entity state: {answer_text[:200]}") from error
    if len(results) != len(loaded.operations):
        raise BatchAnswerUnusable(
            f"The entity's answer has {len(results)} results for {len(loaded.operations)} operations."
        )
    if state_text is not None and not isinstance(state_text, str):
        raise BatchAnswerUnusable(f"The state in the entity's answer is no JSON text: {str(state_text)[:200]}")
    outcomes = zip(loaded.operations, results, strict=True)
    return _result(loaded, state_text, _responses(((one.operation, text) for one, text in outcomes), now), now)


def fail_batch(loaded: LoadedBatch, error: str, now: datetime) -> BatchResult:
    """Every operation of the batch fails with this text; the state stays as it was."""
    text = compact({"result": compact(error), "exceptionType": "Error"})
    responses = _responses(((one.operation, text) for one in loaded.operations), now)
    return _result(loaded, loaded.state_text, responses, now)


def purged_response(operation: Operation, now: datetime) -> tuple[Response, ...]:
    """What the caller of an operation gets whose entity is forgotten before its turn; nothing for a signal."""
    error = f"The entity '{operation.entity_id}' was purged before it came to this operation."
    return _responses([(operation, compact({"result": compact(error), "exceptionType": "Error"}))], now)


def _response_input(result: dict[str, Any]) -> str:
    """`result` stays a JSON text in a string: the SDK parses it once more."""
    value = result["result"]
    if not isinstance(value, str):
        raise TypeError(f"a result is {type(value).__name__}")
    return compact({"result": value, "exceptionType": "Error"} if result["isError"] else {"result": value})


def _responses(outcomes: Iterable[tuple[Operation, str]], now: datetime) -> tuple[Response, ...]:
    return tuple(
        Response(operation.caller, event_raised(now, operation.caller.request_id, text))
        for operation, text in outcomes
        if operation.caller is not None
    )


def _result(loaded: LoadedBatch, state_text: str | None, responses: tuple[Response, ...], now: datetime) -> BatchResult:
    return BatchResult(
        entity_id=loaded.entity_id,
        state_text=state_text,
        consumed=tuple(one.seq for one in loaded.operations),
        responses=responses,
        ended_at=now,
    )
