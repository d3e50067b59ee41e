"""The host's log of a run: one search for the run's ID finds all that our code said of it."""

import re

from scripts.processes import Supervisor
from scripts.sample_site import start_sample_site
from tests.e2e.conftest import StartApp

OURS = re.compile(
    r"started daily_scrape|run claimed|planned:|batch \d+ scraped|page failed|more pages failed|source ended|run ended"
)
CONTEXT = re.compile(r" \[run_id=followed(?: source=(?P<source>\S+))?(?: batch=\d+)?(?: url=(?P<url>\S+))?\]$")


def test_every_line_of_a_run_names_it_and_every_failed_page_has_one_line(
    start_app: StartApp, supervisor: Supervisor
) -> None:
    app = start_app(start_sample_site(supervisor, books=30, fault_percent=20.0), PAGES_PER_BATCH="10")
    assert app.start_run("followed").status == 202
    run = app.finished_run("followed")
    failures = sorted((one["source"], one["url"]) for one in app.failures("followed"))
    lines = [line for line in app.child.log_path.read_text("utf-8").splitlines() if OURS.search(line)]
    contexts = [CONTEXT.search(line) for line in lines]
    assert [line for line, context in zip(lines, contexts, strict=True) if context is None] == []
    logged = [
        (context["source"], context["url"])
        for line, context in zip(lines, contexts, strict=True)
        if context is not None and "page failed" in line
    ]
    assert len(failures) >= 3
    assert sorted(logged) == failures
    for milestone in ("started daily_scrape", "run claimed", "run ended"):
        assert len([line for line in lines if milestone in line]) == 1
    assert len([line for line in lines if "source ended" in line]) == len(run["sources"])
