"""One worker process as the host sees it: start it, hand it runs, notice its end, end it."""

import asyncio
import logging
import os
import signal
import threading
from contextlib import suppress

from devhost.errors import AppLoadError, FunctionFailed
from devhost.functions.bindings import RunOutputs
from devhost.functions.description import LoadedFunction
from devhost.functions.failures import failure_of
from devhost.functions.runner import Run, WorkerDied
from devhost.workers.messages import (
    Asked,
    Loaded,
    NotLoaded,
    Raised,
    Returned,
    SetUp,
    encode_message,
    read_message,
)
from devhost.workers.spawning import SpawnedWorker

BUFFER_BYTES = 1024 * 1024
_LAST_WORDS_S = 0.5
_logger = logging.getLogger("devhost.workers")


class WorkerProcess:
    """`serve` it once, from the event loop."""

    def __init__(self, spawned: SpawnedWorker, set_up: SetUp) -> None:
        """`spawned` is this object's from now on."""
        self._process, self._socket, self._set_up = spawned.process, spawned.connection, set_up
        self.pid = self._process.pid
        self.ready_s: float | None = None
        """When the host has taken it into service, on the monotonic clock."""
        self.has_served = False
        """Whether it has brought a run to its end."""
        self.end_reason = ""
        """Why it has ended, or is about to; empty while nothing is known."""
        self._asked: dict[int, tuple[str, asyncio.Future[RunOutputs]]] = {}
        self._last_number = 0
        self._writer: asyncio.StreamWriter | None = None
        self._is_left_alone = False

    @property
    def run_count(self) -> int:
        """Runs under way."""
        return len(self._asked)

    async def serve(self, loaded: "asyncio.Future[tuple[LoadedFunction, ...]]") -> None:
        """Return when the process has ended; its runs have failed then.

        `loaded` becomes the functions as the app's script has them, or AppLoadError.
        """
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._wait, args=(loop, ended), name=f"worker-{self.pid}", daemon=True).start()
        reading = asyncio.create_task(self._read(loaded))
        try:
            await self._until_ended(ended, reading)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            self._fail_all()

    async def run(self, run: Run) -> RunOutputs:
        """The outputs of the run. Raises FunctionFailed, WorkerDied."""
        if self._writer is None or self._writer.is_closing():
            raise WorkerDied(run.function_name, self._death())
        try:
            content = encode_message(Asked(self._last_number + 1, run))
        except Exception as error:
            raise failure_of(run.function_name, error) from error
        self._last_number = number = self._last_number + 1
        answer: asyncio.Future[RunOutputs] = asyncio.get_running_loop().create_future()
        self._asked[number] = run.function_name, answer
        try:
            self._writer.write(content)
            with suppress(ConnectionError):  # the answer says it, too
                await self._writer.drain()
            return await answer
        finally:
            self._asked.pop(number, None)

    def kill(self, reason: str) -> None:
        """End it at once, and everything that it has started."""
        self.end_reason = self.end_reason or reason
        _kill_group(self.pid)

    def leave_alone(self) -> None:
        """From now on someone else ends it, and what it has started."""
        self._is_left_alone = True

    async def _read(self, loaded: "asyncio.Future[tuple[LoadedFunction, ...]]") -> None:
        reader, self._writer = await asyncio.open_unix_connection(sock=self._socket, limit=BUFFER_BYTES)
        try:
            self._writer.write(encode_message(self._set_up))
            while (message := await read_message(reader)) is not None:
                match message:
                    case Loaded(functions):
                        loaded.set_result(functions)
                    case NotLoaded(text, stack):
                        loaded.set_exception(AppLoadError(text, stack=stack))
                    case Returned(number, outputs):
                        self._answer(number, outputs)
                    case Raised(number, error_type, text, stack):
                        self._fail(number, error_type, text, stack)
        except Exception:
            _logger.exception("Worker process %d said something that the host does not understand", self.pid)
        finally:
            self._writer.close()

    async def _until_ended(self, ended: asyncio.Event, reading: "asyncio.Task[None]") -> None:
        waiting = asyncio.create_task(ended.wait())
        try:
            await asyncio.wait([waiting, reading], return_when=asyncio.FIRST_COMPLETED)
            # If it has ended: what it has said before counts. If it has said its last: it should end.
            await asyncio.wait([waiting, reading], timeout=_LAST_WORDS_S)
            if not ended.is_set() and not self._is_left_alone:
                self.kill("it has closed its connection to the host")  # and is of no use without
            await waiting
        finally:
            waiting.cancel()

    def _answer(self, number: int, outputs: RunOutputs) -> None:
        self.has_served = True
        _, answer = self._asked.get(number, ("", None))
        if answer is not None and not answer.done():
            answer.set_result(outputs)

    def _fail(self, number: int, error_type: str, text: str, stack: str) -> None:
        self.has_served = True
        name, answer = self._asked.get(number, ("", None))
        if answer is not None and not answer.done():
            answer.set_exception(FunctionFailed(name, error_type, text, stack))

    def _fail_all(self) -> None:
        for name, answer in self._asked.values():
            if not answer.done():
                answer.set_exception(WorkerDied(name, self._death()))

    def _death(self) -> str:
        return f"The worker process {self.pid}, which ran it, has ended: {self.end_reason}"

    def _wait(self, loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
        code = self._process.wait()
        if not self._is_left_alone:
            _kill_group(self.pid)  # its own children
        self.end_reason = self.end_reason or _described(code)
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(ended.set)


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # nobody is left; macOS: only zombies are
        os.killpg(leader, signal.SIGKILL)


def _described(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
