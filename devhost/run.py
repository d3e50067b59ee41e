"""The host process from its options to its exit code, or to its successor."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import traceback
from collections.abc import Coroutine, Iterable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from devhost.config.host_json import HostJson, read_host_json
from devhost.console import RED, RESET, wants_color
from devhost.errors import AppLoadError, ConfigurationError, DevhostError
from devhost.functions.child_processes import end_child_processes
from devhost.life import STOP_SIGNALS, Ending, GaveUp, Restarted, Stopped
from devhost.log_output import configure_logging
from devhost.options import HOST_JSON, LOCAL_SETTINGS, StartOptions
from devhost.preparing import Prepared, prepare
from devhost.reload.file_watch import FileWatch
from devhost.reload.successor import Launch, let_signals_in, read_launch, start_successor
from devhost.reload.watched_files import WatchedFiles
from devhost.standard_streams import guard_standard_streams
from devhost.workers.spawning import spawn_worker
from devhost.workers.worker_count import worker_count

# What takes long to import is imported where it is needed: see devhost.preparing.
if TYPE_CHECKING:
    from devhost.functions.runner import FunctionRunner

EXIT_STOPPED = 0
EXIT_FAILED = 1
_CHILDREN_GRACE_S = 0.3


def run_host(options: StartOptions) -> NoReturn:
    """Run the host until a signal stops it, then leave with the exit code. What went wrong is on stderr."""
    guard_standard_streams()
    launch = read_launch(os.environ)
    # Until the host serves, there is nothing to stop in order; later the event loop takes the signals over.
    for number in STOP_SIGNALS:
        signal.signal(number, _leave_when_told)
    let_signals_in()
    try:
        prepared = prepare(options, launch, leave_at_once=lambda: _leave(EXIT_STOPPED, children_grace_s=0.0))
        try:
            _live(prepared, launch)
        except (AppLoadError, ConfigurationError) as error:
            for warning in prepared.settings.warnings:  # what is missed may stand in the file
                _print_error(warning)
            if not _waits_for_a_cure(options, launch):
                raise
            _wait_for_a_cure(prepared, launch, error)
    except DevhostError as error:
        _show(error)
    # Not by returning: Python would wait for threads that the app has started before it failed.
    _leave(EXIT_FAILED)


def _live(prepared: Prepared, launch: Launch) -> NoReturn:
    options = prepared.options
    host_json = read_host_json(options.script_root / HOST_JSON, os.environ)
    configure_logging(host_json.log_levels, is_verbose=options.is_verbose, user_level=options.user_log_level)
    if options.reload:
        # Before the app is imported: what changes meanwhile is not missed.
        _watch_files(prepared, host_json.watch_files, host_json.watch_directories)
    # From now on the app may read its settings, whatever it does while it is imported.
    count = worker_count(options.workers, os.environ)
    runner = _in_this_process(prepared, host_json) if count == 1 else _in_workers(prepared, host_json, count)
    from devhost.serving import serve

    _run_until_ended(serve(prepared, host_json, runner), prepared, launch)


def _in_this_process(prepared: Prepared, host_json: HostJson) -> "FunctionRunner":
    # All of the host before the app, which may change sys.path or hide a module of Python by one of its own.
    import devhost.serving  # noqa: F401
    from devhost.functions.app_loading import import_app
    from devhost.functions.runner import AppRunner
    from devhost.functions.worker import Worker, thread_count

    worker = Worker(threads=thread_count(os.environ), timeout_s=host_json.function_timeout_s)
    functions = import_app(prepared.options.script_root, os.environ)
    return AppRunner(functions, worker, script_root=prepared.options.script_root)


def _in_workers(prepared: Prepared, host_json: HostJson, count: int) -> "FunctionRunner":
    first = spawn_worker()  # it imports the app while we import the following
    from devhost.functions.worker import thread_count
    from devhost.workers.messages import SetUp
    from devhost.workers.worker_pool import WorkerPool
    from devhost.workers.worker_process import WorkerProcess

    thread_count(os.environ)  # a bad setting is told once here, not by each of them
    options = prepared.options
    set_up = SetUp(
        script_root=str(options.script_root),
        import_path=tuple(sys.path),
        log_levels=dict(host_json.log_levels),
        is_verbose=options.is_verbose,
        user_log_level=options.user_log_level,
    )
    return WorkerPool(
        WorkerProcess(first, set_up),
        lambda: WorkerProcess(spawn_worker(), set_up),
        count=count,
        timeout_s=host_json.function_timeout_s,
        give_up=lambda message: prepared.life.end(GaveUp(message)),
    )


def _run_until_ended(serving: Coroutine[Any, Any, Ending], prepared: Prepared, launch: Launch) -> NoReturn:
    async def live() -> None:
        ending = await serving
        await asyncio.sleep(0.01)  # a signal that came in the last moment has still to reach its handler
        # Leaving is part of it: the end of the loop would wait for what still runs.
        _conclude(prepared.life.ending or ending, prepared, launch)

    # The app may have set a policy for event loops; it is for its own.
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as loop:
        loop.run(live())
    raise AssertionError("the process has left")


def _watch_files(prepared: Prepared, files: Iterable[str] = (), folders: Iterable[str] = ()) -> None:
    root = prepared.options.script_root
    watched = WatchedFiles(
        root,
        files=frozenset((root / name).resolve() for name in (HOST_JSON, LOCAL_SETTINGS, *files)),
        folders=frozenset((root / name).resolve() for name in folders),
        left_out=frozenset({prepared.state.path}),
    )

    def restart(changed: tuple[Path, ...]) -> None:
        names = ", ".join(os.path.relpath(path, root) for path in changed[:3])
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        prepared.life.end(Restarted(f"Changed: {names}{more}.", changed))

    FileWatch(watched, restart).start()


def _waits_for_a_cure(options: StartOptions, launch: Launch) -> bool:
    """Someone is at work on the app: a host that left now would only have to be started again by hand."""
    return options.reload and (launch.is_restart or (sys.stdin.isatty() and sys.stdout.isatty()))


def _wait_for_a_cure(prepared: Prepared, launch: Launch, error: DevhostError) -> NoReturn:
    _show(error)
    print("Every request is answered with 503 until a file changes; then the host tries again.", flush=True)
    if isinstance(error, ConfigurationError):
        _watch_files(prepared)  # nothing is watched yet

    from devhost.serving import serve_nothing

    _run_until_ended(serve_nothing(prepared), prepared, launch)


def _show(error: DevhostError) -> None:
    if isinstance(error, AppLoadError) and error.stack:
        print(error.stack, file=sys.stderr)
    elif isinstance(error, AppLoadError) and error.__cause__ is not None:
        traceback.print_exception(error.__cause__)
    _print_error(str(error))


def _print_error(text: str) -> None:
    painted = f"{RED}{text}{RESET}" if wants_color(sys.stderr, os.environ) else text
    print(painted, file=sys.stderr, flush=True)


def _conclude(ending: Ending, prepared: Prepared, launch: Launch) -> NoReturn:
    if isinstance(ending, Restarted):
        # The event loop, which has the signals so far, does not run any more.
        for number in STOP_SIGNALS:
            signal.signal(number, lambda _number, _frame: prepared.life.end(Stopped()))
        _end_what_the_app_started(_CHILDREN_GRACE_S)
        if isinstance(prepared.life.ending, Restarted):
            _start_again(prepared, launch, ending.changed)
    if isinstance(ending, GaveUp):
        _print_error(ending.message)
        _leave(EXIT_FAILED)
    _leave(EXIT_STOPPED)


def _start_again(prepared: Prepared, launch: Launch, changed: tuple[Path, ...]) -> NoReturn:
    port, lock = prepared.kept_descriptors
    try:
        start_successor(launch, port_descriptor=port, lock_descriptor=lock, changed=changed)
    except OSError as error:
        _print_error(f"The host cannot start again: {error}")
        _leave(EXIT_FAILED)


def _leave_when_told(_number: int, _frame: FrameType | None) -> NoReturn:
    _leave(EXIT_STOPPED)


def _leave(exit_code: int, *, children_grace_s: float = _CHILDREN_GRACE_S) -> NoReturn:
    # Threads of the app cannot be ended in another way, and its leftovers (the SDK never closes its HTTP
    # session) would complain while Python shuts down. Core Tools too kills the worker of the app. Durable work
    # that was under way is repeated at the next start; the system frees the lock of the state folder.
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    _end_what_the_app_started(children_grace_s)
    os._exit(exit_code)


def _end_what_the_app_started(grace_s: float) -> None:
    end_child_processes(grace_s)
    # A signal may have cut into a write, and a reader of our output may be gone: neither may keep us here.
    for flush in (logging.shutdown, sys.stdout.flush, sys.stderr.flush):
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            flush()
