"""What a site has seen of a scraper, judged by limits: requests per second, at once, apart, and refused.

The site's log has two times for the arrival of a request: it came after the one and before the other, since the site
itself may be late to look. A request counts against the scraper only where that is certain.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import Any


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: it arrived between `not_before_s` and `start_s`, and was answered from there to `end_s`."""

    path: str
    not_before_s: float
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What a host may see; redirects, robots.txt and sitemaps count as pages do. `disallowed` begins paths."""

    requests_per_second: int
    concurrency: int
    crawl_delay_s: float = 0.0
    disallowed: Collection[str] = ()


def visits_by_host(log: Iterable[Mapping[str, Any]]) -> dict[str, list[Visit]]:
    """The requests of a site's /log by host, whatever their ports, in order of arrival. One without an end goes on."""
    found: dict[str, list[Visit]] = {}
    for one in sorted(log, key=lambda one: one["start_s"]):
        end_s = inf if one["end_s"] is None else one["end_s"]
        visit = Visit(one["path"], one["not_before_s"], one["start_s"], end_s)
        found.setdefault(one["host"].rpartition(":")[0], []).append(visit)
    return found


def most_in_a_second(visits: Sequence[Visit], *, late_s: float = 0.0) -> int:
    """The most requests that certainly were sent within less than a second, wherever that begins.

    A scraper can only be late: it takes its turn, and what keeps its process from running then delays the request.
    If that befalls the first of them, all of them come closer together by as much. So if some may have been `late_s`
    late, certainty takes a window that is as much shorter.
    """
    starts = [visit.start_s for visit in visits]
    counts = (
        bisect_left(starts, first.not_before_s + 1 - late_s)
        - number  # those that had arrived before the second was over
        for number, first in enumerate(visits)
    )
    return max(counts, default=0)


def most_at_once(visits: Iterable[Visit]) -> int:
    """The most requests that were being answered at one moment. Exact: a scraper knows of an answer after its end."""
    changes = sorted(change for visit in visits for change in ((visit.start_s, 1), (visit.end_s, -1)))
    most = now = 0
    for _, change in changes:  # at the same moment, ends come first
        now += change
        most = max(most, now)
    return most


def shortest_gap_s(visits: Sequence[Visit]) -> float:
    """The shortest time between two requests, at the most that it can have been."""
    return min((later.start_s - earlier.not_before_s for earlier, later in pairwise(visits)), default=inf)


def complaints(visits: Sequence[Visit], limits: Limits, *, late_s: float = 0.0) -> list[str]:
    """What the host has seen beyond its limits; see `most_in_a_second` for `late_s`."""
    found = []
    rate, at_once, gap_s = most_in_a_second(visits, late_s=late_s), most_at_once(visits), shortest_gap_s(visits)
    if rate > limits.requests_per_second:
        found.append(f"{rate} requests in a second, allowed are {limits.requests_per_second}")
    if at_once > limits.concurrency:
        found.append(f"{at_once} requests at once, allowed are {limits.concurrency}")
    if gap_s < limits.crawl_delay_s - late_s:
        found.append(f"{gap_s:.3f} s between two requests, the crawl delay is {limits.crawl_delay_s} s")
    refused = sorted({visit.path for visit in visits if visit.path.startswith(tuple(limits.disallowed))})
    return [*found, *(f"{path} is disallowed" for path in refused)]
