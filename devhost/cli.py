"""The command line: `python -m devhost start`, with the flags of `func start`, and `python -m devhost keys`.

Exit codes: 0 after a signal, 1 if the host cannot start, 3 for wrong arguments.
Source: azure-functions-core-tools, Common/ExitCodes.cs.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from devhost.console import LEVELS
from devhost.errors import ConfigurationError
from devhost.options import DEFAULT_STATE_DIR, StartOptions, find_script_root
from devhost.run import EXIT_FAILED, EXIT_STOPPED, run_host
from devhost.state_dir import StateDir
from devhost.web.access_keys import key_lines, read_keys
from devhost.workers.worker_count import MOST_WORKERS, parse_worker_count

EXIT_BAD_ARGUMENTS = 3
_IGNORED_WITH_VALUE = ("--timeout", "--cert", "--password", "--language-worker", "--runtime", "--json-output-file")
_IGNORED = ("--no-build", "--offline", "--pause-on-error", "--useHttps")
_IGNORED_OPTIONAL_VALUE = ("--debug", "--enable-json-output")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print the reason and leave with the exit code for wrong arguments."""
        self.print_usage(sys.stderr)
        self.exit(EXIT_BAD_ARGUMENTS, f"{self.prog}: error: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # `func host start` is the same command as `func start`.
    if words[:2] == ["host", "start"]:
        words.pop(0)
    parsed, unknown = _parser().parse_known_args(words)
    if unknown:
        parsed.command_parser.error(f"unrecognized arguments: {' '.join(unknown)}")  # with the command's own usage
    for flag in _given_ignored(parsed):
        print(f"{flag} has no effect on this host.", file=sys.stderr)
    if parsed.command == "start":
        run_host(_options(parsed))
    return _print_keys(parsed)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m devhost", description="Runs an Azure Functions app (Python v2) locally.")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    start = commands.add_parser("start", help="start the host for the app in the current folder", allow_abbrev=False)
    start.set_defaults(command_parser=start)
    _add_folders(start)
    start.add_argument("--port", "-p", type=_port, help="port of the HTTP listener; 0 takes a free one (7071)")
    start.add_argument("--address", help="address to listen on (127.0.0.1)")
    start.add_argument("--functions", nargs="+", metavar="NAME", help="load only these functions")
    start.add_argument("--verbose", action="store_true", help="show what the host logs about itself")
    start.add_argument("--user-log-level", type=_level, help=f"level of function logs: {', '.join(LEVELS)}")
    start.add_argument("--cors", metavar="ORIGINS", help="answer pages of these origins, separated by commas, or *")
    start.add_argument("--cors-credentials", action="store_true", help="let such pages send cookies")
    start.add_argument("--enable-auth", "--enableAuth", action="store_true", help="ask for keys, as in Azure")
    start.add_argument("--workers", type=_workers, metavar="N", help="processes that run the app, 1 to 10 (1)")
    start.add_argument("--no-reload", action="store_true", help="do not start again when a file of the app changes")
    for flag in _IGNORED_WITH_VALUE:
        names = ("-t", flag) if flag == "--timeout" else (flag,)
        start.add_argument(*names, help=argparse.SUPPRESS)
    for flag in _IGNORED:
        start.add_argument(flag, action="store_true", help=argparse.SUPPRESS)
    for flag in _IGNORED_OPTIONAL_VALUE:
        start.add_argument(flag, nargs="?", const=True, help=argparse.SUPPRESS)
    keys = commands.add_parser("keys", help="list the keys that a host started with --enable-auth asks for")
    keys.set_defaults(command_parser=keys)
    _add_folders(keys)
    return parser


def _add_folders(command: argparse.ArgumentParser) -> None:
    command.add_argument("--script-root", "--prefix", type=Path, help="folder of the app")
    command.add_argument("--state-dir", type=Path, help=f"folder for durable state ({DEFAULT_STATE_DIR} in the app)")


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port number from 0 to 65535")
    return int(text)


def _workers(text: str) -> int:
    count = parse_worker_count(text)
    if count is None:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 to {MOST_WORKERS}")
    return count


def _level(text: str) -> str:
    if text.lower() not in LEVELS:
        raise argparse.ArgumentTypeError(f"'{text}' is not one of {', '.join(LEVELS)}")
    return text


def _given_ignored(parsed: argparse.Namespace) -> list[str]:
    flags = (*_IGNORED_WITH_VALUE, *_IGNORED, *_IGNORED_OPTIONAL_VALUE)
    return [flag for flag in flags if getattr(parsed, flag.removeprefix("--").replace("-", "_"), None)]


def _options(parsed: argparse.Namespace) -> StartOptions:
    script_root, state_dir = _folders(parsed)
    return StartOptions(
        script_root=script_root,
        state_dir=state_dir,
        port=parsed.port,
        address=parsed.address,
        functions=_names(parsed.functions),
        is_verbose=parsed.verbose,
        user_log_level=parsed.user_log_level,
        cors=None if parsed.cors is None else tuple(parsed.cors.split(",")),
        cors_credentials=parsed.cors_credentials,
        enable_auth=parsed.enable_auth,
        workers=parsed.workers,
        reload=not parsed.no_reload,
    )


def _folders(parsed: argparse.Namespace) -> tuple[Path, Path]:
    given_root: Path | None = parsed.script_root
    script_root = given_root.resolve() if given_root else find_script_root(Path.cwd())
    given_state: Path | None = parsed.state_dir
    return script_root, given_state.resolve() if given_state else script_root / DEFAULT_STATE_DIR


def _print_keys(parsed: argparse.Namespace) -> int:
    _, state_dir = _folders(parsed)
    try:
        lines = key_lines(read_keys(StateDir(state_dir).keys))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    print("\n".join(lines))
    return EXIT_STOPPED


def _names(given: Sequence[str] | None) -> tuple[str, ...] | None:
    if given is None:
        return None
    return tuple(name for word in given for name in word.split(",") if name)
