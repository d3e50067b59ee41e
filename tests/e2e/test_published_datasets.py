"""What is published, over HTTP: looked at, decided against the gate, and taken back."""

from pathlib import Path
from typing import Any

import pytest

from scripts.processes import Supervisor
from scripts.sample_site import start_sample_site
from tests.e2e.conftest import StartApp
from tests.e2e.test_daily_scrape import BOOKS_ONLY
from tests.helpers.running_app import RunningApp

pytestmark = pytest.mark.any_host

BOOKS = 40
DATASET = "/api/datasets/books"


def get(app: RunningApp, tail: str) -> dict[str, Any]:
    answer = app.ask("GET", f"{DATASET}{tail}")
    assert answer.status == 200, answer.text
    document: dict[str, Any] = answer.document
    return document


def publish(app: RunningApp, query: str) -> tuple[int, dict[str, Any]]:
    answer = app.ask("POST", f"{DATASET}/publish?{query}")
    return answer.status, answer.document


def source_of(app: RunningApp, run_id: str) -> dict[str, Any]:
    """A whole run; how its source ended."""
    assert app.start_run(run_id).status == 202
    source: dict[str, Any] = app.finished_run(run_id)["sources"][0]
    return source


def counts(document: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(document[name] for name in ("added", "removed", "changed"))


def fields_of_rows(app: RunningApp) -> set[str]:
    """The fields that rows have for readers."""
    rows = get(app, "/rows")["rows"]
    assert len(rows) == BOOKS
    return {name for row in rows for name in row if not name.startswith("_")}


def test_what_the_gate_refused_is_compared_published_by_force_and_taken_back(
    start_app: StartApp, supervisor: Supervisor, tmp_path: Path
) -> None:
    file = tmp_path / "sources.toml"
    good, other = BOOKS_ONLY.format(min_rows=BOOKS), BOOKS_ONLY.format(min_rows=BOOKS + 1)
    file.write_text(good)
    app = start_app(start_sample_site(supervisor, books=BOOKS, fault_percent=0), SOURCES_FILE=str(file))
    assert counts(source_of(app, "good")) == (None, None, None)
    file.write_text(other.replace("{ title", "{ name"))
    refused = source_of(app, "refused")
    assert (refused["state"], counts(refused)) == ("refused", (0, 0, BOOKS))

    difference = get(app, "/diff?to=refused&limit=1")
    assert (counts(difference), difference["from"]["runId"]) == ((0, 0, BOOKS), "good")
    assert set(difference["changes"][0]["fields"]) == {"title", "name"}
    status, problem = publish(app, "run=refused")
    assert (status, problem["rule"]) == (409, f"min_rows: {BOOKS} rows, at least {BOOKS + 1} are wanted")
    assert fields_of_rows(app) == {"title"}

    assert publish(app, "run=refused&force=true")[0] == 200
    assert fields_of_rows(app) == {"name"}
    assert publish(app, "run=refused&force=true")[1]["isChanged"] is False
    assert publish(app, "run=good")[1]["insteadOf"]["runId"] == "refused"
    assert fields_of_rows(app) == {"title"}

    file.write_text(good)
    again = source_of(app, "again")
    assert (again["state"], again["unchanged"], counts(again)) == ("published", BOOKS, (0, 0, 0))
    told = [(one["runId"], one["publishedBy"], one["overridden"]) for one in get(app, "")["publications"]]
    assert told == [
        ("again", "run", None),
        ("good", "http", None),
        ("refused", "http", problem["rule"]),
        ("good", "run", None),
    ]
