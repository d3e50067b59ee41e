"""What a retry has to do for a crawl besides the pages that failed: follow the links that were found and not followed.

They are planned at once, together with the failed pages. From then on the retry stands by itself: it knows which pages
earlier runs have planned, and where its own pages lead is the next level, as in any crawl.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scraper.finding.frontier import Frontier, Harvest
from storage.crawls.frontiers import know_all
from storage.planning.following import Crawl, NewPages, gather_links, new_pages
from storage.store import Store
from storage.work.batch_results import BatchResult
from storage.work.batches import Plan
from storage.work.page_lists import PageList


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
    harvest = Harvest(frontier, max_depth=crawl.follow.max_depth)
    await gather_links(store, base.snapshot, done, base.results, harvest)
    pages = await new_pages(harvest, crawl, base.plan)
    frontier.addresses |= harvest.addresses
    return RestOfCrawl(frontier, pages)
