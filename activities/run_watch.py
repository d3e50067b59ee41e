"""Ends a step within a moment of its run's end, whatever it is waiting for.

One look at the ticket per run and process serves all steps that work there at the same time.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any
from weakref import WeakKeyDictionary

from activities.fence import Standing, standing_by_ticket
from orchestrations import names
from scraper.run_log import run_logger
from storage.account.tables import Tables
from storage.store import Store

POLL_S = 0.1

logger = run_logger(__name__)


class RunEnded(Exception):
    """The run was stopped at once, or overtaken, while a step of it worked; `standing` says which."""

    def __init__(self, standing: Standing) -> None:
        super().__init__(standing.reason)
        self.standing = standing


@asynccontextmanager
async def until_run_ends(store: Store, payload: Mapping[str, Any]) -> AsyncIterator[None]:
    """Run the block for the run of `payload` (`run_id`, `epoch`); if that run ends, cancel it and raise RunEnded."""
    task = asyncio.current_task()
    assert task is not None, "activities are tasks of the worker's loop"
    is_cancelled = False

    def cancel() -> None:
        nonlocal is_cancelled
        is_cancelled = True
        task.cancel()

    watch = _enter(store, payload, cancel)
    try:
        yield
    except BaseException as fault:
        # What breaks while it is being cancelled breaks because of that, unless somebody else cancels us as well.
        if is_cancelled and task.uncancel() == 0:
            raise _cancelled(watch) from fault
        raise
    else:
        if is_cancelled:  # something in the block has swallowed it
            task.uncancel()
            raise _cancelled(watch)
    finally:
        _leave(store, payload, cancel)


def _cancelled(watch: "_Watch") -> RunEnded:
    logger.info("cancelled: %s", watch.ended_as.reason)
    return RunEnded(watch.ended_as)


class _Watch:
    """Looks at the ticket of one run, for all `steps` of it that work here: each is how to cancel one."""

    def __init__(self, store: Store, payload: Mapping[str, Any]) -> None:
        self.ended_as = Standing("goes_on")
        self.steps: set[Callable[[], None]] = set()
        self._store, self._payload = store, payload
        self.looking = asyncio.create_task(self._look())

    @property
    def has_ended(self) -> bool:
        """True once the run has ended; `ended_as` says how."""
        return self.ended_as.code in {"stopped", "superseded"}

    async def _look(self) -> None:
        while not self.has_ended:
            await asyncio.sleep(POLL_S)
            with suppress(Exception):  # storage that is away is met by the steps themselves
                ticket = await self._store.tickets.read(names.DAILY_SCRAPE)
                self.ended_as = standing_by_ticket(ticket, self._payload)
        for cancel in tuple(self.steps):
            cancel()


_Key = tuple[Tables, str, int]
_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[_Key, _Watch]] = WeakKeyDictionary()


def _enter(store: Store, payload: Mapping[str, Any], cancel: Callable[[], None]) -> _Watch:
    """The watch of the run, with one more step. Raises RunEnded if it has seen the run's end already."""
    watches = _watches.setdefault(asyncio.get_running_loop(), {})
    key = _key(store, payload)
    watch = watches.get(key)
    if watch is None:
        watch = watches[key] = _Watch(store, payload)
    if watch.has_ended:
        raise RunEnded(watch.ended_as)
    watch.steps.add(cancel)
    return watch


def _leave(store: Store, payload: Mapping[str, Any], cancel: Callable[[], None]) -> None:
    """One step less; with the last one the looking ends."""
    watches = _watches[asyncio.get_running_loop()]
    watch = watches[_key(store, payload)]
    watch.steps.discard(cancel)
    if not watch.steps:
        watch.looking.cancel()
        del watches[_key(store, payload)]


def _key(store: Store, payload: Mapping[str, Any]) -> _Key:
    return store.tables, payload["run_id"], payload["epoch"]
