"""Tells when files of the app change, from a thread of its own."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from devhost.reload.watched_files import WatchedFiles

# A save may be several writes, a checkout of a branch many: report once it is quiet, but not too late.
_QUIET_MS = 250
_LONGEST_WAIT_MS = 1500
_PAUSE_S = 0.5
_logger = logging.getLogger("devhost.reload")


class FileWatch:
    """Watches from `start` on, as long as the process lives."""

    def __init__(self, watched: WatchedFiles, on_change: Callable[[tuple[Path, ...]], None]) -> None:
        """`on_change` is called in the thread of the watch, with the files in the order of their names."""
        self._watched, self._on_change = watched, on_change

    def start(self) -> None:
        """Begin to watch."""
        threading.Thread(target=self._run, name="file-watch", daemon=True).start()

    def _run(self) -> None:
        try:
            from watchfiles import watch  # slow to import, and in a thread nobody waits for it
        except ImportError:
            _logger.warning("Changed files are not noticed: install watchfiles, or start with --no-reload.")
            return
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
        options = {"debounce": _LONGEST_WAIT_MS, "step": _QUIET_MS, "raise_interrupt": False}
        for changes in watch(*folders, watch_filter=None, recursive=False, **options):
            paths = {Path(path) for _, path in changes}
            self._report(paths)
            if any(path in folders or (path.is_dir() and self._watched.enters(path)) for path in paths):
                return

    def _report(self, paths: set[Path]) -> None:
        inner = {file for path in paths if path.is_dir() for file in self._watched.files_below(path)}
        changed = {path for path in paths if self._watched.counts(path)} | inner
        if changed:
            self._on_change(tuple(sorted(changed)))
