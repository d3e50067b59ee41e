"""Looks for messages of one queue function, and runs them.

Source: azure-sdk-for-net, Microsoft.Azure.WebJobs.Extensions.Storage.Common/Shared/Queues/QueueListener.cs.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from devhost.back_off import BackOff
from devhost.background import first_of
from devhost.clock import Clock
from devhost.errors import ConfigurationError
from devhost.queues.message_runs import MessageRuns, QueueFunction, RunFunction
from devhost.queues.queue_client import QueueError, QueueNotFound, QueueService, ReceivedMessage
from devhost.queues.queue_options import QueueOptions

_SHORTEST_PAUSE_S = 0.1
_RELEASE_S = 0.5


class QueueListener:
    """One queue function of this host. `start` it once inside an event loop, `stop` it once."""

    def __init__(
        self,
        function: QueueFunction,
        *,
        service: QueueService,
        options: QueueOptions,
        run: RunFunction,
        on_sent: Callable[[str], None],
        clock: Clock,
        logger: logging.Logger,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`on_sent` is told the name of a poison queue that has got a message; `jitter` gives 0 to below 1."""
        self.function = function
        self._service = service
        self._options = options
        self._clock = clock
        self._logger = logger
        self._messages = MessageRuns(
            function, service=service, options=options, run=run, on_sent=on_sent, clock=clock, logger=logger
        )
        self._back_off = BackOff(_SHORTEST_PAUSE_S, options.max_polling_interval_s, random=jitter)
        self._runs: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._is_stopping = False
        self._has_queue = False
        self._next_look_at: datetime | None = None
        self._complaint = ""
        self._woken = asyncio.Event()
        self._run_ended = asyncio.Event()

    @property
    def is_at_rest(self) -> bool:
        """True if no message is being processed, and nobody looks for one before `next_look_at`."""
        if self._looking is None:
            return not self._runs
        is_pausing = self._next_look_at is not None and self._next_look_at > self._clock.now()
        return is_pausing and not self._woken.is_set() and not self._runs

    @property
    def next_look_at(self) -> datetime | None:
        """When the listener looks for messages again; None while it does so."""
        return self._next_look_at

    def start(self) -> None:
        """Begin to look; returns at once."""
        self._looking = asyncio.create_task(self._look_again_and_again(), name=f"queue {self.function.queue}")

    def wake(self) -> None:
        """Look now: this host has just sent a message to the queue."""
        self._woken.set()

    async def stop(self, *, grace_s: float) -> None:
        """Receive nothing more; runs under way get `grace_s` seconds, then they are cut and their messages shown
        to others. A second stop, or one before the start, does nothing.
        """
        if self._looking is None:
            return
        self._is_stopping = True
        self._woken.set()
        self._run_ended.set()
        ending = {self._looking, *self._runs}
        self._looking = None
        _, late = await asyncio.wait(ending, timeout=grace_s)
        for task in late:
            task.cancel()
        if late:
            _, stuck = await asyncio.wait(late, timeout=_RELEASE_S)
            if stuck:
                self._logger.warning(
                    "%d messages of the queue '%s' could not be released; they are seen again after %g s.",
                    len(stuck),
                    self.function.queue,
                    self._options.lease_s,
                )

    async def _look_again_and_again(self) -> None:
        while not self._is_stopping:
            try:
                messages = await self._receive()
            except QueueError as error:
                self._complain(f"Messages for '{self.function.name}' cannot be received: {error}.", logging.ERROR)
                messages = []
            except Exception:
                self._logger.exception("The queue '%s' could not be read; trying again.", self.function.queue)
                messages = []
            if not messages:
                await self._pause(self._back_off.next_s())
                continue
            self._back_off.reset()
            if self._is_stopping:
                await self._give_back(messages)
            else:
                self._begin(messages)
                await self._wait_for_room()

    async def _receive(self) -> list[ReceivedMessage]:
        queue = self.function.queue
        # Every error may mean that the queue is gone.
        is_there, self._has_queue = self._has_queue, False
        if not is_there and not await self._service.exists(queue):
            self._complain(
                f"The queue '{queue}' of the function '{self.function.name}' does not exist. The trigger does not "
                "create it; messages are received as soon as someone does.",
                logging.WARNING,
            )
            return []
        try:
            messages = await self._service.receive(
                queue, count=self._options.batch_size, hidden_for_s=self._options.lease_s
            )
        except QueueNotFound:
            return []
        self._has_queue = True
        if self._complaint:
            self._logger.warning("The queue '%s' can be read now.", queue)
            self._complaint = ""
        return messages

    def _complain(self, text: str, level: int) -> None:
        # Once, not with every look.
        if text != self._complaint:
            self._logger.log(level, "%s", text)
        self._complaint = text

    def _begin(self, messages: list[ReceivedMessage]) -> None:
        for message in messages:
            run = asyncio.create_task(self._messages.process(message), name=f"message {message.id}")
            self._runs.add(run)
            run.add_done_callback(self._end)

    def _end(self, run: asyncio.Task[None]) -> None:
        self._runs.discard(run)
        self._run_ended.set()
        if not run.cancelled() and run.exception() is not None:
            text = "A message of the queue '%s' could not be processed; it is seen again after %g s."
            self._logger.error(text, self.function.queue, self._options.lease_s, exc_info=run.exception())

    async def _give_back(self, messages: list[ReceivedMessage]) -> None:
        await asyncio.gather(*(self._messages.release(message) for message in messages), return_exceptions=True)

    async def _wait_for_room(self) -> None:
        while len(self._runs) > self._options.new_batch_threshold and not self._is_stopping:
            self._run_ended.clear()
            await self._run_ended.wait()

    async def _pause(self, seconds: float) -> None:
        try:
            await first_of(self._nap(seconds), self._woken.wait())
        finally:
            self._next_look_at = None
        if not self._is_stopping:
            self._woken.clear()

    async def _nap(self, seconds: float) -> None:
        # Not before it sleeps: a clock that is moved in between would let it sleep too long.
        self._next_look_at = self._clock.now() + timedelta(seconds=seconds)
        await self._clock.sleep(seconds)


class QueueListeners:
    """The listeners of one host: one per queue function that is not disabled."""

    def __init__(
        self,
        functions: list[QueueFunction],
        *,
        options: QueueOptions,
        run: RunFunction,
        service_of: Callable[[str], QueueService],
        clock: Clock,
        logger: logging.Logger,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`service_of` gives the service of a connection's name; it is called inside the event loop.

        `jitter` is that of QueueListener.
        """
        self._functions = [function for function in functions if not function.is_disabled]
        self._options, self._run, self._service_of = options, run, service_of
        self._clock, self._logger, self._jitter = clock, logger, jitter
        self._listeners: list[QueueListener] = []

    async def start(self) -> None:
        """Begin to look for messages; returns before any function has been called.

        A function whose connection is unusable is left out, and the log says why.
        """
        self._listeners = []
        for function in self._functions:
            try:
                self._listeners.append(self._new_listener(function))
            except ConfigurationError as error:
                self._logger.error("The function '%s' receives no messages: %s", function.name, error)
        for listener in self._listeners:
            listener.start()

    def _new_listener(self, function: QueueFunction) -> QueueListener:
        return QueueListener(
            function,
            service=self._service_of(function.connection),
            options=self._options,
            run=self._run,
            on_sent=self.wake,
            clock=self._clock,
            logger=self._logger,
            jitter=self._jitter,
        )

    @property
    def is_at_rest(self) -> bool:
        """True if no message is being processed or looked for."""
        return all(listener.is_at_rest for listener in self._listeners)

    @property
    def next_at(self) -> datetime | None:
        """When a listener looks for messages next; None if there is none that waits."""
        moments = (listener.next_look_at for listener in self._listeners)
        return min((moment for moment in moments if moment is not None), default=None)

    def wake(self, queue: str) -> None:
        """This host has sent a message to `queue`, in whichever account: its listeners look at once."""
        for listener in self._listeners:
            if listener.function.queue == queue:
                listener.wake()

    async def stop(self, *, grace_s: float) -> None:
        """Stop all listeners at the same time."""
        await asyncio.gather(*(listener.stop(grace_s=grace_s) for listener in self._listeners))
