"""What a planning attempt decides: how many pages and batches there are, and how URLs are cut into batches."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from storage.work.failure_reasons import ReasonCounts

PLAN: Final = "plan"
PAGE_LIST_BYTES: Final = 60_000  # of JSON before compression; a property takes 64 KiB


@dataclass(frozen=True, slots=True)
class Plan:
    """The pages of a snapshot: how many, in how many batches, and which planning attempt wrote the lists.

    `not_found` counts places that should have named pages and could not be read, and pages that cannot be asked for:
    `disallowed` of them since robots.txt refuses them. `left_out` counts the pages beyond the source's `max_pages`,
    `taken_over` the batches that an earlier run has loaded completely. `recorded_at` is the app's time; None in records
    of older versions. `began_at`, of the same clock, is when the source's first plan was begun.

    Where the source `follows` links, all counts are those of the levels up to `level`; `earlier_batches` are of the
    levels before it. While the plan `is_open`, the pages of this level may lead to another one. It `inherits` if pages
    of earlier runs are known as well, which are no part of it: see `storage.crawls.frontiers`. `unread_listings` are
    the sitemaps and feeds of which not all could be read. `reasons` are of what is `not_found`; None in records of
    older versions.
    """

    attempt: str
    batches: int
    pages: int
    not_found: int
    left_out: int
    taken_over: int = 0
    recorded_at: datetime | None = None
    follows: bool = False
    level: int = 0
    earlier_batches: int = 0
    is_open: bool = False
    inherits: bool = False
    disallowed: int = 0
    unread_listings: int = 0
    began_at: datetime | None = None
    reasons: ReasonCounts | None = field(default=None, hash=False)

    @property
    def lists(self) -> int:
        """The batches of this level that have pages to fetch; their page lists are numbered from 0."""
        return self.batches - self.taken_over - self.earlier_batches


def failing(plans: Sequence[Plan]) -> list[str]:
    """The attempts of those plans of a snapshot whose planning met failures."""
    before = (0, *(plan.not_found for plan in plans))
    return [plan.attempt for plan, earlier in zip(plans, before, strict=False) if plan.not_found > earlier]


def cut_batches(urls: Sequence[str], *, pages_per_batch: int) -> list[list[str]]:
    """`urls` in order, in lists of at most `pages_per_batch` that also fit into one entity each."""
    batches: list[list[str]] = []
    size = PAGE_LIST_BYTES
    for url in urls:
        url_size = len(json.dumps(url)) + 2
        if not batches or len(batches[-1]) == pages_per_batch or size + url_size > PAGE_LIST_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(url)
        size += url_size
    return batches


def plan_key(level: int) -> str:
    """A newer level sorts before an older one, so that the newest is found at once."""
    return f"{PLAN}-{999_999 - level:06d}" if level else PLAN
