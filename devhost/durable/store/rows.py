"""Statements that several transactions of the store share; each runs inside the caller's transaction."""

import json
import sqlite3
from typing import Any

from devhost.durable.executions import NewExecution, ParentNotice
from devhost.durable.instance import TERMINAL, Instance, RuntimeStatus
from devhost.durable.protocol import Event, compact, format_time, parse_time

INSTANCE_COLUMNS = (
    "instance_id, execution_id, name, version, runtime_status, input_text, custom_status_text, output_text, "
    "created_at, last_updated_at"
)
# As on the product, where an entity is an orchestration of its own kind that never ends.
# Source: Azure/azure-functions-durable-extension 2.13.7, EntityScheduler/SchedulerState.cs and EntityStatus.cs.
ENTITIES_AS_INSTANCES = f"""(
    SELECT entity_id AS instance_id, '' AS execution_id, '@' || name AS name, '' AS version,
        '{RuntimeStatus.RUNNING}' AS runtime_status,
        json_object('exists', json('true'), 'state', state_text) AS input_text,
        '{{"entityExists":true}}' AS custom_status_text, NULL AS output_text,
        created_at, last_operation_at AS last_updated_at
    FROM entities
)"""  # noqa: S608  (constants)
_ENDED = ", ".join(f"'{status}'" for status in sorted(TERMINAL))

_DELIVER = f"""
    INSERT INTO inbox (instance_id, execution_id, event)
    SELECT instance_id, execution_id, :event FROM instances
    WHERE instance_id = :instance_id AND execution_id = :execution_id AND runtime_status NOT IN ({_ENDED})
"""  # noqa: S608  (constants of this module)


def read_instance(row: tuple[Any, ...]) -> Instance:
    """The instance in a row of INSTANCE_COLUMNS."""
    instance_id, execution_id, name, version, status, input_text, custom_status, output, created, updated = row
    return Instance(
        instance_id=instance_id,
        execution_id=execution_id,
        name=name,
        version=version,
        runtime_status=RuntimeStatus(status),
        input_text=input_text,
        custom_status_text=custom_status,
        output_text=output,
        created_at=parse_time(created),
        last_updated_at=parse_time(updated),
    )


def find_instance(db: sqlite3.Connection, instance_id: str, *, among: str = "instances") -> Instance | None:
    """The instance, or None; `among` is `instances` or ENTITIES_AS_INSTANCES."""
    query = f"SELECT {INSTANCE_COLUMNS} FROM {among} WHERE instance_id = ?"  # noqa: S608
    row = db.execute(query, [instance_id]).fetchone()
    return None if row is None else read_instance(row)


def put_message(db: sqlite3.Connection, instance_id: str, execution_id: str | None, event: Event) -> None:
    """Queue an event without asking whether anyone is there."""
    insert = "INSERT INTO inbox (instance_id, execution_id, event) VALUES (?, ?, ?)"
    db.execute(insert, [instance_id, execution_id, compact(event)])


def deliver(db: sqlite3.Connection, instance_id: str, execution_id: str, event: Event) -> bool:
    """Queue a result for one generation; False, and nothing written, if that generation has ended."""
    params = {"instance_id": instance_id, "execution_id": execution_id, "event": compact(event)}
    return db.execute(_DELIVER, params).rowcount == 1


def deliver_notice(db: sqlite3.Connection, notice: ParentNotice | None) -> set[str]:
    """Tell a parent about its child's end; the ID of the parent if it still waits."""
    if notice is None or not deliver(db, notice.instance_id, notice.execution_id, notice.event):
        return set()
    return {notice.instance_id}


def forget_execution(db: sqlite3.Connection, instance_id: str, *, history: bool, table: bool = True) -> None:
    """Remove what belongs to a generation that is over; queued activities stay, their results find nobody.

    History and task table of a failed instance stay for a rewind.
    """
    db.execute("DELETE FROM inbox WHERE instance_id = ?", [instance_id])
    db.execute("DELETE FROM timers WHERE instance_id = ?", [instance_id])
    if table:
        db.execute("DELETE FROM task_tables WHERE instance_id = ?", [instance_id])
    if history:
        db.execute("DELETE FROM history WHERE instance_id = ?", [instance_id])


def replace_instance(db: sqlite3.Connection, new: NewExecution) -> None:
    """Write a new instance with its start message over whatever has this ID."""
    forget_execution(db, new.instance_id, history=True)
    created_at = format_time(new.created_at)
    insert = (
        "INSERT OR REPLACE INTO instances (instance_id, execution_id, generation, name, version, runtime_status, "
        "input_text, parent, created_at, last_updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    )
    status = str(RuntimeStatus.PENDING)
    parent = None if new.parent is None else compact(new.parent)
    values = [new.instance_id, new.execution_id, new.generation, new.name, new.version, status, new.input_text]
    db.execute(insert, [*values, parent, created_at, created_at])
    put_message(db, new.instance_id, new.execution_id, new.start_event())


def append_history(db: sqlite3.Connection, instance_id: str, episode: int, events_text: str) -> None:
    """Add one episode's events (protocol.dump_events)."""
    insert = "INSERT INTO history (instance_id, episode, events) VALUES (?, ?, ?)"
    db.execute(insert, [instance_id, episode, events_text])


def read_history(db: sqlite3.Connection, instance_id: str) -> str:
    """All stored events of the current generation, joined by commas."""
    select = "SELECT events FROM history WHERE instance_id = ? ORDER BY episode"
    return ",".join(events for (events,) in db.execute(select, [instance_id]))


def parse_events(events_text: str) -> list[Event]:
    """The events in a text of `read_history`."""
    events: list[Event] = json.loads(f"[{events_text}]")
    return events
