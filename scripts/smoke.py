"""The smoke test of a deployment: is it up, do orchestrations run, and is a second start refused?

    python scripts/smoke.py URL [KEY]

URL is that of the app, with or without /api; KEY is a function key, also taken from SMOKE_KEY. It starts the
orchestration `welcome` and a workflow with names of their own, ends them, and touches no run and no data.
Standard library only, and nothing else of this checkout: `scripts/smoke*.py` may be copied anywhere, into a folder of
that name. Ends with 0 or 1, and with 2 if URL or KEY cannot be one. No redirect is followed, the key is never printed,
and what the app says is printed in one line without control codes.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.smoke_app import Deployment, SmokeFailed, is_url, one_line
from scripts.smoke_checks import CHECKS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all checks, in their order; 0 if all are well, else 1. What comes after a failed one is not tried."""
    options = _parse(arguments)
    app = Deployment(options.url, options.key, time.monotonic() + options.time_limit)
    if options.key and not _is_private(options.url):
        print("warning: http:// sends the key in plain text; use https://", file=sys.stderr, flush=True)
    print(f"smoke test of {app.url}", flush=True)
    for name, check in CHECKS.items():
        try:
            print(f"  ok      {name}: {one_line(check(app), app.key)}", flush=True)
        except SmokeFailed as failure:
            print(f"  FAILED  {name}: {one_line(str(failure), app.key)}", flush=True)
            print("the deployment does not work", file=sys.stderr)
            return 1
    print("the deployment works")
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="smoke.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "url", metavar="URL", type=_app_url, help="of the app, such as https://func-x.azurewebsites.net"
    )
    default = os.environ.get("SMOKE_KEY", "")
    parser.add_argument("key", metavar="KEY", nargs="?", type=_key, default=default, help="or SMOKE_KEY")
    parser.add_argument(
        "--time-limit", type=float, default=300.0, help="seconds for all checks (300); then 5 to clean up"
    )
    options, others = parser.parse_known_args(arguments)
    if others:  # not shown, since the key may be among them
        parser.error("there is more than URL and KEY; a key that begins with - is given as SMOKE_KEY")
    return options


# What is refused is not repeated: it may be the key, at the wrong place.
def _app_url(text: str) -> str:
    if not is_url(text):
        raise argparse.ArgumentTypeError("this is no URL; one is https:// or http://, a host in ASCII, perhaps a port")
    if set(text) & set("?#@"):
        raise argparse.ArgumentTypeError("give the URL without user name, and with nothing behind its path")
    return text.rstrip("/").removesuffix("/api")


def _key(text: str) -> str:
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise argparse.ArgumentTypeError("a key has neither blanks nor line breaks, nor anything beyond ASCII")
    return text


def _is_private(url: str) -> bool:
    """Whether nobody on the way reads what is sent there: by https, or on this very machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        is_local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = host == "localhost"
    return parts.scheme == "https" or is_local


if __name__ == "__main__":
    sys.exit(main())
