"""`python -m samples.manuals DIR …`: folders of HTML on 127.0.0.1 until SIGINT or SIGTERM."""

import argparse
import sys
from collections.abc import Sequence

from samples.manuals.folders import FolderError, parse_folders
from samples.manuals.manuals_site import ManualsSite
from samples.serving import port_number, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the folders that the command line names; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m samples.manuals", description="Static manuals to scrape.")
    parser.add_argument("--port", type=port_number, default=0, help="0, the default, takes a free one")
    parser.add_argument("folders", nargs="+", metavar="[NAME=]DIR", help="served under /NAME/")
    options = parser.parse_args(arguments)
    try:
        site = ManualsSite(parse_folders(options.folders))
    except FolderError as refusal:
        parser.error(str(refusal))
    return run(site.handle, port=options.port)


if __name__ == "__main__":
    sys.exit(main())
