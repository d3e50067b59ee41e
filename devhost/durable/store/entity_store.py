"""Entities in the hub's file: their states, and the operations that wait for them."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from devhost.durable.entities.batch import BatchResult, LoadedBatch, QueuedOperation, Response, purged_response
from devhost.durable.entities.entity import Entity, EntityId, EntityQuery
from devhost.durable.entities.operations import Caller, Operation
from devhost.durable.errors import InstanceNotFound
from devhost.durable.protocol import format_time, parse_time
from devhost.durable.store.database import Database
from devhost.durable.store.page_token import from_token, to_token
from devhost.durable.store.rows import deliver

_MAX_BATCH_CHARS = 16_000_000
_SELECT_OPERATIONS = """
    SELECT seq, name, input_text, caller_id, caller_execution_id, caller_task_id
    FROM entity_operations WHERE entity_id = ? ORDER BY seq LIMIT ?
"""
_INSERT_OPERATION = """
    INSERT INTO entity_operations (entity_id, name, input_text, caller_id, caller_execution_id, caller_task_id)
    VALUES (?, ?, ?, ?, ?, ?)
"""
_WRITE_STATE = """
    INSERT INTO entities (entity_id, name, key, state_text, created_at, last_operation_at)
    VALUES (:entity_id, :name, :key, :state_text, :now, :now)
    ON CONFLICT (entity_id) DO UPDATE SET state_text = :state_text, last_operation_at = :now
"""


@dataclass(frozen=True, slots=True)
class CommittedBatch:
    """What became of a batch: orchestrations to wake, and whether more operations wait."""

    woken: frozenset[str]
    has_more: bool


def queue_operation(db: sqlite3.Connection, operation: Operation) -> None:
    """Put an operation at the end of its entity's queue, inside the caller's transaction."""
    caller = operation.caller
    origin = (None, None, None) if caller is None else (caller.instance_id, caller.execution_id, caller.task_id)
    db.execute(_INSERT_OPERATION, [str(operation.entity_id), operation.name, operation.input_text, *origin])


class EntityStore:
    """Each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def signal(self, operation: Operation) -> None:
        """Queue an operation."""
        with self._database.transaction() as db:
            queue_operation(db, operation)

    def entities_with_operations(self) -> list[EntityId]:
        """All entities that have something to do."""
        with self._database.snapshot() as db:
            found = db.execute("SELECT DISTINCT entity_id FROM entity_operations").fetchall()
        return [EntityId.parse(text) for (text,) in found]

    def load_batch(self, entity_id: EntityId, limit: int) -> LoadedBatch | None:
        """The state and the oldest operations, at most `limit`; None if there are none."""
        with self._database.snapshot() as db:
            operations = _read_operations(db, entity_id, limit)
            if not operations:
                return None
            return LoadedBatch(entity_id, _read_state(db, entity_id), operations)

    def commit_batch(self, result: BatchResult) -> CommittedBatch | None:
        """Write all of it; None, and nothing written, if the entity was purged since the batch was loaded."""
        key = str(result.entity_id)
        with self._database.transaction() as db:
            if not _has_all(db, result.consumed):
                return None
            db.executemany("DELETE FROM entity_operations WHERE seq = ?", [(seq,) for seq in result.consumed])
            _write_state(db, result)
            woken = _deliver_all(db, result.responses)
            select = "SELECT 1 FROM entity_operations WHERE entity_id = ? LIMIT 1"
            has_more = db.execute(select, [key]).fetchone() is not None
        return CommittedBatch(frozenset(woken), has_more)

    def get(self, entity_id: EntityId) -> Entity | None:
        """The entity with its state; None if it does not exist."""
        select = "SELECT state_text, last_operation_at FROM entities WHERE entity_id = ?"
        with self._database.snapshot() as db:
            row = db.execute(select, [str(entity_id)]).fetchone()
        return None if row is None else Entity(entity_id, row[0], parse_time(row[1]))

    def list_page(
        self, query: EntityQuery, *, fetch_state: bool, top: int, continuation: str | None
    ) -> tuple[list[Entity], str | None]:
        """At most `top` matches by ascending ID, and the token for the rest, None after the last."""
        where, params = _conditions(query, continuation)
        state = "state_text" if fetch_state else "NULL"
        select = (
            f"SELECT name, key, {state}, last_operation_at FROM entities "  # noqa: S608  (constants of this module)
            f"WHERE {' AND '.join(where)} ORDER BY entity_id LIMIT ?"
        )
        with self._database.snapshot() as db:
            rows = db.execute(select, [*params, top + 1]).fetchall()
        found = [Entity(EntityId(name, key), text, parse_time(moment)) for name, key, text, moment in rows]
        page = found[:top]
        return page, to_token(str(page[-1].entity_id)) if len(found) > len(page) > 0 else None

    def purge(self, entity_id: EntityId, now: datetime) -> set[str]:
        """Forget the entity and what waits for it; the callers among that get an error, and their IDs come back.

        Raises InstanceNotFound if there is neither.
        """
        key = [str(entity_id)]
        with self._database.transaction() as db:
            waiting = _read_operations(db, entity_id, -1)
            existed = db.execute("DELETE FROM entities WHERE entity_id = ?", key).rowcount == 1
            if not existed and not waiting:
                raise InstanceNotFound(str(entity_id))
            db.execute("DELETE FROM entity_operations WHERE entity_id = ?", key)
            return _deliver_all(db, [one for queued in waiting for one in purged_response(queued.operation, now)])


def _read_state(db: sqlite3.Connection, entity_id: EntityId) -> str | None:
    row = db.execute("SELECT state_text FROM entities WHERE entity_id = ?", [str(entity_id)]).fetchone()
    return None if row is None else str(row[0])


def _read_operations(db: sqlite3.Connection, entity_id: EntityId, limit: int) -> tuple[QueuedOperation, ...]:
    """The oldest `limit` operations (-1: all); fewer if their inputs are so large that they would fill the memory."""
    operations: list[QueuedOperation] = []
    chars = 0
    for row in db.execute(_SELECT_OPERATIONS, [str(entity_id), limit]):
        queued = _read_operation(entity_id, row)
        chars += len(queued.operation.input_text or "")
        if operations and limit > 0 and chars > _MAX_BATCH_CHARS:
            break
        operations.append(queued)
    return tuple(operations)


def _read_operation(entity_id: EntityId, row: tuple[Any, ...]) -> QueuedOperation:
    seq, name, input_text, caller_id, execution_id, task_id = row
    caller = None if caller_id is None else Caller(caller_id, execution_id, task_id)
    return QueuedOperation(seq, Operation(entity_id, name, input_text, caller))


def _has_all(db: sqlite3.Connection, seqs: tuple[int, ...]) -> bool:
    """Whoever takes operations away takes the first one, too: only a purge does, and it takes all."""
    return db.execute("SELECT 1 FROM entity_operations WHERE seq = ?", [seqs[0]]).fetchone() is not None


def _write_state(db: sqlite3.Connection, result: BatchResult) -> None:
    entity_id = result.entity_id
    if result.state_text is None:
        db.execute("DELETE FROM entities WHERE entity_id = ?", [str(entity_id)])
        return
    values = {"name": entity_id.name, "key": entity_id.key, "state_text": result.state_text}
    db.execute(_WRITE_STATE, {"entity_id": str(entity_id), "now": format_time(result.ended_at), **values})


def _deliver_all(db: sqlite3.Connection, responses: Iterable[Response]) -> set[str]:
    """IDs of the callers that still wait; a response to a generation that is over finds nobody."""
    return {
        one.caller.instance_id
        for one in responses
        if deliver(db, one.caller.instance_id, one.caller.execution_id, one.event)
    }


def _conditions(query: EntityQuery, continuation: str | None) -> tuple[list[str], list[str]]:
    where, params = ["entity_id > ?"], [from_token(continuation) if continuation else ""]
    if query.name is not None:
        where.append("name = ?")
        params.append(query.name.lower())
    if query.operated_from is not None:
        where.append("last_operation_at >= ?")
        params.append(format_time(query.operated_from))
    if query.operated_to is not None:
        where.append("last_operation_at <= ?")
        params.append(format_time(query.operated_to))
    return where, params
