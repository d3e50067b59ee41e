"""Histories from the command line: `python -m devhost.testing record` and `check`."""

import argparse
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from devhost.durable.protocol import Event
from devhost.durable.store.rows import parse_events, read_history
from devhost.errors import DevhostError
from devhost.options import DEFAULT_STATE_DIR
from devhost.testing.errors import KitError, ReplayBroken
from devhost.testing.replay.check import replayed
from devhost.testing.replay.records import record


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if all is well, 1 with a message on stderr if not."""
    parser = argparse.ArgumentParser(prog="python -m devhost.testing", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    recording = commands.add_parser("record", help="print the history of an instance, for check")
    recording.add_argument("--state-dir", type=Path, default=Path(DEFAULT_STATE_DIR))
    recording.add_argument("--hub", help="the task hub, if the state folder has several")
    recording.add_argument("instance_id")
    checking = commands.add_parser("check", help="replay recorded histories against the app")
    checking.add_argument("--script-root", type=Path, default=Path())
    checking.add_argument("--only-breaking", action="store_true", help="pass over what breaks no running instance")
    checking.add_argument("files", nargs="+", type=Path)
    options = parser.parse_args(arguments)
    try:
        if options.command == "record":
            sys.stdout.write(record(_stored_history(options.state_dir, options.hub, options.instance_id)))
            return 0
        return _check(options.files, options.script_root, exact=not options.only_breaking)
    except DevhostError as error:
        print(error, file=sys.stderr)
        return 1


def _stored_history(state_dir: Path, hub: str | None, instance_id: str) -> list[Event]:
    """Reads beside a host that may be running; nothing is changed."""
    files = sorted(state_dir.glob(f"{hub.lower() if hub else '*'}.sqlite"))
    if len(files) != 1:
        found = ", ".join(file.stem for file in files) or "none"
        raise KitError(f"The folder {state_dir} must have one task hub; found: {found}. Name one with --hub.")
    with closing(sqlite3.connect(f"{files[0].resolve().as_uri()}?mode=ro", uri=True)) as db:
        events: list[Event] = parse_events(read_history(db, instance_id))
    if not events:
        raise KitError(f"The task hub {files[0].stem} has no history of an instance '{instance_id}'.")
    return events


def _check(files: Sequence[Path], script_root: Path, *, exact: bool) -> int:
    broken = 0
    for file in files:
        try:
            checked = replayed(file, script_root, exact=exact, looser="--only-breaking")
            print(f"{file}: {checked.name} fits, {checked.events} events in {checked.episodes} episodes")
        except ReplayBroken as error:
            broken += 1
            print(f"{file}: {error}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
