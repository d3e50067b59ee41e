"""Runs batches of operations: load, call the entity function, commit, wake the callers."""

import asyncio
from collections.abc import Callable, Iterable

from devhost.background import finish_or_cancel, is_cancelled_from_outside
from devhost.durable.entities.batch import (
    BatchAnswerUnusable,
    BatchResult,
    LoadedBatch,
    batch_request,
    conclude_batch,
    fail_batch,
)
from devhost.durable.entities.entity import EntityId
from devhost.durable.errors import UnknownFunction
from devhost.durable.runners.runner_tools import RunnerTools
from devhost.durable.runners.wake_queue import WakeQueue
from devhost.durable.store.database import is_passing_fault
from devhost.errors import FunctionFailed, text_of


class EntityRunner:
    """Runs woken entities, one batch of each at a time, `limit` entities at once.

    A batch that was not committed is run again on the old state, so every operation changes the state once.
    """

    def __init__(
        self, tools: RunnerTools, *, limit: int, max_batch_size: int, wake_callers: Callable[[Iterable[str]], None]
    ) -> None:
        self._store, self._store_thread = tools.store.entities, tools.store_thread
        self._functions, self._clock, self._logger = tools.functions, tools.clock, tools.logger
        self._max_batch_size, self._wake_callers = max_batch_size, wake_callers
        self._fault_pause_s = tools.fault_pause_s
        self._queue = WakeQueue(limit, self._start_one)
        self._batches: set[asyncio.Task[None]] = set()

    @property
    def is_at_rest(self) -> bool:
        """True if no entity is woken or running."""
        return self._queue.is_empty

    def wake(self, entity_ids: Iterable[EntityId]) -> None:
        """These entities may have operations waiting."""
        self._queue.wake([str(one) for one in entity_ids])

    async def stop(self, timeout_s: float) -> None:
        """Start no batch any more; those under way may end within `timeout_s`, the rest will be repeated."""
        self._queue.close()
        await finish_or_cancel(self._batches, timeout_s)

    def _start_one(self, entity_id: str) -> None:
        task = asyncio.create_task(self._run(EntityId.parse(entity_id)))
        self._batches.add(task)
        task.add_done_callback(self._batches.discard)

    async def _run(self, entity_id: EntityId) -> None:
        try:
            has_more = await self._batch(entity_id)
        except Exception:
            self._logger.exception("A batch of entity '%s' failed in the host and will be repeated", entity_id)
            self._queue.ended(str(entity_id), gap_s=self._fault_pause_s, again=True)
        else:
            self._queue.ended(str(entity_id), gap_s=0.0, again=has_more)

    async def _batch(self, entity_id: EntityId) -> bool:
        """Run one batch; True if more operations wait."""
        loaded = await self._load(entity_id, self._max_batch_size)
        if loaded is None:
            return False
        try:
            return await self._perform(loaded)
        except Exception as fault:
            if self._may_pass(fault):
                raise
            if len(loaded.operations) == 1:
                return await self._give_up(loaded, fault)
            text = "A batch of %d operations of entity '%s' failed as a whole, so they are run one by one: %s"
            self._logger.warning(text, len(loaded.operations), entity_id, _describe(fault))
        return await self._one_by_one(entity_id, len(loaded.operations))

    async def _one_by_one(self, entity_id: EntityId, count: int) -> bool:
        """The next `count` operations, each in a batch of its own: one that spoils its batch fails alone."""
        for _ in range(count):
            loaded = await self._load(entity_id, 1)
            if loaded is None:
                return False
            try:
                await self._perform(loaded)
            except Exception as fault:
                if self._may_pass(fault):
                    raise
                await self._give_up(loaded, fault)
        return True

    def _may_pass(self, fault: Exception) -> bool:
        """True if the next try may succeed: a fault of the disk; while the host stops, anything may be."""
        return is_passing_fault(fault) or self._queue.is_closed

    async def _load(self, entity_id: EntityId, limit: int) -> LoadedBatch | None:
        return await self._store_thread.run(self._store.load_batch, entity_id, limit)

    async def _perform(self, loaded: LoadedBatch) -> bool:
        answer = await self._call(loaded)
        return await self._commit(conclude_batch(loaded, answer, self._clock.now()))

    async def _call(self, loaded: LoadedBatch) -> str:
        name, instance_id = loaded.entity_id.name, str(loaded.entity_id)
        try:
            return await self._functions.call_entity(name, batch_request(loaded), instance_id=instance_id)
        except asyncio.CancelledError as error:
            if is_cancelled_from_outside():
                raise
            raise FunctionFailed(name, type(error).__name__, "the call was cancelled", "") from error

    async def _commit(self, result: BatchResult) -> bool:
        committed = await self._store_thread.run(self._store.commit_batch, result)
        if committed is None:
            return True  # purged meanwhile: whatever has come since is a new beginning
        self._wake_callers(committed.woken)
        return committed.has_more

    async def _give_up(self, loaded: LoadedBatch, fault: Exception) -> bool:
        """The one operation fails; the state stays as it was."""
        (only,) = loaded.operations
        kind = "signal" if only.operation.caller is None else "call"
        text = "The %s of operation '%s' of entity '%s' failed and changes nothing: %s"
        # The traceback of the app's own code is in the log already.
        cause = None if isinstance(fault, FunctionFailed | UnknownFunction | BatchAnswerUnusable) else fault
        self._logger.error(text, kind, only.operation.name, loaded.entity_id, _describe(fault), exc_info=cause)
        return await self._commit(fail_batch(loaded, _describe(fault), self._clock.now()))


def _describe(fault: Exception) -> str:
    if isinstance(fault, FunctionFailed):
        return f"Entity function '{fault.function_name}' failed: {fault.error_type}: {fault.message}"
    if isinstance(fault, UnknownFunction | BatchAnswerUnusable):
        return str(fault)
    return f"The host could not carry out this operation: {type(fault).__name__}: {text_of(fault)}"
