"""Histories as files: everything that a later replay needs, one event per line, nothing of the machine."""

import importlib.metadata
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from devhost.durable.protocol import Event, EventType, OrchestrationStatus, compact
from devhost.testing.errors import KitError, hides_frames

__tracebackhide__ = hides_frames
_FORMAT = 1
_NEEDED = ("EventType", "EventId", "Timestamp")
_NEEDED_OF_A_START = ("Name", "Version", "Input", "OrchestrationInstance", "ParentInstance")
_REWRITTEN = frozenset({EventType.GENERIC_EVENT, 21})
_FAILURES = frozenset({EventType.TASK_FAILED, EventType.CHILD_FAILED})
# Where failure_texts puts them: two members of a JSON text, and the end of a plain one.
_STACKS = (
    re.compile(r'("RemoteStackTrace":")(?:[^"\\]|\\.)*'),
    re.compile(r"(\\nStack: )(?:[^\"\\]|\\.)*"),
    re.compile(r"(\nStack: ).*", re.DOTALL),
)


def record(history: Sequence[Event]) -> str:
    """The text of a record: name, input and version of the instance stand in its first events.

    Stack traces are left out: they hold paths of one machine, and no orchestrator may depend on them.
    Raises KitError for a history that cannot be replayed.
    """
    must_be_as_seen(history)
    started = _started(history)
    head = {
        "format": _FORMAT,
        "name": started["Name"],
        "instanceId": started["OrchestrationInstance"]["InstanceId"],
        "sdk": importlib.metadata.version("azure-functions-durable"),
    }
    lines = ",\n".join(f"  {compact(_without_stack(event))}" for event in history)
    return f'{json.dumps(head)[:-1]}, "events": [\n{lines}\n]}}\n'


def read_record(path: Path | str) -> list[Event]:
    """The history in a file that `record` made. Raises KitError."""
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        if document["format"] != _FORMAT:
            raise KitError(f"{path} has format {document['format']}, this kit reads {_FORMAT}: record it anew.")
        events: list[Event] = document["events"]
        _must_have(_started(events), _NEEDED_OF_A_START)
        for event in events:
            _must_have(event, _NEEDED)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise KitError(
            f"{path} is no recorded history ({error!r}): make one with `python -m devhost.testing record`."
        ) from error
    return events


def must_be_as_seen(history: Sequence[Event]) -> None:
    """Raises KitError for a history that was rewritten."""
    if any(event["EventType"] in _REWRITTEN for event in history):
        raise KitError("The instance was rewound, so its history is not what its code has seen; record another one.")


def _must_have(event: Event, names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in event]
    if missing:
        raise KeyError(f"an event without {', '.join(missing)}")


def _started(history: Sequence[Event]) -> Event:
    for event in history:
        if event["EventType"] == EventType.EXECUTION_STARTED:
            return event
    raise KitError("The history has no ExecutionStarted: the instance has not begun, or its ID is wrong.")


def without_stacks(text: str) -> str:
    """A text of a failure without its stack traces; JSON in it stays JSON."""
    for pattern in _STACKS:
        text = pattern.sub(r"\1", text)
    return text


def _without_stack(event: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in event.items() if key != "IsPlayed"}
    failed = {key: without_stacks(kept[key]) for key in ("Reason", "Details", "Result") if _is_failure(kept, key)}
    return {**kept, **failed}


def _is_failure(event: Mapping[str, Any], key: str) -> bool:
    """An output or result of the app that succeeded is left alone, whatever it looks like."""
    if event["EventType"] == EventType.EXECUTION_COMPLETED:
        is_failed = event["OrchestrationStatus"] == OrchestrationStatus.FAILED
    else:
        is_failed = event["EventType"] in _FAILURES
    return is_failed and isinstance(event.get(key), str)
