"""Runs episodes: load, replay, decide, commit, wake whoever is concerned."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from devhost.background import finish_or_cancel, is_cancelled_from_outside
from devhost.durable.entities.entity import EntityId
from devhost.durable.episodes.episode import EpisodePlan, conclude, fail, fail_for_fault, plan_episode
from devhost.durable.episodes.episode_effects import EpisodeRules, require_known
from devhost.durable.episodes.task_table import TaskTable
from devhost.durable.errors import UnknownFunction
from devhost.durable.executions import EpisodeResult
from devhost.durable.instance import RuntimeStatus
from devhost.durable.runners.engine_parts import EngineParts
from devhost.durable.runners.execution_cache import CachedExecution, ExecutionCache
from devhost.durable.runners.runner_tools import RunnerTools
from devhost.durable.runners.wake_queue import WakeQueue
from devhost.durable.store.database import is_passing_fault
from devhost.durable.store.episode_store import Committed, LoadedExecution
from devhost.errors import FunctionFailed

_CACHE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RunnerListeners:
    """Whom a committed episode may concern outside: activity calls, timers, an ended instance, entities."""

    work_added: Callable[[], None]
    timers_changed: Callable[[], None]
    instance_ended: Callable[[str], None]
    operations_sent: Callable[[Iterable[EntityId]], None]


@dataclass(frozen=True, slots=True)
class _Prepared:
    plan: EpisodePlan
    table: TaskTable
    past: str
    envelope: str


class OrchestrationRunner:
    """Runs woken instances, one episode of each at a time, `limit` at once; thinks and stores off the loop."""

    def __init__(
        self,
        tools: RunnerTools,
        *,
        rules: EpisodeRules,
        limit: int,
        async_sleep_ms: int,
        parts: EngineParts,
        listeners: RunnerListeners,
    ) -> None:
        self._store, self._store_thread = tools.store.episodes, tools.store_thread
        self._functions, self._clock, self._rules = tools.functions, tools.clock, rules
        self._async_sleep_ms, self._listeners, self._logger = async_sleep_ms, listeners, tools.logger
        self._fault_pause_s = tools.fault_pause_s
        self._thinking, self._gap_s = parts.side_work("task-hub-episodes"), parts.episode_gap_s
        self._cache = ExecutionCache(_CACHE_BYTES)
        self._queue = WakeQueue(limit, self._start_one)
        self._episodes: set[asyncio.Task[None]] = set()

    @property
    def is_at_rest(self) -> bool:
        """True if no instance is woken, running or resting."""
        return self._queue.is_empty

    def wake(self, instance_ids: Iterable[str]) -> None:
        """These instances may have something in their inbox."""
        self._queue.wake(instance_ids)

    def forget(self, instance_id: str) -> None:
        """Keep nothing of this instance in memory: it was ended from outside."""
        self._cache.take(instance_id)

    async def stop(self, timeout_s: float) -> None:
        """Start no episode any more; those under way may end within `timeout_s`, the rest will be repeated."""
        self._queue.close()
        await finish_or_cancel(self._episodes, timeout_s)
        self._thinking.close()

    def _start_one(self, instance_id: str) -> None:
        task = asyncio.create_task(self._run(instance_id))
        self._episodes.add(task)
        task.add_done_callback(self._episodes.discard)

    async def _run(self, instance_id: str) -> None:
        try:
            gap_s = await self._episode(instance_id)
        except Exception:
            self._logger.exception("An episode of instance '%s' failed in the host and will be repeated", instance_id)
            self._queue.ended(instance_id, gap_s=self._fault_pause_s, again=True)
        else:
            self._queue.ended(instance_id, gap_s=gap_s)

    async def _episode(self, instance_id: str) -> float:
        """One episode; how long the instance must rest now."""
        cached = self._cache.take(instance_id)
        known = None if cached is None else (cached.execution_id, cached.episode)
        loaded = await self._store_thread.run(self._store.load, instance_id, known)
        if loaded is None:
            return 0.0
        try:
            return await self._go_on(loaded, cached)
        except Exception as fault:
            # Only a fault of the store may be gone at the next try; while the host stops, anything may be.
            if is_passing_fault(fault) or self._queue.is_closed:
                raise
            return await self._give_up(loaded, fault)

    async def _go_on(self, loaded: LoadedExecution, cached: CachedExecution | None) -> float:
        prepared = await self._thinking.run(self._prepare, loaded, cached)
        plan = prepared.plan
        if not plan.batch:
            await self._store_thread.run(self._store.discard, plan.dropped)
            return 0.0
        began = time.perf_counter()
        outcome = await self._call(prepared)
        replay_s = time.perf_counter() - began
        result = await self._thinking.run(self._decide, prepared, outcome)
        committed = await self._store_thread.run(self._store.commit, result)
        if committed is not None:
            self._keep(prepared, result, committed)
            self._announce(result, committed)
        return self._gap_s(replay_s, prepared.table.expected_count)

    async def _give_up(self, loaded: LoadedExecution, fault: Exception) -> float:
        """End an instance whose episode the host cannot carry out: it would fail in the same way for ever."""
        execution = loaded.execution
        text = "The host cannot go on with instance '%s' of '%s', so the instance fails"
        self._logger.error(text, execution.instance_id, execution.name, exc_info=fault)
        result = await self._thinking.run(fail_for_fault, execution, loaded.inbox, self._clock.now(), fault)
        committed = await self._store_thread.run(self._store.commit, result)
        if committed is not None:
            self._announce(result, committed)
        return 0.0

    def _prepare(self, loaded: LoadedExecution, cached: CachedExecution | None) -> _Prepared:
        if loaded.past is None:
            assert cached is not None
            past, table = cached.past, cached.table
        else:
            past = loaded.past
            table = TaskTable.from_text(loaded.table_text) if loaded.table_text else TaskTable()
        plan = plan_episode(loaded.execution, table, loaded.inbox, self._clock.now())
        envelope = plan.envelope(past, async_sleep_ms=self._async_sleep_ms)
        return _Prepared(plan, table, past, envelope)

    async def _call(self, prepared: _Prepared) -> str | FunctionFailed | UnknownFunction:
        execution = prepared.plan.execution
        try:
            require_known(execution.name, "orchestrator", self._rules.orchestrator_names)
            return await self._functions.call_orchestrator(
                execution.name, prepared.envelope, instance_id=execution.instance_id
            )
        except (FunctionFailed, UnknownFunction) as failure:
            return failure
        except asyncio.CancelledError as error:
            if is_cancelled_from_outside():
                raise
            return FunctionFailed(execution.name, type(error).__name__, "the call was cancelled", "")

    def _decide(self, prepared: _Prepared, outcome: str | FunctionFailed | UnknownFunction) -> EpisodeResult:
        if isinstance(outcome, UnknownFunction):
            return fail(prepared.plan, str(outcome), next_id=prepared.table.next_id)
        result = conclude(prepared.plan, prepared.table, outcome, self._rules)
        if isinstance(outcome, FunctionFailed) and result.runtime_status is RuntimeStatus.FAILED:
            self._logger.debug("Traceback of '%s': %s", outcome.function_name, outcome.stack)
        return result

    def _keep(self, prepared: _Prepared, result: EpisodeResult, committed: Committed) -> None:
        if result.runtime_status is not RuntimeStatus.RUNNING or result.table_text is None:
            return
        execution, past = result.execution, prepared.past
        text = f"{past},{committed.history_text}" if past else committed.history_text
        prepared.table.forget_answer()
        entry = CachedExecution(
            execution.execution_id, execution.episode + 1, text, prepared.table, len(result.table_text)
        )
        self._cache.put(execution.instance_id, entry)

    def _announce(self, result: EpisodeResult, committed: Committed) -> None:
        instance_id = result.execution.instance_id
        self.wake(committed.woken)
        if result.effects.activities:
            self._listeners.work_added()
        if result.effects.timers:
            self._listeners.timers_changed()
        if result.effects.operations:
            self._listeners.operations_sent({one.entity_id for one in result.effects.operations})
        if result.warning is not None:
            self._logger.warning("%s", result.warning)
        if result.runtime_status is RuntimeStatus.FAILED:
            # Behind the first line follow details for programs; the instance's output has them all.
            reason = (result.output_text or "").partition("\n")[0].rstrip()
            self._logger.error("Instance '%s' failed: %s", instance_id, reason)
        if result.runtime_status.is_terminal:
            self._listeners.instance_ended(instance_id)
