"""A worker process from inside: imports the app, runs what the host asks for, and ends with the host."""

import asyncio
import os
import select
import signal
import socket
import sys
import threading
import traceback
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

from devhost.errors import AppLoadError, DevhostError, FunctionFailed, encodable
from devhost.functions.app_loading import import_app
from devhost.functions.failures import failure_of
from devhost.functions.forked_children import HostBelongings
from devhost.functions.runner import AppRunner
from devhost.functions.worker import Worker, thread_count
from devhost.log_output import configure_logging
from devhost.standard_streams import guard_standard_streams
from devhost.workers.messages import (
    Asked,
    Loaded,
    Message,
    NotLoaded,
    Raised,
    Returned,
    SetUp,
    encode_message,
    read_message,
    receive_message,
)
from devhost.workers.worker_process import BUFFER_BYTES


def main(descriptor: int) -> NoReturn:
    """The life of a worker process; `descriptor` is its end of the connection to the host."""
    guard_standard_streams()
    connection = socket.socket(fileno=descriptor)
    connection.set_inheritable(False)
    threading.Thread(target=_end_with_host, args=(descriptor,), name="host-guard", daemon=True).start()
    belongings = HostBelongings()
    belongings.add_file(descriptor)
    belongings.drop_in_forked_children()
    set_up = receive_message(connection)
    if not isinstance(set_up, SetUp):
        _end_group()
    _prepare(set_up)
    script_root = Path(set_up.script_root)
    try:
        worker = Worker(threads=thread_count(os.environ))
        functions = import_app(script_root, os.environ)
    except DevhostError as error:
        connection.sendall(encode_message(_not_loaded(error)))
        signal.pause()  # until the host has read it and ends us
        _end_group()
    # The app may have set a policy for event loops; it is for its own.
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as loop:
        loop.run(_serve(connection, AppRunner(functions, worker, script_root=script_root)))
    _end_group()


def _prepare(set_up: SetUp) -> None:
    sys.path[:] = set_up.import_path
    for stream in (sys.stdout, sys.stderr):
        # Nothing may be lost when the process is killed, and lines of several processes must not mix.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(line_buffering=True)
    configure_logging(set_up.log_levels, is_verbose=set_up.is_verbose, user_level=set_up.user_log_level)


def _not_loaded(error: DevhostError) -> NotLoaded:
    cause = error.__cause__ if isinstance(error, AppLoadError) else None
    stack = "" if cause is None else "".join(traceback.format_exception(cause))
    return NotLoaded(encodable(str(error)), encodable(stack))


def _end_with_host(descriptor: int) -> None:
    """Wait for the host's end, however it ends, and whatever the other threads are busy with."""
    poll = select.poll()
    poll.register(descriptor, 0)  # only the end of the connection, which is always told
    poll.poll()
    _end_group()


def _end_group() -> NoReturn:
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


async def _serve(connection: socket.socket, runner: AppRunner) -> None:
    reader, writer = await asyncio.open_unix_connection(sock=connection, limit=BUFFER_BYTES)
    writer.write(encode_message(Loaded(await runner.start())))
    under_way: set[asyncio.Task[None]] = set()
    while (message := await read_message(reader)) is not None:
        if isinstance(message, Asked):
            task = asyncio.create_task(_answer(message, runner, writer))
            under_way.add(task)
            task.add_done_callback(under_way.discard)


async def _answer(asked: Asked, runner: AppRunner, writer: asyncio.StreamWriter) -> None:
    writer.write(_encoded(asked, await _outcome(asked, runner)))
    await writer.drain()


async def _outcome(asked: Asked, runner: AppRunner) -> Message:
    try:
        return Returned(asked.number, await runner.run(asked.run))
    except FunctionFailed as failed:
        return _raised(asked.number, failed)
    except BaseException as error:  # noqa: BLE001 - the host waits for an answer in any case
        return _raised(asked.number, failure_of(asked.run.function_name, error))


def _encoded(asked: Asked, answer: Message) -> bytes:
    try:
        return encode_message(answer)
    except Exception as error:  # noqa: BLE001 - pickling runs code of the app's classes
        return encode_message(_raised(asked.number, failure_of(asked.run.function_name, error)))


def _raised(number: int, failed: FunctionFailed) -> Raised:
    return Raised(number, failed.error_type, failed.message, failed.stack)
