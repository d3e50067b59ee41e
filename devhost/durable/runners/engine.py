"""The runners of a hub as one: orchestrations, activities, entities and timers, and who wakes whom."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime

from devhost.config.host_json import DurableOptions
from devhost.durable.entities.entity import EntityId
from devhost.durable.episodes.episode_effects import EpisodeRules
from devhost.durable.runners.activity_runner import ActivityRunner
from devhost.durable.runners.engine_parts import EngineParts
from devhost.durable.runners.entity_runner import EntityRunner
from devhost.durable.runners.http_activity import HttpActivity
from devhost.durable.runners.orchestration_runner import OrchestrationRunner, RunnerListeners
from devhost.durable.runners.runner_tools import RunnerTools
from devhost.durable.runners.timer_runner import TimerRunner


class Engine:
    """Carries out what the store holds. `start` it once, `stop` it once; it closes `http`."""

    def __init__(
        self,
        tools: RunnerTools,
        *,
        options: DurableOptions,
        rules: EpisodeRules,
        parts: EngineParts,
        http: HttpActivity,
        instance_ended: Callable[[str], None],
    ) -> None:
        self._tools, self._http = tools, http
        self._timers = TimerRunner(tools, wake=self.wake)
        self._activities = ActivityRunner(tools, http=http, limit=options.max_concurrent_activities, wake=self.wake)
        self._entities = EntityRunner(
            tools,
            limit=options.max_concurrent_entities,
            max_batch_size=options.max_entity_batch_size,
            wake_callers=self.wake,
        )
        self._orchestrations = OrchestrationRunner(
            tools,
            rules=rules,
            limit=options.max_concurrent_orchestrators,
            async_sleep_ms=options.async_sleep_ms,
            parts=parts,
            listeners=RunnerListeners(
                self._activities.work_added, self._timers.timers_changed, instance_ended, self._entities.wake
            ),
        )

    async def start(self) -> None:
        """Go on with everything that the store holds."""
        store, run = self._tools.store, self._tools.store_thread.run
        waiting = await run(store.episodes.instances_with_messages)
        entities = await run(store.entities.entities_with_operations)
        self._activities.start()
        self._timers.start()
        self.wake(waiting)
        self.wake_entities(entities)

    async def stop(self, grace_s: float) -> None:
        """Stop, a little after `grace_s` at the latest; what is under way then is repeated at the next start."""
        try:
            await self._timers.stop()
            runners = (self._orchestrations, self._activities, self._entities)
            await asyncio.gather(*(one.stop(grace_s) for one in runners))
        finally:
            await self._http.close()

    @property
    def is_at_rest(self) -> bool:
        """True if nothing will change before an activity ends, a timer is due or somebody asks for something."""
        runners = (self._orchestrations, self._activities, self._entities, self._timers)
        return all(runner.is_at_rest for runner in runners)

    @property
    def calls_under_way(self) -> int:
        """How many activities run now."""
        return self._activities.calls_under_way

    @property
    def next_timer_at(self) -> datetime | None:
        """When the next timer of an orchestration is due; None if there is none."""
        return self._timers.next_at

    def wake(self, instance_ids: Iterable[str]) -> None:
        """These instances may have something in their inbox."""
        self._orchestrations.wake(instance_ids)

    def wake_entities(self, entity_ids: Iterable[EntityId]) -> None:
        """These entities may have operations waiting."""
        self._entities.wake(entity_ids)

    def timers_changed(self) -> None:
        """An earlier timer than the one waited for may be in the store."""
        self._timers.timers_changed()

    def forget(self, instance_id: str) -> None:
        """Keep nothing of this instance in memory: it was ended from outside."""
        self._orchestrations.forget(instance_id)
