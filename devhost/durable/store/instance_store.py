"""What clients ask of the hub's file: start, look, list, tell, pause, end, forget."""

import json
import sqlite3
from collections.abc import Iterable
from datetime import datetime

from devhost.durable.entities.entity import MARK
from devhost.durable.errors import (
    InstanceAlreadyLive,
    InstanceFinished,
    InstanceNotFinished,
    InstanceNotFound,
    WrongState,
)
from devhost.durable.executions import NewExecution, ParentNotice
from devhost.durable.instance import TERMINAL, Instance, InstanceQuery, RuntimeStatus
from devhost.durable.protocol import (
    Event,
    EventType,
    OrchestrationStatus,
    child_failed,
    dump_events,
    event_raised,
    execution_completed,
    execution_resumed,
    execution_suspended,
    execution_terminated,
    format_time,
    orchestrator_started,
    parse_time,
)
from devhost.durable.store.database import Database
from devhost.durable.store.page_token import from_token, to_token
from devhost.durable.store.rewind_store import rewind_instance
from devhost.durable.store.rows import (
    ENTITIES_AS_INSTANCES,
    INSTANCE_COLUMNS,
    append_history,
    deliver_notice,
    find_instance,
    forget_execution,
    parse_events,
    put_message,
    read_history,
    read_instance,
    replace_instance,
)


class InstanceStore:
    """Each method is one transaction. Refusals are those of devhost.durable.errors."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, new: NewExecution, *, override_any_state: bool) -> set[str]:
        """Store the instance with its start message, or neither; the IDs of parents to wake.

        An ended instance with this ID is replaced. A live one raises InstanceAlreadyLive, unless
        `override_any_state`: then it is terminated first.
        """
        woken: set[str] = set()
        with self._database.transaction() as db:
            existing = find_instance(db, new.instance_id)
            if existing is not None and not existing.runtime_status.is_terminal:
                if not override_any_state:
                    raise InstanceAlreadyLive(new.instance_id, existing.runtime_status)
                reason = "Replaced by a new instance with the same ID."
                woken = _terminate(db, existing, reason, new.created_at)
            replace_instance(db, new)
        return woken

    def get(self, instance_id: str) -> Instance | None:
        """The instance, or None; an entity shows as an instance that never ends."""
        among = ENTITIES_AS_INSTANCES if instance_id.startswith(MARK) else "instances"
        with self._database.snapshot() as db:
            return find_instance(db, instance_id, among=among)

    def history(self, instance_id: str) -> list[Event]:
        """The events of the current generation; empty if there is none."""
        with self._database.snapshot() as db:
            return parse_events(read_history(db, instance_id))

    def task_table_text(self, instance_id: str) -> str | None:
        """What the engine knows of a live instance's tasks (TaskTable.from_text); None before its first episode."""
        with self._database.snapshot() as db:
            found = db.execute("SELECT table_text FROM task_tables WHERE instance_id = ?", [instance_id]).fetchone()
        return None if found is None else str(found[0])

    def latest_change(self) -> tuple[datetime | None, int]:
        """When an instance changed last, None without instances; and how many there are."""
        with self._database.snapshot() as db:
            changed_at, count = db.execute("SELECT max(last_updated_at), count(*) FROM instances").fetchone()
        return None if changed_at is None else parse_time(changed_at), int(count)

    def live_counts(self) -> dict[str, int]:
        """How many instances have not ended, by the name of their orchestrator as they were started."""
        ended = ", ".join("?" * len(TERMINAL))
        text = f"SELECT name, count(*) FROM instances WHERE runtime_status NOT IN ({ended}) GROUP BY name"  # noqa: S608
        with self._database.snapshot() as db:
            return {str(name): int(count) for name, count in db.execute(text, [str(one) for one in TERMINAL])}

    def list_page(
        self, query: InstanceQuery, *, top: int, continuation: str | None
    ) -> tuple[list[Instance], str | None]:
        """At most `top` matches, entities among them, by ascending ID, and the token for the rest, None at the end."""
        where, params = _conditions(query)
        if continuation:
            where.append("instance_id > ?")
            params.append(from_token(continuation))
        found: list[Instance] = []
        with self._database.snapshot() as db:
            for among in ("instances", ENTITIES_AS_INSTANCES):  # each by its own index, then merged
                text = f"SELECT {INSTANCE_COLUMNS} FROM {among} {_where(where)} ORDER BY instance_id LIMIT ?"  # noqa: S608
                found += [read_instance(row) for row in db.execute(text, [*params, top + 1])]
        found.sort(key=lambda one: one.instance_id)
        page = found[:top]
        return page, to_token(page[-1].instance_id) if len(found) > len(page) > 0 else None

    def raise_event(self, instance_id: str, name: str, input_text: str, now: datetime) -> None:
        """Queue an external event. Raises InstanceNotFound, InstanceFinished."""
        with self._database.transaction() as db:
            _require_live(db, instance_id)
            put_message(db, instance_id, None, event_raised(now, name, input_text))

    def suspend(self, instance_id: str, reason: str, now: datetime) -> None:
        """Pause the instance. Raises InstanceNotFound, InstanceFinished, WrongState."""
        with self._database.transaction() as db:
            found = _require_live(db, instance_id)
            if found.runtime_status is RuntimeStatus.SUSPENDED:
                raise WrongState(instance_id, found.runtime_status, "suspend")
            _set_state(db, instance_id, RuntimeStatus.SUSPENDED, reason, now)
            put_message(db, instance_id, None, execution_suspended(now, reason))

    def resume(self, instance_id: str, reason: str, now: datetime) -> None:
        """End the pause. Raises InstanceNotFound, InstanceFinished, WrongState."""
        with self._database.transaction() as db:
            found = _require_live(db, instance_id)
            if found.runtime_status is not RuntimeStatus.SUSPENDED:
                raise WrongState(instance_id, found.runtime_status, "resume")
            _set_state(db, instance_id, RuntimeStatus.RUNNING, reason, now)
            put_message(db, instance_id, None, execution_resumed(now, reason))

    def terminate(self, instance_id: str, reason: str, now: datetime) -> set[str]:
        """End the instance at once; the IDs of parents to wake. Raises InstanceNotFound, InstanceFinished."""
        with self._database.transaction() as db:
            return _terminate(db, _require_live(db, instance_id), reason, now)

    def rewind(self, instance_id: str, reason: str, now: datetime) -> set[str]:
        """Let a failed instance and its failed children run on; IDs to wake. Raises InstanceNotFound, NotRewindable."""
        with self._database.transaction() as db:
            return rewind_instance(db, instance_id, reason, now)

    def purge(self, instance_id: str) -> None:
        """Forget an ended instance. Raises InstanceNotFound, InstanceNotFinished."""
        with self._database.transaction() as db:
            found = find_instance(db, instance_id)
            if found is None:
                raise InstanceNotFound(instance_id)
            if not found.runtime_status.is_terminal:
                raise InstanceNotFinished(instance_id, found.runtime_status)
            _remove(db, [instance_id])

    def purge_matching(self, query: InstanceQuery) -> int:
        """Forget the ended instances that match; how many they were. Live ones are never touched."""
        statuses = query.statuses & TERMINAL if query.statuses else TERMINAL
        where, params = _conditions(
            InstanceQuery(query.prefix, query.created_from, query.created_to, frozenset(statuses))
        )
        if not statuses:
            return 0
        with self._database.transaction() as db:
            text = f"SELECT instance_id FROM instances {_where(where)}"  # noqa: S608
            found = [instance_id for (instance_id,) in db.execute(text, params)]
            _remove(db, found)
        return len(found)


def _require_live(db: sqlite3.Connection, instance_id: str) -> Instance:
    found = find_instance(db, instance_id)
    if found is None:
        raise InstanceNotFound(instance_id)
    if found.runtime_status.is_terminal:
        raise InstanceFinished(instance_id, found.runtime_status)
    return found


def _set_state(db: sqlite3.Connection, instance_id: str, status: RuntimeStatus, reason: str, now: datetime) -> None:
    """The product shows the reason as output until the real output replaces it."""
    update = "UPDATE instances SET runtime_status = ?, output_text = ?, last_updated_at = ? WHERE instance_id = ?"
    db.execute(update, [str(status), reason, format_time(now), instance_id])


def _terminate(db: sqlite3.Connection, live: Instance, reason: str, now: datetime) -> set[str]:
    """The higher episode number makes an episode in flight fail its commit."""
    key = [live.instance_id]
    episode, parent_text = db.execute("SELECT episode, parent FROM instances WHERE instance_id = ?", key).fetchone()
    ending = [execution_terminated(now, reason)]
    ending.append(execution_completed(now, -1, OrchestrationStatus.TERMINATED, reason))
    if episode == 0:
        select = "SELECT event FROM inbox WHERE instance_id = ? ORDER BY seq"
        waiting = parse_events(",".join(event for (event,) in db.execute(select, key)))
        started = [event for event in waiting if event["EventType"] == EventType.EXECUTION_STARTED]
        ending = [orchestrator_started(now), *started, *ending]
    append_history(db, live.instance_id, episode, dump_events(ending, is_played=True))
    _set_state(db, live.instance_id, RuntimeStatus.TERMINATED, reason, now)
    db.execute("UPDATE instances SET episode = episode + 1 WHERE instance_id = ?", key)
    forget_execution(db, live.instance_id, history=False)
    if parent_text is None:
        return set()
    parent = json.loads(parent_text)
    origin = parent["OrchestrationInstance"]
    failed = child_failed(now, parent["TaskScheduleId"], reason, None)
    return deliver_notice(db, ParentNotice(origin["InstanceId"], origin["ExecutionId"], failed))


def _remove(db: sqlite3.Connection, instance_ids: Iterable[str]) -> None:
    for instance_id in instance_ids:
        forget_execution(db, instance_id, history=True)
        db.execute("DELETE FROM instances WHERE instance_id = ?", [instance_id])


def _conditions(query: InstanceQuery) -> tuple[list[str], list[str]]:
    where: list[str] = []
    params: list[str] = []
    if query.prefix:
        where.append("instance_id >= ? AND substr(instance_id, 1, length(?)) = ?")
        params += [query.prefix] * 3
    if query.created_from is not None:
        where.append("created_at >= ?")
        params.append(format_time(query.created_from))
    if query.created_to is not None:
        where.append("created_at <= ?")
        params.append(format_time(query.created_to))
    if query.statuses:
        where.append(f"runtime_status IN ({', '.join('?' * len(query.statuses))})")
        params += sorted(query.statuses)
    return where, params


def _where(conditions: list[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""
