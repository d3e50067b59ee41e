"""`GET datasets/{source}/rows`: the rows of one snapshot, some at a time.

The app cannot stream an answer, so each has an end: after so many rows or bytes. The continuation names the snapshot,
so all parts are of the same one, whatever is published meanwhile.
"""

import re
from collections.abc import Callable
from dataclasses import astuple, dataclass, field
from typing import Any, Final, Self
from urllib.parse import urlencode

import azure.durable_functions as df
import azure.functions as func

from scraper.settings import app_settings
from storage.data.row_formats import csv_header, csv_line, json_line, row_document
from storage.data.stored_rows import RowPlace
from storage.errors import MissingRecord
from storage.snapshots.snapshots import RunIds, Snapshot, columns_of
from storage.store import Store, open_store
from triggers.datasets.lookup import Chosen, chosen, dataset_links, dataset_of, of_epoch, opened, purged, refuse_other
from triggers.web.problem import answers_problems
from triggers.web.request_reading import given_numbers, one_of, whole_number

MOST_ROWS: Final = 10_000
USUAL_ROWS: Final = 1_000
MOST_BYTES: Final = 4 * 1024 * 1024
"""A part has no more rows once it has so many bytes; a single row may have 1 MiB."""
AT_FIRST: Final = 20
MOST_AT_ONCE: Final = 1000
"""Rows that are asked for at a time, once it is known how large they are."""
FORMATS: Final = {
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8; header={header}",
}


@dataclass(frozen=True, slots=True)
class Cursor:
    """The snapshot of a part by its epoch, and where its last row stands there."""

    epoch: int
    last: RowPlace

    @classmethod
    def read(cls, text: str) -> Self:
        """From a `continuation`. Raises Problem 400 for what cannot be one."""
        epoch, *place = given_numbers(text, 10, 6, 6, 7, 9, before="part")
        return cls(epoch, RowPlace(*place))

    def __str__(self) -> str:
        return "-".join(map(str, (self.epoch, *astuple(self.last))))


@dataclass(slots=True)
class Part:
    """Rows as lines of text, and where the next part begins; None behind the last row."""

    lines: list[bytes] = field(default_factory=list)
    following: Cursor | None = None


@answers_problems
async def list_rows(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """The published rows in page order, or those that another run has loaded.

    Query: `format` (`json`, `ndjson`, `csv`), `run`, `limit` (1 to 10,000), and `continuation` in place of `run`.
    """
    wanted_format = one_of(req, "format", FORMATS)
    limit = whole_number(req, "limit", default=USUAL_ROWS, low=1, high=MOST_ROWS)
    text = req.params.get("continuation")
    cursor = Cursor.read(text) if text else None
    store = open_store(app_settings())
    dataset = await dataset_of(req, store)
    if cursor is None:
        wanted = await chosen(store, dataset, req.params.get("run"))
    else:
        wanted = await of_epoch(store, dataset.source, cursor.epoch)
        refuse_other(req, "run", wanted)
    snapshot = await opened(store, wanted)
    try:
        head, line = await _csv(store, snapshot, cursor) if wanted_format == "csv" else ("", json_line)
        part = await _part(store, snapshot, cursor, limit=limit, line=line)
        if part.following is not None:  # the rows of its last batch are not counted, and a purge begins with the plan
            await store.batches.ensure_planned(snapshot.name)
    except MissingRecord as gone:
        raise purged(wanted) from gone
    headers = _link(req, wanted.source, part, format=wanted_format, limit=limit)
    if wanted_format == "json":
        return func.HttpResponse(_document(wanted, part), mimetype=FORMATS["json"], headers=headers)
    headers["Content-Type"] = FORMATS[wanted_format].format(header="present" if head else "absent")
    headers["Content-Disposition"] = f'attachment; filename="{_file_name(wanted, cursor, part)}.{wanted_format}"'
    end = b"\n" if wanted_format == "ndjson" else b""
    return func.HttpResponse(b"".join([head.encode(), *(one + end for one in part.lines)]), headers=headers)


async def _csv(store: Store, snapshot: Snapshot, cursor: Cursor | None) -> tuple[str, Callable[[Any], str]]:
    """The header, which only the first part has so that all of them make one file, and what makes a line of a row."""
    columns = await columns_of(store, snapshot)
    return "" if cursor else csv_header(columns), lambda document: csv_line(document, columns)


async def _part(
    store: Store, snapshot: Snapshot, cursor: Cursor | None, *, limit: int, line: Callable[[Any], str]
) -> Part:
    """The rows behind `cursor`: at most `limit`, and no more once they have MOST_BYTES."""
    part, size, runs = Part(), 0, RunIds(store)
    last, at_once = cursor.last if cursor else None, AT_FIRST
    while True:
        found = 0
        at_once = min(at_once, limit + 1 - len(part.lines))
        async for place, row in store.rows.placed(snapshot.name, snapshot.results, after=last, at_once=at_once):
            if last is not None and part.lines and (len(part.lines) == limit or size >= MOST_BYTES):
                part.following = Cursor(snapshot.epoch, last)
                return part
            part.lines.append(line(row_document(row, await runs.of(row.epoch))).encode(errors="replace"))
            size += len(part.lines[-1])
            last = place
            found += 1
            # Large rows come a few at a time: an answer of the emulator may have a thousand of 1 MiB.
            fitting = min(MOST_AT_ONCE, max(AT_FIRST, 2 * MOST_BYTES * len(part.lines) // size))
            if 2 * fitting <= at_once or (found == at_once and 2 * at_once <= fitting):
                break
        else:
            return part
        at_once = fitting


def _document(wanted: Chosen, part: Part) -> bytes:
    """A part as one JSON document, with a line for each row."""
    following = None if part.following is None else str(part.following)
    facts = {"source": wanted.source, "runId": wanted.run_id or None, "epoch": wanted.epoch, "continuation": following}
    return b"".join([json_line(facts)[:-1].encode(), b',"rows":[\n', b",\n".join(part.lines), b"\n]}\n"])


def _link(req: func.HttpRequest, source: str, part: Part, **query: Any) -> dict[str, str]:
    if part.following is None:
        return {}
    address = f"{dataset_links(req, source)['rows']}?{urlencode({**query, 'continuation': part.following})}"
    return {"Link": f'<{address}>; rel="next"'}


def _file_name(wanted: Chosen, cursor: Cursor | None, part: Part) -> str:
    """Source and run; a part says that it is one."""
    is_whole = cursor is None and part.following is None
    run = wanted.run_id or f"epoch-{wanted.epoch}"
    return re.sub(r"[^A-Za-z0-9._-]", "-", f"{wanted.source}-{run}") + ("" if is_whole else ".part")
