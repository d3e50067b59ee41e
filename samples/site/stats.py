"""Counts of what the site served, for tests and for the curious."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

SECONDS_KEPT = 3_600


class Stats:
    """Counters since the start of the process. `outcome` is a status code, `reset`, or `cancelled`
    if the reader hung up before the answer.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        """`now` returns seconds since 1970."""
        self._now = now
        self._by_kind: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._body_bytes: Counter[str] = Counter()
        self._per_second: dict[int, int] = {}
        self._in_flight = 0
        self._max_in_flight = 0
        self.hits: Counter[str] = Counter()  # by path with its query

    def begin(self, path_qs: str) -> int:
        """Count a request that has just come in; how often this very URL has been asked for, this time included."""
        self._in_flight += 1
        self._max_in_flight = max(self._max_in_flight, self._in_flight)
        second = int(self._now())
        if second in self._per_second:
            self._per_second[second] += 1
        else:
            self._per_second[second] = 1
            if len(self._per_second) > SECONDS_KEPT:
                del self._per_second[next(iter(self._per_second))]
        self.hits[path_qs] += 1
        return self.hits[path_qs]

    def end(self, kind: str, outcome: str, body_bytes: int = 0) -> None:
        """Count how a request ended, and the bytes sent for the answer's body: its headers are not among them."""
        self._in_flight -= 1
        self._by_kind[kind][outcome] += 1
        self._body_bytes[kind] += body_bytes

    def snapshot(self, *, with_hits: bool = False) -> dict[str, Any]:
        """The counters as JSON values; `per_second` is keyed by whole seconds since 1970."""
        snapshot: dict[str, Any] = {
            "requests": sum(outcomes.total() for outcomes in self._by_kind.values()),
            "by_kind": {kind: dict(sorted(outcomes.items())) for kind, outcomes in sorted(self._by_kind.items())},
            "body_bytes": dict(sorted(self._body_bytes.items())),
            "per_second": {str(second): count for second, count in self._per_second.items()},
            "in_flight": self._in_flight,
            "max_in_flight": self._max_in_flight,
        }
        if with_hits:
            snapshot["hits"] = dict(self.hits)
        return snapshot
