"""An account of what there is of a snapshot: what its records tell, and what attempts that were cut off have left.

What counts is told exactly by plan, results and pauses. A call of an activity leaves one attempt at most, so there are
never more leavings than calls without a good end.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from devhost.testing import Call
from orchestrations import names
from storage.data.rows import PLAN_BATCH
from storage.keys import snapshot_id
from storage.work.batch_results import BatchResult
from storage.work.page_lists import Part, parts_from_text
from storage.work.plans import Plan
from tests.helpers.changing_sites import ROWS_PER_PAGE

GOOD_ENDS: Final = {"planned", "scraped", "paused", "failed"}
KINDS: Final = {"plan", "pages", "result", "memory", "paused"}
"""What there can be in `batches` of a source that follows no links."""
Attempt = tuple[int, str]
"""The number of a batch, and an attempt at it."""


@dataclass
class CallBook:
    """The calls of activities, of all lives of the host."""

    cut: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By activity and snapshot, the calls that were cut off, failed, or were told to stop."""
    pauses: Counter[str] = field(default_factory=Counter)
    """By snapshot, the calls that began a pause, or met one."""
    claims: set[tuple[str, str]] = field(default_factory=set)
    """Run ID and claim of each execution of a run."""
    due: set[tuple[str, str]] = field(default_factory=set)
    """Instance ID and time of each start in the future that came to its time."""

    def add(self, calls: Sequence[Call]) -> None:
        """Take the calls of one life."""
        for call in calls:
            if call.name in {names.PLAN_SOURCE, names.SCRAPE_BATCH}:
                code = call.result["code"] if call.result is not None else "cut"
                snapshot = snapshot_id(call.input["source"], call.input["epoch"])
                self.cut[call.name, snapshot] += code not in GOOD_ENDS
                self.pauses[snapshot] += code == "paused"
            elif call.name == names.CLAIM_RUN:
                self.claims.add((call.input["run_id"], call.input["claim"]))
            elif call.name == names.START_INSTANCE:
                self.due.add((call.input["instance_id"], call.input["due"]))


@dataclass
class SnapshotAccount:
    """The entities of a snapshot, by the attempts that wrote them; what is accounted for is taken away."""

    name: str
    kinds: Counter[str] = field(default_factory=Counter)
    lists: Counter[str] = field(default_factory=Counter)
    memories: Counter[Attempt] = field(default_factory=Counter)
    paused: list[tuple[int, Part]] = field(default_factory=list)
    staged: defaultdict[str, Counter[Attempt]] = field(default_factory=lambda: defaultdict(Counter))

    def take(self, entity: Mapping[str, Any]) -> None:
        """Take an entity of `batches`."""
        kind, *rest = entity["RowKey"].split("-")
        self.kinds[kind] += 1
        if kind == "pages":
            self.lists[rest[0]] += 1
        elif kind == "memory":
            self.memories[int(rest[0]), rest[1]] += 1
        elif kind == "paused":
            self.paused += [(entity["batch"], part) for part in parts_from_text(entity.get("earlier", "[]"))]

    def take_staged(self, table: str, batch: int, entity: Mapping[str, Any]) -> None:
        """Take an entity of `rows` or `failures`."""
        self.staged[table][batch, entity["RowKey"].partition("-")[0]] += 1

    def unaccounted(
        self, plan: Plan | None, results: Sequence[BatchResult], book: CallBook, *, pages: int, pages_per_batch: int
    ) -> Iterator[str]:
        """What nothing explains, or is missing. The source has so many `pages`."""
        batches = -(-pages // pages_per_batch)
        found: list[tuple[str, int, int, int]] = [
            ("plans", self.kinds["plan"], 0, 1),
            ("other kinds", sum(count for kind, count in self.kinds.items() if kind not in KINDS), 0, 0),
            ("results", self.kinds["result"], len(results), plan.batches if plan is not None else batches),
            ("pauses", self.kinds["paused"], 0, book.pauses[self.name] + book.cut[names.SCRAPE_BATCH, self.name]),
            *(self._of_plan(plan, pages, batches) if plan is not None else ()),
            *self._of_results(results),
            *self._leavings(book, batches, pages_per_batch),
        ]
        for what, count, least, most in found:
            if not least <= count <= most:
                yield f"{self.name}: {what}: {count}, accounted for: {least} to {most}"

    def _of_plan(self, plan: Plan, pages: int, batches: int) -> Iterator[tuple[str, int, int, int]]:
        """A page list for each batch, an entity for each failure."""
        yield "pages", plan.pages, 0, pages
        yield "batches", plan.batches, 0, batches
        yield "page lists", self.lists.pop(plan.attempt, 0), plan.lists, plan.lists
        failed = self.staged["failures"].pop((PLAN_BATCH, plan.attempt), 0)
        yield "failures of planning", failed, plan.not_found, plan.not_found

    def _of_results(self, results: Sequence[BatchResult]) -> Iterator[tuple[str, int, int, int]]:
        """An entity for each row and failure, and one for what an attempt remembers, also one that paused."""
        parts = {(result.batch, part.attempt): part for result in results for part in result.parts(self.name)}
        parts |= {(batch, part.attempt): part for batch, part in self.paused}
        for attempt, part in parts.items():
            if part.snapshot == self.name:  # others lie where they were written
                most = min(part.rows, ROWS_PER_PAGE * part.loaded)
                yield f"rows of {attempt}", self.staged["rows"].pop(attempt, 0), part.rows, most
                yield f"memory of {attempt}", self.memories.pop(attempt, 0), 1, 1
        for result in results:
            failed = self.staged["failures"].pop((result.batch, result.attempt), 0)
            yield f"failures of batch {result.batch}", failed, result.failed, result.failed

    def _leavings(self, book: CallBook, batches: int, pages_per_batch: int) -> Iterator[tuple[str, int, int, int]]:
        """What is there still, once all that counts is taken away."""
        rows, failures = self.staged["rows"], self.staged["failures"]
        planning = {attempt for batch, attempt in failures if batch == PLAN_BATCH} | set(self.lists)
        scraping = {one for one in {*rows, *failures, *self.memories} if one[0] != PLAN_BATCH}
        yield "plans that do not count", len(planning), 0, book.cut[names.PLAN_SOURCE, self.name]
        yield "attempts that do not count", len(scraping), 0, book.cut[names.SCRAPE_BATCH, self.name]
        of_one: tuple[tuple[str, Counter[Any], int], ...] = (
            ("page lists", self.lists, batches),
            ("memories", self.memories, 1),
            ("rows", rows, ROWS_PER_PAGE * pages_per_batch),
            ("failures", failures, pages_per_batch),
        )
        for what, counts, most in of_one:
            yield f"{what} of an attempt that does not count", max(counts.values(), default=0), 0, most

    @property
    def left(self) -> Counter[str]:
        """The entities, by table, of attempts that do not count; to be asked once the account is drawn up."""
        staged = {table: attempts.total() for table, attempts in self.staged.items()}
        return Counter({"batches": self.lists.total() + self.memories.total(), **staged})
