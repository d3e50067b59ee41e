"""A task hub without orchestrator code or disk: three fixed orchestrators, the state rules of the real one.

Echo completes with its input, Wait with the input of the event "go", Boom fails. Names compare ignoring case.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from devhost.durable.errors import (
    InstanceAlreadyLive,
    InstanceFinished,
    InstanceNotFinished,
    InstanceNotFound,
    InvalidInstanceId,
    NotRewindable,
    UnknownFunction,
    WrongState,
)
from devhost.durable.instance import Instance, InstanceQuery, RuntimeStatus

ORCHESTRATORS = ("Boom", "Echo", "Wait")


@dataclass
class _Entry:
    instance: Instance
    history: list[dict[str, Any]] = field(default_factory=list)
    events: list[tuple[str, str]] = field(default_factory=list)
    finished: asyncio.Event = field(default_factory=asyncio.Event)


class MemoryHub:
    """Implements ManagedHub but for entities; with `stay_pending` no instance ever begins."""

    def __init__(self, *, now: Callable[[], datetime] = lambda: datetime.now(UTC), stay_pending: bool = False) -> None:
        self._now = now
        self._stay_pending = stay_pending
        self._entries: dict[str, _Entry] = {}

    async def create_instance(
        self, name: str, *, instance_id: str | None, input_text: str | None, version: str | None = None
    ) -> str:
        known = {one.lower(): one for one in ORCHESTRATORS}
        if name.lower() not in known:
            raise UnknownFunction(name, "orchestrator", ORCHESTRATORS)
        instance_id = uuid.uuid4().hex if instance_id is None else instance_id
        _check_id(instance_id)
        present = self._entries.get(instance_id)
        if present is not None and not present.instance.runtime_status.is_terminal:
            raise InstanceAlreadyLive(instance_id, present.instance.runtime_status)
        moment = self._now()
        entry = _Entry(
            Instance(
                instance_id=instance_id,
                execution_id=uuid.uuid4().hex,
                name=known[name.lower()],
                version=version or "",
                runtime_status=RuntimeStatus.PENDING,
                input_text=input_text,
                custom_status_text=None,
                output_text=None,
                created_at=moment,
                last_updated_at=moment,
            )
        )
        self._entries[instance_id] = entry
        if not self._stay_pending:
            asyncio.get_running_loop().call_soon(self._begin, entry)
        return instance_id

    async def get_instance(self, instance_id: str) -> Instance | None:
        entry = self._entries.get(instance_id)
        return None if entry is None else entry.instance

    async def list_instances(
        self, query: InstanceQuery, *, top: int, continuation: str | None
    ) -> tuple[list[Instance], str | None]:
        found = sorted(self._matching(query), key=lambda one: one.instance_id)
        rest = [one for one in found if continuation is None or one.instance_id > continuation]
        return rest[:top], rest[top - 1].instance_id if len(rest) > top else None

    async def raise_event(self, instance_id: str, event_name: str, input_text: str) -> None:
        entry = self._live(instance_id)
        entry.events.append((event_name, input_text))
        self._record(entry, 15, Name=event_name, Input=input_text)
        self._deliver(entry)

    async def terminate(self, instance_id: str, reason: str) -> None:
        entry = self._live(instance_id)
        self._record(entry, 3, Input=reason)
        self._finish(entry, RuntimeStatus.TERMINATED, 5, reason)

    async def suspend(self, instance_id: str, reason: str) -> None:
        entry = self._live(instance_id)
        if entry.instance.runtime_status is RuntimeStatus.SUSPENDED:
            raise WrongState(instance_id, RuntimeStatus.SUSPENDED, "suspend")
        self._record(entry, 19, Reason=reason)
        self._update(entry, runtime_status=RuntimeStatus.SUSPENDED)

    async def resume(self, instance_id: str, reason: str) -> None:
        entry = self._live(instance_id)
        if entry.instance.runtime_status is not RuntimeStatus.SUSPENDED:
            raise WrongState(instance_id, entry.instance.runtime_status, "resume")
        self._record(entry, 20, Reason=reason)
        self._update(entry, runtime_status=RuntimeStatus.RUNNING)
        self._deliver(entry)

    async def restart(self, instance_id: str, *, with_new_id: bool) -> str:
        old = self._entry(instance_id).instance
        return await self.create_instance(
            old.name,
            instance_id=None if with_new_id else instance_id,
            input_text=old.input_text,
            version=old.version,
        )

    async def rewind(self, instance_id: str, reason: str) -> None:
        entry = self._entry(instance_id)
        if entry.instance.runtime_status is not RuntimeStatus.FAILED:
            raise NotRewindable(instance_id, f"it has the status {entry.instance.runtime_status}")
        self._update(entry, runtime_status=RuntimeStatus.PENDING, output_text=None)
        asyncio.get_running_loop().call_soon(self._begin, entry)

    async def purge(self, instance_id: str) -> None:
        entry = self._entry(instance_id)
        if not entry.instance.runtime_status.is_terminal:
            raise InstanceNotFinished(instance_id, entry.instance.runtime_status)
        del self._entries[instance_id]

    async def purge_matching(self, query: InstanceQuery) -> int:
        ended = [one for one in self._matching(query) if one.runtime_status.is_terminal]
        for one in ended:
            del self._entries[one.instance_id]
        return len(ended)

    async def history(self, instance_id: str) -> list[dict[str, Any]]:
        return list(self._entry(instance_id).history)

    async def wait_until_finished(self, instance_id: str, timeout_s: float) -> Instance | None:
        entry = self._entry(instance_id)
        try:
            async with asyncio.timeout(timeout_s):
                await entry.finished.wait()
        except TimeoutError:
            return None
        return entry.instance

    def _begin(self, entry: _Entry) -> None:
        instance = entry.instance
        if instance.runtime_status.is_terminal:
            return
        self._record(entry, 12)
        self._record(
            entry,
            0,
            Name=instance.name,
            Version=instance.version,
            Input=instance.input_text,
            OrchestrationInstance={"InstanceId": instance.instance_id, "ExecutionId": instance.execution_id},
            ParentInstance=None,
            Tags=None,
        )
        self._update(entry, runtime_status=RuntimeStatus.RUNNING)
        if instance.name == "Echo":
            self._finish(entry, RuntimeStatus.COMPLETED, 1, _echo(instance.input_text))
        elif instance.name == "Boom":
            self._finish(entry, RuntimeStatus.FAILED, 3, "Orchestrator function 'Boom' failed: boom")
        else:
            self._deliver(entry)

    def _deliver(self, entry: _Entry) -> None:
        if entry.instance.runtime_status is RuntimeStatus.RUNNING:
            for name, input_text in entry.events:
                if name == "go":
                    self._finish(entry, RuntimeStatus.COMPLETED, 1, input_text)
                    return

    def _finish(self, entry: _Entry, status: RuntimeStatus, number: int, output_text: str) -> None:
        self._record(entry, 1, OrchestrationStatus=number, Result=output_text, FailureDetails=None)
        self._update(entry, runtime_status=status, output_text=output_text)
        entry.finished.set()

    def _update(self, entry: _Entry, **changes: Any) -> None:
        entry.instance = replace(entry.instance, last_updated_at=self._now(), **changes)

    def _record(self, entry: _Entry, event_type: int, **fields: Any) -> None:
        timestamp = self._now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        entry.history.append(
            {"EventType": event_type, "EventId": -1, "IsPlayed": True, "Timestamp": timestamp, **fields}
        )

    def _matching(self, query: InstanceQuery) -> list[Instance]:
        return [
            one
            for one in (entry.instance for entry in self._entries.values())
            if one.instance_id.startswith(query.prefix or "")
            and (query.created_from is None or query.created_from <= one.created_at)
            and (query.created_to is None or one.created_at <= query.created_to)
            and (not query.statuses or one.runtime_status in query.statuses)
        ]

    def _entry(self, instance_id: str) -> _Entry:
        if instance_id not in self._entries:
            raise InstanceNotFound(instance_id)
        return self._entries[instance_id]

    def _live(self, instance_id: str) -> _Entry:
        entry = self._entry(instance_id)
        if entry.instance.runtime_status.is_terminal:
            raise InstanceFinished(instance_id, entry.instance.runtime_status)
        return entry


def _check_id(instance_id: str) -> None:
    if instance_id.startswith("@"):
        raise InvalidInstanceId(instance_id, "it starts with @")
    if any(one in "/\\#?" or not one.isprintable() for one in instance_id):
        raise InvalidInstanceId(instance_id, "it holds one of / \\ # ? or a control character")
    if len(instance_id) > 256:
        raise InvalidInstanceId(instance_id, "it is longer than 256 characters")


def _echo(input_text: str | None) -> str:
    """The output of an orchestrator that returns its input: texts of the SDK's client hold JSON once more."""
    value = None if input_text is None else json.loads(input_text)
    return json.dumps(json.loads(value) if isinstance(value, str) else value, separators=(",", ":"))
