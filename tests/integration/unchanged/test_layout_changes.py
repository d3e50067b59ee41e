"""Pages that had rows and have none any more: the published snapshot knows."""

import pytest

from storage.keys import snapshot_id
from tests.helpers.activity_runs import ActivityRuns
from tests.helpers.versioned_site import Told, VersionedSite

PAGE = "/books/4"


async def failures_of(runs: ActivityRuns, epoch: int) -> tuple[int, list[tuple[str, str]]]:
    """The run with this epoch, whole: how many pages it loaded, and the failed ones with their reasons."""
    ended = await runs.complete(await runs.start(f"run-{epoch}"))
    failures = [failure async for _, failure in runs.store.failures_of(snapshot_id("books", epoch))]
    return ended["sources"][0]["loaded"], [("/" + one.url.split("/", 3)[3], one.reason.value) for one in failures]


@pytest.mark.parametrize("told", [Told.ETAG, Told.NOTHING])
async def test_a_page_that_lost_its_rows_fails_and_may_be_empty_once_readers_do_not_have_them(
    runs: ActivityRuns, site: VersionedSite, told: Told
) -> None:
    site.told = told
    site.write_sources("rows_may_be_absent = true")
    await failures_of(runs, 1)
    site.emptied = {PAGE}
    site.change(PAGE)
    assert await failures_of(runs, 2) == (len(site.books) - 1, [(PAGE, "layout_changed")])
    assert await failures_of(runs, 3) == (len(site.books), [])


async def test_without_knowledge_of_former_rows_an_empty_page_is_believed(
    runs: ActivityRuns, site: VersionedSite
) -> None:
    await failures_of(runs, 1)
    site.emptied = {PAGE}
    site.change(PAGE)
    site.write_sources("rows_may_be_absent = true")  # other rules: no page is known any more
    assert (await failures_of(runs, 2))[1] == []


async def test_a_block_is_no_unchanged_page(runs: ActivityRuns, site: VersionedSite) -> None:
    await failures_of(runs, 1)
    site.write_sources('blocked_if = ["books/4#1"]')
    assert (await failures_of(runs, 2))[1] == [(PAGE, "blocked")]
