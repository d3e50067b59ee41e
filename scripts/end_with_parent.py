"""Become another program that is told to stop (SIGTERM) when the process which started it is gone.

    python -I -S end_with_parent.py PARENT_PID PROGRAM [ARGUMENT ...]

On Linux the kernel sends the signal, even after `kill -9` of the parent (prctl(2), PR_SET_PDEATHSIG; the
setting survives exec). Elsewhere the program simply runs. A process of its own rather than a `preexec_fn`,
which may deadlock in a parent that has threads. Standard library only: it also runs the set-up's own steps.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Ask for the signal, then exec. Returns only by raising OSError."""
    parent_pid, program, *arguments = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != int(parent_pid):  # it was gone before we asked
            sys.exit(1)
    os.execvp(program, [program, *arguments])  # noqa: S606 - becoming the named program is the point


if __name__ == "__main__":
    main()
