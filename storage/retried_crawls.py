"""What a retry has to do for a crawl besides the pages that failed: follow the links that were found and not followed.

They are planned at once, together with the failed pages. From then on the retry stands by itself: it knows which pages
earlier runs have planned, and where its own pages lead is the next level, as in any crawl.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scraper.finding.frontier import Frontier
from storage.batches import BatchResult, Plan
from storage.following import Crawl, NewPages, find_new_pages, what_they_met
from storage.frontiers import know_all
from storage.page_lists import PageList
from storage.store import Store


@dataclass(frozen=True, slots=True)
class Base:
    """What a run that is retried has recorded of a source: its plans of all levels, and its results by batch."""

    snapshot: str
    plans: Sequence[Plan]
    results: Mapping[int, BatchResult]

    @property
    def plan(self) -> Plan:
        """The newest plan: it counts all pages."""
        return self.plans[-1]


@dataclass(frozen=True, slots=True)
class RestOfCrawl:
    """`pages` that links of the retried run lead to and that it has not planned; `frontier` has those that it has."""

    frontier: Frontier
    pages: NewPages


async def rest_of_crawl(
    store: Store, base: Base, lists: Mapping[int, PageList], crawl: Crawl, *, listed: Iterable[str]
) -> RestOfCrawl:
    """What is left to follow of the run `base`, whose page lists are `lists`, and which has `listed` as failures.

    Raises MissingRecord if something of it is gone.
    """
    frontier = await store.frontiers.inherited(base.snapshot, base.plans[0])
    know_all(frontier, lists.values())
    frontier.refused.update(listed)
    done = [one for one in lists.values() if one.batch in base.results]
    met = await what_they_met(store, base.snapshot, done, base.results)
    return RestOfCrawl(frontier, await find_new_pages(frontier, met, crawl, base.plan))
