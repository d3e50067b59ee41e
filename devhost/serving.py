"""A host from the first answer to the last, inside the event loop."""

import asyncio
import logging
import os
import platform
import signal
import sys
import time
from collections.abc import Iterable, Mapping

from devhost.config.host_json import HostJson
from devhost.console import start_up_lines, verbose_hint, wants_color
from devhost.functions.app_rules import apply_host_rules
from devhost.functions.runner import FunctionRunner
from devhost.host import Host, Listener, missing_warnings
from devhost.life import STOP_SIGNALS, Ending, Restarted, Stopped
from devhost.options import LOCAL_SETTINGS
from devhost.preparing import Prepared
from devhost.web.cors import cors_policy
from devhost.web.http_server import HttpServer
from devhost.web.not_running import answer_not_running

_STOP_LIMIT_S = 1.6
_RUNNER_STOP_S = 0.2
# A connection that was accepted a moment ago has still to send its request.
_LAST_REQUESTS_S = 0.05
_logger = logging.getLogger("devhost.host")


async def serve(prepared: Prepared, host_json: HostJson, runner: FunctionRunner) -> Ending:
    """Load the app, serve it until something ends this life, stop in order; why it has ended.

    Raises DevhostError if the app or something that the host needs is unusable.
    """
    options = prepared.options
    listener = _listener(prepared)
    only = options.functions or host_json.functions
    functions = await runner.start()
    app = apply_host_rules(functions, os.environ, only=only)
    host = Host(
        app,
        runner,
        host_json=host_json,
        environ=os.environ,
        script_root=options.script_root,
        state=prepared.state,
        listener=listener,
        restart=lambda: prepared.life.end(Restarted("A restart was asked for over /admin.")),
    )
    prepared.belongings.add_port(host.rpc_port)
    missing = missing_warnings(only, functions)
    _warn(prepared, (*host_json.warnings, *host.warnings, *missing), host.problems)
    _listen_to_signals(prepared)
    await host.start()
    _print_listing(host, prepared, host_json.log_levels)
    # Once more, below the list: above it they are easily overlooked.
    _log_errors(prepared)
    _logger.info("Host started (%dms), process %d", (time.monotonic() - prepared.started) * 1000, os.getpid())
    ending = await prepared.life.wait()
    if isinstance(ending, Restarted):
        _logger.info("%s The host starts again.", ending.reason, extra={"always_shown": True})
        host.accept_no_more()
        await asyncio.sleep(_LAST_REQUESTS_S)
    if isinstance(ending, Stopped):
        _logger.info("Stopping.", extra={"always_shown": True})
    is_idle = await _stop(host, runner)
    if isinstance(ending, Stopped):
        text = "Stopped." if is_idle else "Stopped; durable work that was cut is repeated at the next start."
        _logger.info("%s", text, extra={"always_shown": True})
    return ending


async def serve_nothing(prepared: Prepared) -> Ending:
    """Answer 503 until something ends this life; why it has ended."""
    _listen_to_signals(prepared)
    server = HttpServer(answer_not_running, prepared.sock)
    await server.start()
    ending = await prepared.life.wait()
    server.accept_no_more()
    await asyncio.sleep(_LAST_REQUESTS_S)
    await server.stop()
    return ending


def _listener(prepared: Prepared) -> Listener:
    options, settings = prepared.options, prepared.settings
    cors = cors_policy(
        settings.cors if options.cors is None else options.cors,
        with_credentials=options.cors_credentials or settings.cors_credentials,
    )
    return Listener(prepared.sock, prepared.base_url, cors, asks_for_keys=options.enable_auth)


def _listen_to_signals(prepared: Prepared) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        prepared.life.end(Stopped())
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, lambda _number, _frame: prepared.leave_at_once())

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop)
        prepared.belongings.add_signal_handler(number)


async def _stop(host: Host, runner: FunctionRunner) -> bool:
    try:
        await asyncio.wait_for(host.stop(), _STOP_LIMIT_S)
        is_idle = True
    except TimeoutError:
        is_idle = False
    is_idle = await runner.stop(_RUNNER_STOP_S) and is_idle
    if not is_idle:
        _logger.warning("Functions were still running; they are cut.")
    return is_idle


def _warn(prepared: Prepared, warnings: Iterable[str], problems: Iterable[str]) -> None:
    _log_errors(prepared)
    for warning in (*prepared.warnings, *warnings):
        _logger.warning("%s", warning)
    for problem in problems:
        # It asks for a setting that may well stand in the file.
        is_ignored = prepared.settings.warnings and LOCAL_SETTINGS in problem
        more = f" {LOCAL_SETTINGS} is ignored at present, see above." if is_ignored else ""
        _logger.error("%s%s", problem, more)


def _log_errors(prepared: Prepared) -> None:
    for error in prepared.settings.warnings:
        _logger.error("%s", error, extra={"always_shown": True})


def _print_listing(host: Host, prepared: Prepared, log_levels: Mapping[str, str]) -> None:
    options = prepared.options
    header = [
        f"Python Functions development host, Python {platform.python_version()}",
        f"Listening on {host.base_url}",
    ]
    if options.enable_auth:
        header.append(f"Keys are required; they are in {prepared.state.keys}")
    use_color = wants_color(sys.stdout, os.environ)
    hint = verbose_hint(log_levels, is_verbose=options.is_verbose)
    lines = start_up_lines(
        header, host.listed_functions(), has_problems=bool(host.problems), hint=hint, use_color=use_color
    )
    print("\n".join(lines), flush=True)
