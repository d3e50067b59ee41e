"""Rewinds a failed instance and its failed children in the hub's file, inside the caller's transaction."""

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime

from devhost.durable.episodes.rewinding import ChildFate, FailedExecution, IdsTaken, Rewound
from devhost.durable.episodes.task_table import TaskTable
from devhost.durable.errors import InstanceNotFound, NotRewindable
from devhost.durable.instance import Instance, RuntimeStatus
from devhost.durable.protocol import child_completed, dump_events, format_time, generic_event
from devhost.durable.store.rows import find_instance, parse_events, put_message


def rewind_instance(db: sqlite3.Connection, instance_id: str, reason: str, now: datetime) -> set[str]:
    """Make the failed instance run on from its failures; IDs to wake. Raises InstanceNotFound, NotRewindable.

    Failed children that its own failures came from are rewound, too. An instance that only waits for such children
    is not woken: they will report.
    """
    woken: set[str] = set()
    failed = [instance_id]
    while failed:  # one after the other: trees may be deeper than Python's stack
        is_woken, children = _rewind_one(db, failed[-1], reason, now)
        if is_woken:
            woken.add(failed[-1])
        failed[-1:] = children
    return woken


def _rewind_one(db: sqlite3.Connection, instance_id: str, reason: str, now: datetime) -> tuple[bool, list[str]]:
    """Whether to wake the instance, and the IDs of its failed children. Raises as `rewind_instance`."""
    found = find_instance(db, instance_id)
    if found is None:
        raise InstanceNotFound(instance_id)
    if found.runtime_status is not RuntimeStatus.FAILED:
        raise NotRewindable(instance_id, f"it has the status {found.runtime_status}, and only Failed ones can be.")
    failed = _read_failed(db, found)
    fates, failed_children = _settle_children(db, found, failed.awaited_children(), now)
    try:
        rewound = failed.rewind(fates, _queued_calls(db, found))
    except IdsTaken as error:
        raise NotRewindable(instance_id, str(error)) from error
    _write(db, found, failed, rewound, now)
    is_told = bool(failed.undelivered) or ChildFate.COMPLETED in fates.values()
    is_woken = rewound.starts or is_told or not rewound.has_children
    if is_woken:
        put_message(db, instance_id, found.execution_id, generic_event(now, reason))
    return is_woken, failed_children


def _settle_children(
    db: sqlite3.Connection, parent: Instance, children: Mapping[int, str], now: datetime
) -> tuple[dict[int, ChildFate], list[str]]:
    """What becomes of each child, and the IDs of those to be rewound; missed results are delivered."""
    fates: dict[int, ChildFate] = {}
    failed: list[str] = []
    for task_id, child_id in children.items():
        child = find_instance(db, child_id)
        if child is None or not _is_called_by(db, child_id, parent, task_id):
            fates[task_id] = ChildFate.GONE
        elif child.runtime_status is RuntimeStatus.FAILED:
            fates[task_id] = ChildFate.RUNS
            failed.append(child_id)
        elif child.runtime_status is RuntimeStatus.COMPLETED:
            fates[task_id] = ChildFate.COMPLETED
            message = child_completed(now, task_id, child.output_text)
            put_message(db, parent.instance_id, parent.execution_id, message)
        else:
            fates[task_id] = ChildFate.GONE if child.runtime_status.is_terminal else ChildFate.RUNS
    return fates, failed


def _is_called_by(db: sqlite3.Connection, child_id: str, parent: Instance, task_id: int) -> bool:
    """True unless the child's ID has been used for something else since."""
    (text,) = db.execute("SELECT parent FROM instances WHERE instance_id = ?", [child_id]).fetchone()
    if text is None:
        return False
    caller = json.loads(text)
    execution_id = caller["OrchestrationInstance"]["ExecutionId"]
    return (execution_id, caller["TaskScheduleId"]) == (parent.execution_id, task_id)


def _queued_calls(db: sqlite3.Connection, found: Instance) -> set[int]:
    select = (
        "SELECT task_id FROM work_items WHERE instance_id = ? AND execution_id = ? UNION ALL "
        "SELECT caller_task_id FROM entity_operations WHERE caller_id = ? AND caller_execution_id = ?"
    )
    return {task_id for (task_id,) in db.execute(select, [found.instance_id, found.execution_id] * 2)}


def _read_failed(db: sqlite3.Connection, found: Instance) -> FailedExecution:
    select = "SELECT episode, events FROM history WHERE instance_id = ? ORDER BY episode"
    history = [(episode, parse_events(events)) for episode, events in db.execute(select, [found.instance_id])]
    row = db.execute("SELECT table_text FROM task_tables WHERE instance_id = ?", [found.instance_id]).fetchone()
    table = TaskTable() if row is None else TaskTable.from_text(row[0])
    if row is None and len(history) > 1:
        raise NotRewindable(
            found.instance_id, "it failed under an earlier version of this host, which kept too little for it."
        )
    if row is not None and table.episode < 0:
        table.episode = history[-1][0] - 1  # written by an earlier version while the instance was live
    return FailedExecution(found.execution_id, table, history)


def _write(db: sqlite3.Connection, found: Instance, failed: FailedExecution, rewound: Rewound, now: datetime) -> None:
    key = [found.instance_id]
    db.execute(
        "UPDATE instances SET runtime_status = ?, output_text = NULL, last_updated_at = ? WHERE instance_id = ?",
        [str(RuntimeStatus.PENDING), format_time(now), *key],
    )
    delete = "DELETE FROM history WHERE instance_id = ? AND episode = ?"
    db.executemany(delete, [(*key, episode) for episode in failed.undone])
    update = "UPDATE history SET events = ? WHERE instance_id = ? AND episode = ?"
    texts = [(dump_events(events, is_played=True), *key, episode) for episode, events in rewound.history]
    db.executemany(update, texts)
    upsert = "INSERT OR REPLACE INTO task_tables (instance_id, table_text) VALUES (?, ?)"
    db.execute(upsert, [*key, failed.table.to_text()])
    db.executemany(
        "INSERT INTO timers (instance_id, execution_id, task_id, fire_at) VALUES (?, ?, ?, ?)",
        [(*key, found.execution_id, timer_id, format_time(at)) for timer_id, at in rewound.timers.items()],
    )
    for execution_id, event in failed.undelivered:
        put_message(db, found.instance_id, execution_id, event)
