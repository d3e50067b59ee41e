"""How a source's limits are shared among its batches: those that there are share all of them, however few they are."""

from activities.planning import plan_source
from tests.helpers.activity_runs import ActivityRuns

WHOLE = {"concurrency": 4, "requests_per_second": 1000.0}
QUARTER = {"concurrency": 1, "requests_per_second": 250.0}


async def test_as_many_batches_as_may_run_at_a_time_have_a_part_each(runs: ActivityRuns) -> None:
    await runs.claim(await runs.start("run"))
    plan = await runs.plan("run", "books")
    assert (plan["batches"], plan["window"], plan["share"]) == (4, 4, QUARTER)


async def test_the_only_batch_of_a_source_has_all_that_the_source_allows(runs: ActivityRuns) -> None:
    await runs.claim(await runs.start("run"))
    plan = await runs.plan("run", "news")
    assert (plan["batches"], plan["window"]) == (1, 1)
    assert plan["share"] == {"concurrency": 2, "requests_per_second": 1000.0}


async def test_the_only_batch_that_a_retry_has_left_has_all_that_the_source_allows(runs: ActivityRuns) -> None:
    retry = await runs.start_retry(await runs.run_with_failures("/books/5"))
    await runs.claim(retry)
    plan = await runs.plan(retry, "books")
    assert (plan["batches"], plan["window"], plan["share"]) == (1, 1, WHOLE)


async def test_a_plan_that_is_asked_for_again_shares_the_limits_as_it_did(runs: ActivityRuns) -> None:
    """Also when some of its batches are done: lanes of the first answer may be at work on the others."""
    await runs.claim(await runs.start("run"))
    plan = await runs.scrape_level("run", "books", lists=[0, 1, 2])
    assert await plan_source(runs.step("run", "books"), runs.hub) == plan
