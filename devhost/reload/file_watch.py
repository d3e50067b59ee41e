"""Tells when files of the app change, from a thread of its own."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from devhost.reload.watched_files import FileState, WatchedFiles

# A save may be several writes, a checkout of a branch many: report once it is quiet, but not too late.
_QUIET_MS = 250
_LONGEST_WAIT_MS = 1500
_START_DELAY_S = 1.0
_FIRST_LOOK_MS = 500
_PAUSE_S = 0.5
_logger = logging.getLogger("devhost.reload")


class FileWatch:
    """Watches from `start` on, as long as the process lives."""

    def __init__(self, watched: WatchedFiles, on_change: Callable[[tuple[Path, ...]], None]) -> None:
        """`on_change` is called in the thread of the watch, with the files in the order of their names."""
        self._watched, self._on_change = watched, on_change
        self._seen: dict[Path, FileState] = {}

    def start(self) -> None:
        """From now on no change is missed, although it takes a moment until one is told."""
        self._seen = self._watched.snapshot()
        threading.Thread(target=self._run, name="file-watch", daemon=True).start()

    def _run(self) -> None:
        try:
            # Until then the host starts, and a change is not lost: the first look finds it.
            time.sleep(_START_DELAY_S)
            from watchfiles import watch
        except ImportError:
            _logger.warning("Changed files are not noticed: install watchfiles, or start with --no-reload.")
            return
        logging.getLogger("watchfiles").setLevel(logging.WARNING)
        while True:
            try:
                self._watch(watch)
            except FileNotFoundError:  # a folder has gone while it was taken up
                time.sleep(_PAUSE_S)
            except (OSError, RuntimeError) as error:
                _logger.warning("Changed files are no longer noticed: %s", error)
                return

    def _watch(self, watch: Callable[..., Iterator[set[tuple[Any, str]]]]) -> None:
        """Return when other folders are to be watched than before."""
        # Folder by folder: watched as a tree, a virtual environment would cost thousands of watches.
        folders = set(self._watched.folders_to_watch())
        times = {"debounce": _LONGEST_WAIT_MS, "step": _QUIET_MS, "rust_timeout": _FIRST_LOOK_MS}
        told = watch(
            *folders, watch_filter=None, recursive=False, raise_interrupt=False, yield_on_timeout=True, **times
        )
        for number, changes in enumerate(told):
            # The first time nothing may be told of what happened before the system began to watch.
            if changes or number == 0:
                self._look()
                if set(self._watched.folders_to_watch()) != folders:
                    return

    def _look(self) -> None:
        present = self._watched.snapshot()
        paths = present.keys() | self._seen.keys()
        changed = sorted(path for path in paths if present.get(path) != self._seen.get(path))
        self._seen = present
        if changed:
            self._on_change(tuple(changed))
