"""One life of the host process: from the options to the exit code."""

import asyncio
import contextlib
import logging
import os
import platform
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from devhost.config.host_json import HostJson, read_host_json
from devhost.console import RED, RESET, console_handler, lowest_level, start_up_lines, wants_color
from devhost.environment import announce_host, load_settings
from devhost.errors import AppLoadError, DevhostError, HostStartError
from devhost.functions.app_loading import load_app
from devhost.functions.child_processes import end_child_processes
from devhost.functions.forked_children import HostBelongings
from devhost.host import Host, Listener, missing_names
from devhost.options import DEFAULT_ADDRESS, DEFAULT_PORT, HOST_JSON, StartOptions
from devhost.state_dir import StateDir
from devhost.timers.timer_loop import time_zone_warnings
from devhost.web.cors import cors_policy
from devhost.web.http_server import bind

EXIT_STOPPED = 0
EXIT_FAILED = 1
_STOP_LIMIT_S = 2.5
_CHILDREN_GRACE_S = 0.5
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_LOCAL_ADDRESSES = frozenset({"127.0.0.1", "0.0.0.0", "::", "::1"})  # noqa: S104 - compared, not bound
_logger = logging.getLogger("devhost.host")


def run_host(options: StartOptions) -> NoReturn:
    """Run the host until a signal stops it, then leave with the exit code. What went wrong is on stderr."""
    # Until the host serves, there is nothing to stop in order; later the event loop takes the signals over.
    for number in _STOP_SIGNALS:
        signal.signal(number, _leave_at_once)
    try:
        _run(options)
    except AppLoadError as error:
        if error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        _fail(error)
    except DevhostError as error:
        _fail(error)


def _leave_at_once(_number: int, _frame: FrameType | None) -> NoReturn:
    _leave(EXIT_STOPPED)


def _fail(error: DevhostError) -> NoReturn:
    text = f"{RED}{error}{RESET}" if wants_color(sys.stderr, os.environ) else str(error)
    print(text, file=sys.stderr, flush=True)
    # Not by returning: Python would wait for threads that the app has started before it failed.
    _leave(EXIT_FAILED)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What is known before the app is imported."""

    host_json: HostJson
    listener: Listener
    warnings: tuple[str, ...]
    errors: tuple[str, ...]
    """What the host goes on without, although the user surely wants it."""


def _run(options: StartOptions) -> NoReturn:
    started = time.monotonic()
    belongings = _claim_belongings()
    prepared = _prepare(options)
    belongings.add_port(prepared.listener.sock.getsockname()[1])
    state = StateDir(options.state_dir)
    belongings.add_file(state.lock())
    only = options.functions or prepared.host_json.functions
    # After this the app may read its settings, whatever it does while it is imported.
    app = load_app(options.script_root, os.environ, only=only)
    host = Host(
        app,
        host_json=prepared.host_json,
        environ=os.environ,
        script_root=options.script_root,
        state=state,
        listener=prepared.listener,
    )
    belongings.add_port(host.rpc_port)
    _warn(prepared, host, missing_names(only, app))
    asyncio.run(_serve(host, prepared, options, belongings, started))
    _leave(EXIT_STOPPED)


def _claim_belongings() -> HostBelongings:
    belongings = HostBelongings()
    for number in _STOP_SIGNALS:
        belongings.add_signal_handler(number)
    belongings.drop_in_forked_children()
    return belongings


def _prepare(options: StartOptions) -> _Prepared:
    root = options.script_root
    if not root.is_dir():
        raise HostStartError(f"The folder {root} does not exist; pass the folder of the app as --script-root.")
    settings, warnings = load_settings(root, os.environ)
    host_json = read_host_json(root / HOST_JSON, os.environ)
    _configure_logging(host_json, options)
    cors = cors_policy(
        settings.cors if options.cors is None else options.cors,
        with_credentials=options.cors_credentials or settings.cors_credentials,
    )
    address = options.address or settings.address or DEFAULT_ADDRESS
    port = next(one for one in (options.port, settings.port, DEFAULT_PORT) if one is not None)
    sock = bind(address, port)
    host_name = f"{'localhost' if address in _LOCAL_ADDRESSES else address}:{sock.getsockname()[1]}"
    announce_host(os.environ, host_name=host_name)
    _order_import_path(root, Path.cwd())
    os.chdir(root)
    all_warnings = (*warnings, *host_json.warnings, *time_zone_warnings(os.environ))
    listener = Listener(sock, f"http://{host_name}", cors, asks_for_keys=options.enable_auth)
    return _Prepared(host_json, listener, all_warnings, settings.warnings)


def _order_import_path(root: Path, launch_folder: Path) -> None:
    # `python -m` puts the folder it was started in first; there, as this package's own folder in PYTHONPATH,
    # it would hide modules of the app. So they follow the app's folder, which itself follows the installed
    # packages, as in the real worker.
    own_folder = Path(__file__).resolve().parent.parent
    later = {own_folder} if own_folder.name != "site-packages" else set()
    if sys.path and Path(sys.path[0] or ".").resolve() == launch_folder.resolve():
        later.add(launch_folder.resolve())
    kept = [entry for entry in sys.path if Path(entry or ".").resolve() not in {root, *later}]
    sys.path[:] = [*kept, str(root), *(str(folder) for folder in sorted(later - {root}))]


def _configure_logging(host_json: HostJson, options: StartOptions) -> None:
    handler = console_handler(
        sys.stdout, host_json.log_levels, is_verbose=options.is_verbose, user_level=options.user_log_level
    )
    is_debugging = os.environ.get("PYTHON_ENABLE_DEBUG_LOGGING") == "1"
    level = lowest_level(host_json.log_levels, user_level=options.user_log_level)
    logging.basicConfig(level=min(level, logging.DEBUG) if is_debugging else level, handlers=[handler], force=True)


def _warn(prepared: _Prepared, host: Host, missing: list[str]) -> None:
    _log_errors(prepared)
    for warning in (*prepared.warnings, *host.warnings):
        _logger.warning("%s", warning)
    for name in missing:
        _logger.warning("The app has no function '%s'; --functions or host.json names it.", name)
    for problem in host.problems:
        _logger.error("%s", problem)


def _log_errors(prepared: _Prepared) -> None:
    for error in prepared.errors:
        _logger.error("%s", error, extra={"always_shown": True})


async def _serve(
    host: Host, prepared: _Prepared, options: StartOptions, belongings: HostBelongings, started: float
) -> None:
    stop_asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop_asked.set)
        belongings.add_signal_handler(number)
    await host.start()
    _print_listing(host, options)
    # Once more, below the list: above it they are easily overlooked.
    _log_errors(prepared)
    _logger.info("Host started (%dms), process %d", (time.monotonic() - started) * 1000, os.getpid())
    await stop_asked.wait()
    try:
        is_idle = await asyncio.wait_for(host.stop(), _STOP_LIMIT_S)
    except TimeoutError:
        is_idle = False
    if not is_idle:
        _logger.warning("Functions were still running; they are cut.")
        # Waiting for them is what the end of the loop would do.
        _leave(EXIT_STOPPED)


def _print_listing(host: Host, options: StartOptions) -> None:
    header = [
        f"Python Functions development host, Python {platform.python_version()}",
        f"Listening on {host.base_url}",
    ]
    if options.enable_auth:
        header.append(f"Keys are required; they are in {StateDir(options.state_dir).keys}")
    use_color = wants_color(sys.stdout, os.environ)
    lines = start_up_lines(header, host.listed_functions(), is_verbose=options.is_verbose, use_color=use_color)
    print("\n".join(lines), flush=True)


def _leave(exit_code: int) -> NoReturn:
    # Threads of the app cannot be ended in another way, and its leftovers (the SDK never closes its HTTP
    # session) would complain while Python shuts down. Core Tools too kills the worker of the app. Durable work
    # that was under way is repeated at the next start; the system frees the lock of the state folder.
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    end_child_processes(_CHILDREN_GRACE_S)
    # A signal may have cut into a write, and a reader of our output may be gone: neither may keep us here.
    for flush in (logging.shutdown, sys.stdout.flush, sys.stderr.flush):
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            flush()
    os._exit(exit_code)
