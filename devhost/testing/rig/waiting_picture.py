"""What an instance waits for, in words that a test author can act upon."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from devhost.durable.episodes.answer import ActionType
from devhost.durable.episodes.task import Phase, Task
from devhost.durable.episodes.task_table import TaskTable
from devhost.durable.instance import RuntimeStatus
from devhost.durable.protocol import Event, EventType
from devhost.durable.store.store import Store
from devhost.testing.status import read_status, without_details

_CHILD_LEVELS = 3
_CHILDREN = frozenset({ActionType.CALL_SUB_ORCHESTRATOR, ActionType.CALL_SUB_ORCHESTRATOR_WITH_RETRY})
_STARTED = frozenset({EventType.TASK_SCHEDULED, EventType.CHILD_CREATED, EventType.TIMER_CREATED})


def picture(store: Store, instance_id: str) -> str:
    """Lines about the instance, what is open, and the same of its open children."""
    return "\n".join(_lines(store, instance_id, "", _CHILD_LEVELS))


def _lines(store: Store, instance_id: str, indent: str, levels: int) -> Iterator[str]:
    instance = store.instances.get(instance_id)
    if instance is None:
        yield f"{indent}There is no instance '{instance_id}'."
        return
    status = read_status(instance)
    yield f"{indent}'{instance_id}' ({status.name}) is {status.runtime_status}."
    if status.custom_status is not None:
        yield f"{indent}  Its custom status: {status.custom_status!r}"
    if status.is_ended:
        output = without_details(status.output) if isinstance(status.output, str) else status.output
        yield f"{indent}  Its output: {output}"
        return
    if instance.runtime_status is RuntimeStatus.SUSPENDED:
        yield f"{indent}  It waits to be resumed: resume({instance_id!r})"
    table_text = store.instances.task_table_text(instance_id)
    tasks = [] if table_text is None else [one for one in TaskTable.from_text(table_text).tasks if _is_open(one)]
    if not tasks:
        yield f"{indent}  It waits for nothing that could ever come."
    started = _started(store.instances.history(instance_id))
    for task in tasks:
        event = started.get(-1 if task.open_id is None else task.open_id, {})
        yield f"{indent}  It waits for {_awaited(task, event, instance_id)}"
        if task.kind in _CHILDREN and event.get("InstanceId") and levels:
            yield from _lines(store, str(event["InstanceId"]), f"{indent}    ", levels - 1)


def _is_open(task: Task) -> bool:
    return task.phase not in {Phase.HELD, Phase.DONE}


def _started(history: Sequence[Event]) -> dict[int, Event]:
    return {event["EventId"]: event for event in history if event["EventType"] in _STARTED}


def _awaited(task: Task, event: Mapping[str, Any], instance_id: str) -> str:
    if task.kind is ActionType.WAIT_FOR_EXTERNAL_EVENT:
        return f"the event '{task.name}': raise_event({instance_id!r}, {task.name!r}, ...)"
    if task.phase in {Phase.RETRY_TIMER, Phase.CLOSING_TIMER}:
        return f"attempt {task.attempt + 1} of '{task.name}', due at {event.get('FireAt')}"
    if task.kind is ActionType.CREATE_TIMER:
        return f"a timer, due at {event.get('FireAt')}"
    if task.kind is ActionType.CALL_ENTITY:
        return f"the entity '{task.name}'"
    if task.kind in _CHILDREN:
        return f"the sub-orchestration '{task.name}'"
    return f"the activity '{task.name}', called at {event.get('Timestamp')}"
