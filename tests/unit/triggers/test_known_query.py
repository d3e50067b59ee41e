"""A query with a name that nobody reads is refused, on every route."""

import json

import azure.functions as func
import pytest

from tests.helpers.api_description import operations, parameters, read_description
from triggers.datasets.diff import get_diff
from triggers.datasets.rows import list_rows
from triggers.runs.history import get_run
from triggers.web.known_query import QUERIES, unknown_parameter
from triggers.workflows.commands import check_workflow

URL = "http://localhost/api/x"


@pytest.mark.parametrize(
    ("handler", "query", "reason"),
    [
        (list_rows, "runs=today", "'runs' in the query; did you mean 'run'? known: format, run, limit, continuation."),
        (get_diff, "form=t3&to=", "'form' in the query; did you mean 'from'? known: from, to, limit, continuation."),
        (list_rows, "Limit=5", "'Limit' in the query; did you mean 'limit'? known: format, run, limit, continuation."),
        (list_rows, "xyz", "'xyz' in the query; known: format, run, limit, continuation."),
        (get_run, "limit=5", "'limit' in the query; this route has none."),
        (check_workflow, "wait=5", "'wait' in the query; this route has none."),
    ],
)
async def test_a_parameter_that_nobody_reads_is_refused_by_name(handler, query: str, reason: str) -> None:
    answer = await handler(func.HttpRequest("GET", f"{URL}?{query}", body=b""), client=None)
    assert (answer.status_code, json.loads(answer.get_body())["detail"]) == (400, f"Unknown parameter {reason}")


@pytest.mark.parametrize("query", ["code=secret", "CODE=&clientId=default", "startAt=", "STARTAT=now&code=x", ""])
def test_what_azure_adds_and_what_counts_in_any_case_is_let_through(query: str) -> None:
    assert unknown_parameter("start_run", func.HttpRequest("POST", f"{URL}?{query}", body=b"")) == ""


def test_the_queries_are_those_that_are_described() -> None:
    document = read_description()
    described = {
        one.name: tuple(each["name"] for each in parameters(document, one) if each["in"] == "query")
        for one in operations(document)
    }
    assert {name: query for name, query in described.items() if query} == QUERIES
