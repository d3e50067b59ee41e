"""The task hub: the only door of this package for webhooks, admin routes and tests."""

import asyncio
import logging
from datetime import datetime
from typing import Any

from devhost.background import first_of
from devhost.clock import Clock
from devhost.config.host_json import DurableOptions
from devhost.durable.durable_functions import DurableFunctions
from devhost.durable.entities.entity import MARK, Entity, EntityId, EntityQuery
from devhost.durable.entities.operations import Operation
from devhost.durable.episodes.episode_effects import EpisodeRules, require_known
from devhost.durable.errors import InstanceNotFound, InvalidInstanceId
from devhost.durable.executions import NewExecution
from devhost.durable.instance import Instance, InstanceQuery
from devhost.durable.instance_ids import check_instance_id
from devhost.durable.runners.engine import Engine
from devhost.durable.runners.engine_parts import EngineParts
from devhost.durable.runners.http_activity import HttpActivity
from devhost.durable.runners.runner_tools import RunnerTools
from devhost.durable.store.store import Store

_STOP_TIMEOUT_S = 1.5


class TaskHub:
    """Durable orchestrations and entities of one app. Use `start` once inside the event loop, `stop` at the end.

    The app's functions must be loaded already. Everything survives a kill: a new hub on the same file goes on;
    activities run at least once. The hub does not close `store`. Refusals of all methods are those of
    devhost.durable.errors.
    """

    def __init__(
        self,
        *,
        store: Store,
        functions: DurableFunctions,
        clock: Clock,
        options: DurableOptions,
        logger: logging.Logger,
        fault_pause_s: float = 1.0,
        http: HttpActivity | None = None,
        parts: EngineParts = EngineParts(),  # noqa: B008  (frozen)
    ) -> None:
        """`fault_pause_s` is the time between two tries when the file cannot be read or written.

        `http` makes the requests of `call_http`; the hub closes it.
        """
        self._store, self._clock, self._options = store, clock, options
        self._parts = parts
        self._store_thread = parts.side_work("task-hub-store")
        self._rules = EpisodeRules(
            activity_names=functions.durable_names("activityTrigger"),
            orchestrator_names=functions.durable_names("orchestrationTrigger"),
            max_actions=options.max_orchestration_actions,
            store_inputs=options.store_inputs_in_history,
            entity_names=functions.durable_names("entityTrigger"),
            default_version=options.default_version,
        )
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._engine = Engine(
            RunnerTools(store, self._store_thread, functions, clock, fault_pause_s, logger),
            options=options,
            rules=self._rules,
            parts=parts,
            http=http or HttpActivity(),
            instance_ended=self._announce_end,
        )

    async def start(self) -> None:
        """Go on with everything that the file holds."""
        await self._engine.start()

    async def live_without_orchestrator(self) -> dict[str, int]:
        """How many live instances there are by the name of an orchestrator that the app does not have."""
        known = {name.lower() for name in self._rules.orchestrator_names}
        counts = await self._store_thread.run(self._store.instances.live_counts)
        return {name: count for name, count in counts.items() if name.lower() not in known}

    async def stop(self, *, grace_s: float = _STOP_TIMEOUT_S) -> None:
        """Stop, a little after `grace_s` at the latest; what is under way then is repeated at the next start."""
        try:
            await self._engine.stop(grace_s)
        finally:
            self._store_thread.close()

    @property
    def is_at_rest(self) -> bool:
        """True if nothing will change before an activity ends, a timer is due or somebody asks for something."""
        is_waiter_called = any(ended.is_set() for waiting in self._waiting.values() for ended in waiting)
        return self._engine.is_at_rest and not is_waiter_called

    @property
    def calls_under_way(self) -> int:
        """How many activities run now."""
        return self._engine.calls_under_way

    @property
    def next_timer_at(self) -> datetime | None:
        """When the next timer of an orchestration is due; None if there is none."""
        return self._engine.next_timer_at

    async def create_instance(
        self, name: str, *, instance_id: str | None, input_text: str | None, version: str | None = None
    ) -> str:
        """Start an orchestration; its ID, made up if none is given. `input_text` is JSON text.

        Without a version it gets defaultVersion of host.json.
        Raises UnknownFunction, InvalidInstanceId, InstanceAlreadyLive. An ended instance with this ID is replaced.
        """
        require_known(name, "orchestrator", self._rules.orchestrator_names)
        own_id = instance_id or self._parts.new_id()
        check_instance_id(own_id)
        own_version = self._rules.default_version if version is None else version
        new = NewExecution(own_id, self._parts.new_id(), name, own_version, input_text, self._clock.now())
        woken = await self._store_thread.run(
            self._store.instances.create, new, override_any_state=self._options.override_any_state
        )
        self._engine.wake({own_id, *woken})
        return own_id

    async def get_instance(self, instance_id: str) -> Instance | None:
        """The instance, or None if the hub has none with this ID; an entity shows as one that never ends."""
        return await self._store_thread.run(self._store.instances.get, instance_id)

    async def list_instances(
        self, query: InstanceQuery, *, top: int, continuation: str | None
    ) -> tuple[list[Instance], str | None]:
        """At most `top` matches by ascending ID, and the token for the next ones, None after the last."""
        return await self._store_thread.run(self._store.instances.list_page, query, top=top, continuation=continuation)

    async def raise_event(self, instance_id: str, event_name: str, input_text: str) -> None:
        """Deliver an event; `input_text` is JSON text. Raises InstanceNotFound, InstanceFinished."""
        now = self._clock.now()
        await self._store_thread.run(self._store.instances.raise_event, instance_id, event_name, input_text, now)
        self._engine.wake({instance_id})

    async def terminate(self, instance_id: str, reason: str) -> None:
        """End the instance at once, not its children. Raises InstanceNotFound, InstanceFinished."""
        now = self._clock.now()
        woken = await self._store_thread.run(self._store.instances.terminate, instance_id, reason, now)
        self._engine.forget(instance_id)
        self._announce_end(instance_id)
        self._engine.wake(woken)

    async def suspend(self, instance_id: str, reason: str) -> None:
        """Hold back all further progress. Raises InstanceNotFound, InstanceFinished, WrongState."""
        await self._store_thread.run(self._store.instances.suspend, instance_id, reason, self._clock.now())

    async def resume(self, instance_id: str, reason: str) -> None:
        """Go on after `suspend`. Raises InstanceNotFound, InstanceFinished, WrongState."""
        await self._store_thread.run(self._store.instances.resume, instance_id, reason, self._clock.now())
        self._engine.wake({instance_id})

    async def restart(self, instance_id: str, *, with_new_id: bool) -> str:
        """Start an instance once more with its name, input and version; the ID of the new instance.

        Raises InstanceNotFound, and whatever `create_instance` raises.
        """
        found = await self.get_instance(instance_id)
        if found is None:
            raise InstanceNotFound(instance_id)
        return await self.create_instance(
            found.name,
            instance_id=None if with_new_id else instance_id,
            input_text=found.input_text,
            version=found.version,
        )

    async def rewind(self, instance_id: str, reason: str) -> None:
        """Run a failed instance on from what failed. Raises InstanceNotFound, NotRewindable.

        Failed activities are called again, failed sub-orchestrations are rewound in turn.
        """
        woken = await self._store_thread.run(self._store.instances.rewind, instance_id, reason, self._clock.now())
        self._engine.timers_changed()
        self._engine.wake(woken)

    async def purge(self, instance_id: str) -> None:
        """Forget an ended instance, or an entity. Raises InstanceNotFound, InstanceNotFinished."""
        if instance_id.startswith(MARK):
            await self._purge_entity(instance_id)
            return
        await self._store_thread.run(self._store.instances.purge, instance_id)
        self._engine.forget(instance_id)

    async def purge_matching(self, query: InstanceQuery) -> int:
        """Forget the ended instances that match; how many they were. Live ones are never touched."""
        return await self._store_thread.run(self._store.instances.purge_matching, query)

    async def signal_entity(self, entity_id: EntityId, operation: str, input_text: str | None) -> None:
        """Queue an operation whose result nobody awaits. Raises UnknownFunction.

        `input_text` is the JSON text in the message: for the SDK a JSON string that holds JSON; None for none.
        """
        require_known(entity_id.name, "entity", self._rules.entity_names)
        await self._store_thread.run(self._store.entities.signal, Operation(entity_id, operation, input_text))
        self._engine.wake_entities([entity_id])

    async def read_entity(self, entity_id: EntityId) -> Entity | None:
        """The entity with its state as the last batch left it, or None if it does not exist."""
        return await self._store_thread.run(self._store.entities.get, entity_id)

    async def list_entities(
        self, query: EntityQuery, *, fetch_state: bool, top: int, continuation: str | None
    ) -> tuple[list[Entity], str | None]:
        """At most `top` matches by ascending ID, and the token for the next ones, None after the last."""
        return await self._store_thread.run(
            self._store.entities.list_page, query, fetch_state=fetch_state, top=top, continuation=continuation
        )

    async def history(self, instance_id: str) -> list[dict[str, Any]]:
        """The raw history events of the current generation, oldest first; empty if there is none."""
        return await self._store_thread.run(self._store.instances.history, instance_id)

    async def wait_until_finished(self, instance_id: str, timeout_s: float) -> Instance | None:
        """The instance once it has ended; None if it has not within the time, or does not exist."""
        ended = asyncio.Event()
        self._waiting.setdefault(instance_id, set()).add(ended)
        try:
            found = await self.get_instance(instance_id)
            if found is not None and not found.runtime_status.is_terminal:
                await first_of(ended.wait(), self._clock.sleep(timeout_s))
                found = await self.get_instance(instance_id)
        finally:
            self._stop_waiting(instance_id, ended)
        return found if found is not None and found.runtime_status.is_terminal else None

    async def _purge_entity(self, instance_id: str) -> None:
        try:
            entity_id = EntityId.parse(instance_id)
        except InvalidInstanceId as error:
            raise InstanceNotFound(instance_id) from error
        self._engine.wake(await self._store_thread.run(self._store.entities.purge, entity_id, self._clock.now()))

    def _stop_waiting(self, instance_id: str, ended: asyncio.Event) -> None:
        waiting = self._waiting[instance_id]
        waiting.remove(ended)
        if not waiting:
            del self._waiting[instance_id]

    def _announce_end(self, instance_id: str) -> None:
        for ended in self._waiting.get(instance_id, ()):
            ended.set()
