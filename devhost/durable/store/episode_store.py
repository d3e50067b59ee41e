"""What the engine asks of the hub's file: episodes, activity calls and timers."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from devhost.durable.executions import EpisodeResult, Execution, InboxMessage, NewExecution
from devhost.durable.instance import RuntimeStatus
from devhost.durable.protocol import Event, compact, dump_events, format_time, parse_time, timer_fired
from devhost.durable.store.database import Database
from devhost.durable.store.entity_store import queue_operation
from devhost.durable.store.rows import (
    append_history,
    deliver,
    deliver_notice,
    forget_execution,
    put_message,
    read_history,
    replace_instance,
)

_TIMERS_AT_ONCE = 500

_SELECT_EXECUTION = """
    SELECT execution_id, episode, name, version, input_text, runtime_status, custom_status_text, last_updated_at,
           parent, generation
    FROM instances WHERE instance_id = ?
"""
# A suspension that arrived during the episode stays, unless the episode has ended the instance.
_UPDATE_INSTANCE = """
    UPDATE instances SET
        runtime_status = CASE WHEN runtime_status = 'Suspended' AND NOT :ended THEN 'Suspended' ELSE :status END,
        output_text = CASE WHEN :ended THEN :output ELSE output_text END,
        custom_status_text = :custom_status,
        last_updated_at = :updated_at,
        episode = episode + 1
    WHERE instance_id = :instance_id AND execution_id = :execution_id AND episode = :episode
"""
_NEXT_GENERATION = """
    UPDATE instances SET execution_id = ?, generation = ?, input_text = ?, created_at = ?,
        output_text = CASE WHEN runtime_status = 'Suspended' THEN output_text END
    WHERE instance_id = ?
"""


@dataclass(frozen=True, slots=True)
class LoadedExecution:
    """What an episode starts from; `past` and `table_text` are None where the caller's copy is still right."""

    execution: Execution
    inbox: tuple[InboxMessage, ...]
    past: str | None
    table_text: str | None


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of an episode: instances to wake (itself too if more is waiting), and the written events."""

    woken: frozenset[str]
    history_text: str


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One activity call that has no result yet."""

    seq: int
    instance_id: str
    execution_id: str
    task_id: int
    name: str
    input_text: str


class EpisodeStore:
    """Each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def instances_with_messages(self) -> list[str]:
        """IDs of all instances that have something in their inbox."""
        with self._database.snapshot() as db:
            return [instance_id for (instance_id,) in db.execute("SELECT DISTINCT instance_id FROM inbox")]

    def load(self, instance_id: str, known: tuple[str, int] | None) -> LoadedExecution | None:
        """The execution and its inbox; None if there is nothing to run.

        `known` are execution ID and episode whose history and task table the caller has already.
        """
        with self._database.snapshot() as db:
            row = db.execute(_SELECT_EXECUTION, [instance_id]).fetchone()
            execution = None if row is None else _read_execution(instance_id, row)
            if execution is None or execution.runtime_status.is_terminal:
                return None
            if execution.runtime_status is RuntimeStatus.SUSPENDED:
                return None
            inbox = _read_inbox(db, instance_id)
            if not inbox:
                return None
            if known == (execution.execution_id, execution.episode):
                return LoadedExecution(execution, inbox, None, None)
            select = "SELECT table_text FROM task_tables WHERE instance_id = ?"
            table_row = db.execute(select, [instance_id]).fetchone()
            table_text = "" if table_row is None else table_row[0]
            return LoadedExecution(execution, inbox, read_history(db, instance_id), table_text)

    def discard(self, seqs: Sequence[int]) -> None:
        """Remove messages that are for nobody."""
        with self._database.transaction() as db:
            _delete_messages(db, seqs)

    def commit(self, result: EpisodeResult) -> Committed | None:
        """Write all of it; None, and nothing written, if the execution has moved on since it was loaded."""
        history_text = dump_events(result.history, is_played=True)
        execution = result.execution
        with self._database.transaction() as db:
            if db.execute(_UPDATE_INSTANCE, _instance_params(result)).rowcount == 0:
                return None
            _delete_messages(db, result.consumed)
            woken = _write_effects(db, result)
            woken |= deliver_notice(db, result.notice)
            if result.next_generation is not None:
                _start_generation(db, result, result.next_generation)
            else:
                append_history(db, execution.instance_id, execution.episode, history_text)
                _close_or_keep(db, result)
            select = "SELECT 1 FROM inbox WHERE instance_id = ? LIMIT 1"
            if db.execute(select, [execution.instance_id]).fetchone():
                woken.add(execution.instance_id)
        return Committed(frozenset(woken), history_text)

    def next_work(self, *, after: int, limit: int) -> list[WorkItem]:
        """The oldest activity calls with a higher number than `after`."""
        select = (
            "SELECT seq, instance_id, execution_id, task_id, name, input_text FROM work_items "
            "WHERE seq > ? ORDER BY seq LIMIT ?"
        )
        with self._database.snapshot() as db:
            return [WorkItem(*row) for row in db.execute(select, [after, limit])]

    def record_results(self, results: Sequence[tuple[WorkItem, Event]]) -> set[str]:
        """Put results into inboxes and forget the calls; IDs to wake. Each call is answered once."""
        woken: set[str] = set()
        with self._database.transaction() as db:
            for item, event in results:
                is_first = db.execute("DELETE FROM work_items WHERE seq = ?", [item.seq]).rowcount == 1
                if is_first and deliver(db, item.instance_id, item.execution_id, event):
                    woken.add(item.instance_id)
        return woken

    def fire_timers(self, now: datetime) -> tuple[set[str], datetime | None]:
        """Turn due timers into messages; IDs to wake, and when the next timer is due (None: there is none)."""
        woken: set[str] = set()
        select = (
            "SELECT instance_id, execution_id, task_id, fire_at FROM timers WHERE fire_at <= ? ORDER BY fire_at LIMIT ?"
        )
        with self._database.transaction() as db:
            due = db.execute(select, [format_time(now), _TIMERS_AT_ONCE]).fetchall()
            for instance_id, execution_id, task_id, fire_at in due:
                delete = "DELETE FROM timers WHERE instance_id = ? AND task_id = ?"
                db.execute(delete, [instance_id, task_id])
                fired = timer_fired(now, task_id, parse_time(fire_at))
                if deliver(db, instance_id, execution_id, fired):
                    woken.add(instance_id)
            (first,) = db.execute("SELECT min(fire_at) FROM timers").fetchone()
        return woken, None if first is None else parse_time(first)


def _read_execution(instance_id: str, row: tuple[str | int | None, ...]) -> Execution:
    execution_id, episode, name, version, input_text, status, custom_status, updated_at, parent, generation = row
    return Execution(
        instance_id=instance_id,
        execution_id=str(execution_id),
        episode=int(episode or 0),
        name=str(name),
        version=str(version),
        input_text=None if input_text is None else str(input_text),
        runtime_status=RuntimeStatus(str(status)),
        custom_status_text=None if custom_status is None else str(custom_status),
        last_updated_at=parse_time(str(updated_at)),
        parent=None if parent is None else json.loads(str(parent)),
        generation=int(generation or 0),
    )


def _read_inbox(db: sqlite3.Connection, instance_id: str) -> tuple[InboxMessage, ...]:
    select = "SELECT seq, execution_id, event FROM inbox WHERE instance_id = ? ORDER BY seq"
    rows = db.execute(select, [instance_id]).fetchall()
    return tuple(InboxMessage(seq, execution_id, json.loads(event)) for seq, execution_id, event in rows)


def _delete_messages(db: sqlite3.Connection, seqs: Sequence[int]) -> None:
    db.executemany("DELETE FROM inbox WHERE seq = ?", [(seq,) for seq in seqs])


def _instance_params(result: EpisodeResult) -> dict[str, str | int | None]:
    return {
        "ended": int(result.runtime_status.is_terminal),
        "status": str(result.runtime_status),
        "output": result.output_text,
        "custom_status": result.custom_status_text,
        "updated_at": format_time(result.updated_at),
        "instance_id": result.execution.instance_id,
        "execution_id": result.execution.execution_id,
        "episode": result.execution.episode,
    }


def _write_effects(db: sqlite3.Connection, result: EpisodeResult) -> set[str]:
    key = (result.execution.instance_id, result.execution.execution_id)
    effects = result.effects
    db.executemany(
        "INSERT INTO work_items (instance_id, execution_id, task_id, name, input_text) VALUES (?, ?, ?, ?, ?)",
        [(*key, one.task_id, one.name, one.input_text) for one in effects.activities],
    )
    db.executemany(
        "DELETE FROM timers WHERE instance_id = ? AND task_id = ?",
        [(key[0], task_id) for task_id in effects.dropped_timers],
    )
    db.executemany(
        "INSERT INTO timers (instance_id, execution_id, task_id, fire_at) VALUES (?, ?, ?, ?)",
        [(*key, task_id, format_time(fire_at)) for task_id, fire_at in effects.timers],
    )
    for child in effects.children:
        replace_instance(db, child)
    for operation in effects.operations:
        queue_operation(db, operation)
    return {child.instance_id for child in effects.children}


def _close_or_keep(db: sqlite3.Connection, result: EpisodeResult) -> None:
    instance_id = result.execution.instance_id
    if result.runtime_status.is_terminal:
        forget_execution(db, instance_id, history=False, table=result.runtime_status is not RuntimeStatus.FAILED)
    if result.table_text is not None:
        upsert = "INSERT OR REPLACE INTO task_tables (instance_id, table_text) VALUES (?, ?)"
        db.execute(upsert, [instance_id, result.table_text])


def _start_generation(db: sqlite3.Connection, result: EpisodeResult, following: NewExecution) -> None:
    """The inbox stays: results of the old generation fall to their execution ID, events are for the new one."""
    instance_id = following.instance_id
    for table in ("history", "task_tables", "timers"):
        db.execute(f"DELETE FROM {table} WHERE instance_id = ?", [instance_id])  # noqa: S608  (three constants)
    created_at = format_time(following.created_at)
    values = [following.execution_id, following.generation, following.input_text, created_at]
    db.execute(_NEXT_GENERATION, [*values, instance_id])
    put_message(db, instance_id, following.execution_id, following.start_event())
    db.executemany(
        "INSERT INTO inbox (seq, instance_id, execution_id, event) VALUES (?, ?, NULL, ?)",
        [(seq, instance_id, compact(event)) for seq, event in result.carried],
    )
