"""Starts worker processes; nothing that takes long to import is imported here."""

import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import devhost

# This package may lie in a folder that only the host's own start had on its import path. The folder must not stay
# there: modules of the app would be hidden by its neighbours.
_BOOTSTRAP = (
    "import sys; sys.path.insert(0, sys.argv[2]); import devhost; del sys.path[0]; "
    "from devhost.workers.worker_main import main; main(int(sys.argv[1]))"
)


@dataclass(frozen=True, slots=True)
class SpawnedWorker:
    """A worker process, and the host's end of the connection. It waits for SetUp; without the host it ends."""

    process: subprocess.Popen[bytes]
    connection: socket.socket


def spawn_worker() -> SpawnedWorker:
    """Start a process in the present folder and environment.

    It leads a group of its own: a Ctrl-C for the host does not reach it, and whatever it has started ends with it.
    """
    ours, theirs = socket.socketpair()
    package = Path(devhost.__file__).parent.parent
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]  # as multiprocessing does
    with theirs:
        process = subprocess.Popen(  # noqa: S603 - this interpreter, and code of ours
            [sys.executable, *flags, "-P", "-c", _BOOTSTRAP, str(theirs.fileno()), str(package)],
            stdin=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            process_group=0,
        )
    return SpawnedWorker(process, ours)
