"""`GET datasets/{source}/diff`: which rows a snapshot has more, less, or with other values than another one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Self
from urllib.parse import urlencode

import azure.durable_functions as df
import azure.functions as func

from scraper.settings import app_settings
from storage.data.dataset import Dataset
from storage.data.row_formats import LINEAGE, json_line, row_document
from storage.errors import MissingRecord, NotComparable
from storage.keys import epoch_of
from storage.snapshots.diffs import diff_of, rows_at
from storage.snapshots.row_changes import Change, Diff, RowRef
from storage.snapshots.snapshots import RunIds
from storage.store import Store, open_store
from triggers.datasets.lookup import Chosen, chosen, dataset_links, dataset_of, of_epoch, opened, refuse_other
from triggers.web.problem import Problem, answers_problems
from triggers.web.request_reading import given_numbers, whole_number

MOST_CHANGES: Final = 1000
USUAL_CHANGES: Final = 100
ROWS_AT_ONCE: Final = 50
"""Changes whose rows are read at a time: a page has no more once these have brought it to MOST_BYTES."""
MOST_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Cursor:
    """The epochs of the two snapshots, and how many changes the pages before had."""

    older: int
    newer: int
    told: int

    @classmethod
    def read(cls, text: str) -> Self:
        """From a `continuation`. Raises Problem 400 for what cannot be one."""
        return cls(*given_numbers(text, 10, 10, 9))

    def __str__(self) -> str:
        return f"{self.older}-{self.newer}-{self.told}"


@answers_problems
async def get_diff(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """The changes from one snapshot to another, and how many there are in all.

    Query: `from` and `to`, runs; `limit` (1 to 1000), and `continuation` in place of the runs.
    """
    limit = whole_number(req, "limit", default=USUAL_CHANGES, low=1, high=MOST_CHANGES)
    text = req.params.get("continuation")
    cursor = Cursor.read(text) if text else None
    store = open_store(app_settings())
    dataset = await dataset_of(req, store)
    if cursor is None:
        newer = await chosen(store, dataset, req.params.get("to"))
        older = await _older(store, dataset, req.params.get("from"), newer)
        cursor = Cursor(older.epoch, newer.epoch, 0)
    else:
        older, newer = [await of_epoch(store, dataset.source, epoch) for epoch in (cursor.older, cursor.newer)]
        refuse_other(req, "from", older)
        refuse_other(req, "to", newer)
    snapshots = [await opened(store, one) for one in (older, newer)]
    try:
        diff = await diff_of(store, *snapshots)
        changes = await _page(store, diff.changes[cursor.told : cursor.told + limit])
    except (MissingRecord, NotComparable) as fault:
        raise _not_comparable(older, newer) from fault
    told = cursor.told + len(changes)
    following = Cursor(older.epoch, newer.epoch, told) if told < len(diff.changes) else None
    return _answer(req, older, newer, diff, changes, following, limit)


async def _older(store: Store, dataset: Dataset, text: str | None, newer: Chosen) -> Chosen:
    """What to compare with: by default what is published, or if that is `newer`, what was before it."""
    if text or dataset.epoch not in {0, newer.epoch}:
        return await chosen(store, dataset, text)
    if not dataset.previous_snapshot or not dataset.epoch:
        reason = f"Nothing of '{dataset.source}' was published before {newer.run}: name a run in 'from'."
        raise Problem(HTTPStatus.NOT_FOUND, reason)
    return await of_epoch(store, dataset.source, epoch_of(dataset.previous_snapshot))


def _not_comparable(older: Chosen, newer: Chosen) -> Problem:
    reason = (
        f"What {older.run} and {newer.run} loaded of '{newer.source}' cannot be compared: of one of them not all is"
    )
    return Problem(HTTPStatus.GONE, f"{reason} kept any more, or an older version of this app made it.")


async def _page(store: Store, changes: Sequence[Change]) -> list[bytes]:
    """Changes as lines: fewer than are asked for if their rows are large."""
    lines: list[bytes] = []
    runs = RunIds(store)
    for start in range(0, len(changes), ROWS_AT_ONCE):
        some = changes[start : start + ROWS_AT_ONCE]
        rows = await rows_at(store, [ref for change in some for ref in (change.old, change.new) if ref is not None])
        told = {ref: row_document(row, await runs.of(row.epoch)) for ref, row in rows.items()}
        lines += [json_line(_change_view(change, told)).encode(errors="replace") for change in some]
        if sum(map(len, lines)) >= MOST_BYTES:
            break
    return lines


def _change_view(change: Change, rows: Mapping[RowRef, Mapping[str, Any]]) -> dict[str, Any]:
    """A row that came or went; or one as it is, where it was before, and which fields have other values."""
    old, new = (None if ref is None else rows[ref] for ref in (change.old, change.new))
    view: dict[str, Any] = {"change": change.kind, "row": new if new is not None else old}
    if old is not None and new is not None:
        view["was"] = {name: old[name] for name in LINEAGE}
        view["fields"] = {
            name: {"old": old.get(name), "new": new.get(name)}
            for name in {**new, **old}
            # As text: to Python, 1 and 1.0 and True are equal.
            if name not in LINEAGE and json_line([old.get(name)]) != json_line([new.get(name)])
        }
    return view


def _answer(
    req: func.HttpRequest,
    older: Chosen,
    newer: Chosen,
    diff: Diff,
    changes: Sequence[bytes],
    following: Cursor | None,
    limit: int,
) -> func.HttpResponse:
    facts: dict[str, Any] = {
        "source": newer.source,
        "from": {"runId": older.run_id or None, "epoch": older.epoch},
        "to": {"runId": newer.run_id or None, "epoch": newer.epoch},
        **diff.counts,
        "unchanged": diff.unchanged,
        "continuation": None if following is None else str(following),
    }
    headers = {}
    if following is not None:
        query = urlencode({"limit": limit, "continuation": following})
        headers["Link"] = f'<{dataset_links(req, newer.source)["diff"]}?{query}>; rel="next"'
    body = b"".join([json_line(facts)[:-1].encode(), b',"changes":[\n', b",\n".join(changes), b"\n]}\n"])
    return func.HttpResponse(body, mimetype="application/json", headers=headers)
