"""`python -m devhost`."""

import os
import signal
import sys


def _leave(_number: int, _frame: object) -> None:
    os._exit(0)


if __name__ == "__main__":
    # Importing takes half a second, in which a Ctrl-C would print a traceback of ours.
    signal.signal(signal.SIGINT, _leave)
    signal.signal(signal.SIGTERM, _leave)

    from devhost.cli import main

    sys.exit(main())
