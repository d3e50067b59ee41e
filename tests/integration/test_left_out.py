"""What `max_pages` leaves out is told: in the log, of a live run, of an ended one, and of its snapshot."""

import json
import logging
from typing import Any

import azure.functions as func
import pytest

from tests.helpers.activity_runs import ActivityRuns
from tests.helpers.tiny_site import TinySite
from triggers.datasets.overview import get_dataset
from triggers.runs.history import get_run, list_runs

URL = "http://localhost/api"


async def told(handler: Any, runs: ActivityRuns, **route: str) -> dict[str, Any]:
    answer = await handler(func.HttpRequest("GET", URL, route_params=route, body=b""), runs.hub)
    document: dict[str, Any] = json.loads(answer.get_body())
    return document


async def counts(runs: ActivityRuns) -> tuple[int, int, int, int]:
    """Of the source, of the run, of its line in the list, of the snapshot."""
    run = await told(get_run, runs, runId="run")
    (line,) = (await told(list_runs, runs))["runs"]
    (snapshot,) = (await told(get_dataset, runs, source="books"))["snapshots"]
    (source,) = run["sources"]
    return source["leftOut"], run["totals"]["leftOut"], line["totals"]["leftOut"], snapshot["leftOut"]


async def test_pages_beyond_max_pages_are_counted_wherever_pages_are(
    runs: ActivityRuns, site: TinySite, caplog: pytest.LogCaptureFixture
) -> None:
    site.write_sources(keys="max_pages = 7")
    await runs.claim(await runs.start("run", sources=["books"]))
    await runs.scrape("run", "books")
    assert await counts(runs) == (len(site.books) - 7,) * 4
    await runs.finish("run", summaries=[await runs.publish("run", "books")])
    assert await counts(runs) == (len(site.books) - 7,) * 4
    warnings = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    text = "max_pages = 7 leaves out 5 pages: raise it in the sources file, or nobody will see them"
    assert warnings == [f"{text} [run_id=run source=books]"]


async def test_a_source_that_leaves_nothing_out_is_not_warned_of(
    runs: ActivityRuns, site: TinySite, caplog: pytest.LogCaptureFixture
) -> None:
    await runs.complete(await runs.start("run", sources=["books"]))
    assert await counts(runs) == (0,) * 4
    assert "max_pages" not in caplog.text
