"""How many pages failed for which reason: counted where pages fail, so that nobody has to read them one by one."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping

from scraper.models import PageFailure

ReasonCounts = Mapping[str, int]
"""Failures by the code of their reason; what has none is not in it."""


def count_reasons(failures: Iterable[PageFailure]) -> ReasonCounts:
    """The failures by reason."""
    return dict(Counter(failure.reason.value for failure in failures))


def add_up(many: Iterable[ReasonCounts | None]) -> ReasonCounts:
    """All of them together, the most frequent reason first; None, of an older version of this app, adds nothing."""
    total: Counter[str] = Counter()
    for counts in many:
        total.update(counts or {})
    return dict(sorted(total.items(), key=lambda one: (-one[1], one[0])))


def as_text(counts: ReasonCounts) -> str:
    """As a column keeps them."""
    return json.dumps(counts)


def from_text(text: str) -> ReasonCounts:
    """What `as_text` made this of."""
    return {str(reason): int(count) for reason, count in json.loads(text).items()}
