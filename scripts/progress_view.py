"""The progress of a run on the console: bars on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

LINE_EVERY_S = 5.0


class ProgressView(Protocol):
    """Shows the `sources` of `GET runs/{runId}`."""

    def show(self, sources: Sequence[Mapping[str, Any]]) -> None:
        """Show this state; called again and again."""


class BarView:
    """One bar per source, counting pages."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def show(self, sources: Sequence[Mapping[str, Any]]) -> None:
        """Move the bars."""
        for source in sources:
            name = source["source"]
            if name not in self._tasks:
                self._tasks[name] = self._progress.add_task(name, total=None, state="", rows="")
            self._progress.update(
                self._tasks[name],
                completed=source["loaded"] + source["failed"],
                total=source["pages"] or None,
                state=source["state"],
                rows=f"{source['rows']:,} rows",
            )


class LineView:
    """One line for all sources, when something changed and at most every few seconds."""

    def __init__(self) -> None:
        self._last_line = ""
        self._last_at = float("-inf")

    def show(self, sources: Sequence[Mapping[str, Any]]) -> None:
        """Print the state if it is new and the last line is old enough, or if every source is at its end."""
        line = progress_line(sources)
        is_over = bool(sources) and all(source["state"] in {"published", "refused", "failed"} for source in sources)
        if line == self._last_line or (time.monotonic() - self._last_at < LINE_EVERY_S and not is_over):
            return
        print(line, flush=True)
        self._last_line, self._last_at = line, time.monotonic()


def progress_line(sources: Sequence[Mapping[str, Any]]) -> str:
    """One line: each source with its state, pages done of all, and rows."""
    if not sources:
        return "  starting"
    return "  " + " | ".join(
        f"{one['source']} {one['state']} {one['loaded'] + one['failed']}/{one['pages']} pages, {one['rows']} rows"
        for one in sources
    )


@contextmanager
def open_progress_view() -> Iterator[ProgressView]:
    """Bars when stdout is a terminal, else lines."""
    if not sys.stdout.isatty():
        yield LineView()
        return
    columns = (
        TextColumn("{task.description:<16}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rows]} {task.fields[state]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns) as progress:
        yield BarView(progress)
