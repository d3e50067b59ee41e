"""The life of one received message: run, lease kept meanwhile, then deleted, released or moved away.

Source: azure-sdk-for-net, Microsoft.Azure.WebJobs.Extensions.Storage.Common/Shared/Queues/QueueProcessor.cs and
UpdateQueueMessageVisibilityCommand.cs.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from azure.functions.meta import Datum

from devhost.clock import Clock
from devhost.queues.queue_client import (
    MessageGone,
    QueueError,
    QueueNotFound,
    QueueService,
    ReceivedMessage,
    is_queue_name,
    send_creating,
)
from devhost.queues.queue_message import NotText, UndecodableMessage, decode_body, trigger_metadata, trigger_value
from devhost.queues.queue_options import QueueOptions

POISON_SUFFIX = "-poison"
_SHORTEST_RENEWAL_S = 60.0


@dataclass(frozen=True, slots=True)
class QueueFunction:
    """A function with a queue trigger."""

    name: str
    queue: str
    """In lower case, its %SETTING% resolved."""
    connection: str = ""
    """The name of a connection; empty for AzureWebJobsStorage."""
    is_binary: bool = False
    """True for dataType binary: the function gets bytes."""
    is_disabled: bool = False


RunFunction = Callable[[QueueFunction, Datum, Mapping[str, Datum]], Awaitable[bool]]
"""Runs the function once with trigger value and metadata; True if it succeeded. It has logged what went wrong."""


def poison_queue_of(queue: str) -> str | None:
    """Where messages go that fail too often; None for a poison queue, and for a name too long for the suffix."""
    name = f"{queue}{POISON_SUFFIX}"
    return name if not queue.endswith(POISON_SUFFIX) and is_queue_name(name) else None


class MessageRuns:
    """Processes the messages of one function."""

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
    ) -> None:
        """`on_sent` is told the poison queue when a message was moved there."""
        self._function = function
        self._service = service
        self._options = options
        self._run = run
        self._on_sent = on_sent
        self._clock = clock
        self._logger = logger
        self._poison_queue = poison_queue_of(function.queue)

    async def process(self, message: ReceivedMessage) -> None:
        """Run the function and settle the message. A cancelled run shows the message to others again."""
        try:
            if self._poison_queue is not None and message.dequeue_count > self._options.max_dequeue_count:
                await self._move_for_its_count(message, self._poison_queue)
            else:
                await self._run_leased(message)
        except (MessageGone, QueueNotFound) as error:
            self._logger.debug("%s: nothing is left to do with the message (%s).", self._function.name, error)
        except QueueError as error:
            self._logger.error(
                "The message %s of the queue '%s' could not be settled, so it will be seen again: %s.",
                message.id,
                self._function.queue,
                error,
            )

    async def release(self, message: ReceivedMessage, *, hidden_for_s: float = 0.0) -> None:
        """Let the message be received again. Raises QueueError."""
        await self._service.hide(self._function.queue, message, for_s=hidden_for_s)

    async def _run_leased(self, message: ReceivedMessage) -> None:
        try:
            body = decode_body(message.text, is_base64=self._options.is_base64)
        except UndecodableMessage as error:
            await self._set_aside(message, error)
            return
        lease = _Lease(self._function.queue, message, self._service, self._options.lease_s, self._clock, self._logger)
        try:
            has_succeeded = await self._succeeds(message, body)
        except asyncio.CancelledError:
            await self.release(await lease.end())
            raise
        except BaseException:
            await lease.end()
            raise
        await self._settle(await lease.end(), has_succeeded=has_succeeded)

    async def _succeeds(self, message: ReceivedMessage, body: bytes) -> bool:
        try:
            value = trigger_value(body, is_binary=self._function.is_binary)
        except NotText as error:
            self._logger.error("The function '%s' cannot be run: %s", self._function.name, error)
            return False
        return await self._run(self._function, value, trigger_metadata(message, body))

    async def _settle(self, message: ReceivedMessage, *, has_succeeded: bool) -> None:
        if has_succeeded:
            await self._service.delete(self._function.queue, message)
        elif self._poison_queue is None:
            # Not shown again before its lease is over: nothing else would end the loop of failures.
            return
        elif message.dequeue_count >= self._options.max_dequeue_count:
            await self._move_for_its_count(message, self._poison_queue)
        else:
            await self.release(message, hidden_for_s=self._options.visibility_timeout_s)

    async def _set_aside(self, message: ReceivedMessage, error: UndecodableMessage) -> None:
        where = "it stays hidden for now" if self._poison_queue is None else f"moving it to '{self._poison_queue}'"
        self._logger.error(
            "The message %s of the queue '%s' cannot be decoded, %s: %s", message.id, self._function.queue, where, error
        )
        if self._poison_queue is not None:
            await self._move(message, self._poison_queue)

    async def _move_for_its_count(self, message: ReceivedMessage, poison_queue: str) -> None:
        self._logger.warning(
            "Message %s of the queue '%s' has reached MaxDequeueCount of %d. Moving message to queue '%s'.",
            message.id,
            self._function.queue,
            self._options.max_dequeue_count,
            poison_queue,
        )
        await self._move(message, poison_queue)

    async def _move(self, message: ReceivedMessage, poison_queue: str) -> None:
        # As stored, so that nothing is lost; in this order, since a copy too many does less harm than a loss.
        await send_creating(self._service, poison_queue, message.text)
        self._on_sent(poison_queue)
        await self._service.delete(self._function.queue, message)


class _Lease:
    """Keeps a message hidden while its function runs."""

    def __init__(
        self,
        queue: str,
        message: ReceivedMessage,
        service: QueueService,
        lease_s: float,
        clock: Clock,
        logger: logging.Logger,
    ) -> None:
        self._queue, self._message, self._service = queue, message, service
        self._lease_s, self._clock, self._logger = lease_s, clock, logger
        self._renewing = asyncio.Lock()
        self._task = asyncio.create_task(self._renew_again_and_again(), name=f"lease {message.id}")

    async def end(self) -> ReceivedMessage:
        """Stop; the message with the receipt that is valid now."""
        # A renewal under way must come to its end: cut off, its new receipt would be lost.
        async with self._renewing:
            self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        return self._message

    async def _renew_again_and_again(self) -> None:
        pause_s = self._lease_s / 2
        while True:
            await self._clock.sleep(pause_s)
            async with self._renewing:
                try:
                    self._message = await self._service.hide(self._queue, self._message, for_s=self._lease_s)
                except (MessageGone, QueueNotFound):
                    return
                except QueueError as error:
                    self._logger.warning("The message %s could not be kept hidden: %s.", self._message.id, error)
                    # Sooner, before the lease is over.
                    pause_s = max(pause_s / 2, min(_SHORTEST_RENEWAL_S, self._lease_s / 8))
                else:
                    pause_s = self._lease_s / 2
