"""A host from the first answer to the last, inside the event loop."""

import asyncio
import logging
import os
import platform
import signal
import sys
import time
from collections.abc import Iterable

from devhost.config.host_json import HostJson
from devhost.console import start_up_lines, wants_color
from devhost.functions.app_rules import apply_host_rules
from devhost.functions.runner import FunctionRunner
from devhost.host import Host, Listener, missing_names
from devhost.life import STOP_SIGNALS, Ending, Restarted, Stopped
from devhost.options import StartOptions
from devhost.preparing import Prepared
from devhost.state_dir import StateDir
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
    app = apply_host_rules(await runner.start(), os.environ, only=only)
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
    _warn(prepared, (*host_json.warnings, *host.warnings), missing_names(only, app), host.problems)
    _listen_to_signals(prepared)
    await host.start()
    _print_listing(host, options)
    # Once more, below the list: above it they are easily overlooked.
    _log_errors(prepared)
    _logger.info("Host started (%dms), process %d", (time.monotonic() - prepared.started) * 1000, os.getpid())
    ending = await prepared.life.wait()
    if isinstance(ending, Restarted):
        _logger.info("%s The host starts again.", ending.reason, extra={"always_shown": True})
        host.accept_no_more()
        await asyncio.sleep(_LAST_REQUESTS_S)
    await _stop(host, runner)
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


async def _stop(host: Host, runner: FunctionRunner) -> None:
    try:
        await asyncio.wait_for(host.stop(), _STOP_LIMIT_S)
        is_idle = True
    except TimeoutError:
        is_idle = False
    if not (await runner.stop(_RUNNER_STOP_S) and is_idle):
        _logger.warning("Functions were still running; they are cut.")


def _warn(prepared: Prepared, warnings: Iterable[str], missing: Iterable[str], problems: Iterable[str]) -> None:
    _log_errors(prepared)
    for warning in (*prepared.warnings, *warnings):
        _logger.warning("%s", warning)
    for name in missing:
        _logger.warning("The app has no function '%s'; --functions or host.json names it.", name)
    for problem in problems:
        _logger.error("%s", problem)


def _log_errors(prepared: Prepared) -> None:
    for error in prepared.settings.warnings:
        _logger.error("%s", error, extra={"always_shown": True})


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
