"""A queue listener on memory queues whose time the test owns."""

from __future__ import annotations

import base64
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from azure.functions.meta import Datum

from devhost.queues.memory_queues import MemoryQueues
from devhost.queues.message_runs import QueueFunction
from devhost.queues.queue_listener import QueueListeners
from devhost.queues.queue_options import QueueOptions
from tests.helpers.manual_clock import ManualClock

Answer = Callable[[str], Awaitable[bool]]
LOGGER = logging.getLogger("tests.queues")


def base64_text(text: str) -> str:
    """The text as the host stores it by default."""
    return base64.b64encode(text.encode()).decode()


@dataclass
class QueueHost:
    """One queue function; `answer` decides how each run ends, by the text of its message."""

    clock: ManualClock = field(default_factory=ManualClock)
    options: QueueOptions = field(default_factory=QueueOptions)
    queue: str = "work"
    answer: Answer | None = None
    function_name: str = "handle"

    def __post_init__(self) -> None:
        self.service = MemoryQueues(self.clock)
        self.runs: list[tuple[float, str]] = []
        self.metadata: list[Mapping[str, Datum]] = []
        self.running = 0
        self.most_running = 0
        self._started_at = self.clock.now()
        self._listeners = self._new_listeners()

    def _new_listeners(self) -> QueueListeners:
        return QueueListeners(
            [QueueFunction(self.function_name, self.queue)],
            options=self.options,
            run=self._run,
            service_of=lambda _connection: self.service,
            clock=self.clock,
            logger=LOGGER,
        )

    @property
    def texts(self) -> list[str]:
        """The messages that have been run, in order."""
        return [text for _, text in self.runs]

    @property
    def elapsed_s(self) -> float:
        """The seconds of the clock since the test began."""
        return (self.clock.now() - self._started_at).total_seconds()

    async def send(self, *texts: str, raw: bool = False) -> None:
        """Put messages into the queue, which is created."""
        await self.service.create(self.queue)
        for text in texts:
            await self.service.send(self.queue, text if raw else base64_text(text))

    def wake(self) -> None:
        """As if this host had sent a message."""
        self._listeners.wake(self.queue)

    async def start(self) -> None:
        """Start to listen."""
        await self._listeners.start()
        await self.clock.settle()

    async def stop(self, *, grace_s: float = 0.05) -> None:
        """Stop to listen."""
        await self._listeners.stop(grace_s=grace_s)

    async def restart(self) -> None:
        """A new listener on the same queues."""
        self._listeners = self._new_listeners()
        await self.start()

    async def _run(self, _function: QueueFunction, value: Datum, metadata: Mapping[str, Datum]) -> bool:
        self.runs.append((self.elapsed_s, str(value.value)))
        self.metadata.append(metadata)
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        try:
            return True if self.answer is None else await self.answer(str(value.value))
        finally:
            self.running -= 1


@asynccontextmanager
async def listening(host: QueueHost) -> AsyncIterator[QueueHost]:
    """The host, listening until the block ends."""
    await host.start()
    try:
        yield host
    finally:
        await host.stop()


def quick(**changes: object) -> QueueOptions:
    """The default options with some changed."""
    return replace(QueueOptions(), **changes)  # type: ignore[arg-type]
