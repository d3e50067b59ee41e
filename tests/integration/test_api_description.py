"""docs/openapi.yaml describes the routes that the app has, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, get_args

import jsonschema_rs
import pytest
import schemathesis
from azure.durable_functions import OrchestrationRuntimeStatus

from devhost.functions.description import LoadedApp
from orchestrations import names, watch_plan, workflow_request
from scraper.models import Reason
from scraper.settings import Settings
from scripts.checkout import ROOT
from storage.data.publications import MOST_PUBLICATIONS
from storage.ledger.skips import SkipReason
from storage.snapshots.row_changes import KINDS
from tests.helpers.answer_checks import PROBLEM as PROBLEM_JSON
from tests.helpers.answer_checks import faults, response_of
from tests.helpers.api_description import Node, Operation, closed, operations, parameters, read_description, resolved
from tests.helpers.described_app import ALL_ROUTES, loaded_app
from triggers.datasets import diff as dataset_diff
from triggers.datasets import overview as datasets
from triggers.datasets import rows as dataset_rows
from triggers.orchestrators import watch_requests
from triggers.runs import batches as run_batches
from triggers.runs import failures as run_failures
from triggers.runs import history as runs
from triggers.schedule.control import MOST_SKIPS
from triggers.web.problem import DETAIL_CHARACTERS
from triggers.web.request_reading import DEEPEST
from triggers.web.start_times import FARTHEST
from triggers.workflows.requests import MOST_BYTES

DOCUMENT = read_description()
BY_GET = "_by_get"
OPERATIONS = {operation.name: operation for operation in operations(DOCUMENT)}
PREFIX = json.loads((ROOT / "host.json").read_text())["extensions"]["http"]["routePrefix"]


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The HTTP triggers of the app, each with the name of its function."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ALL_ROUTES.items():
            patch.setenv(name, value)
        return http_triggers(loaded_app(tmp_path_factory.mktemp("app")))


def http_triggers(app: LoadedApp) -> list[dict[str, Any]]:
    assert app.problems == ()
    return [{**one.trigger, "name": one.name} for one in app.functions if one.trigger_type == "httpTrigger"]


def methods(routes: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    """Operation, method and path; a function that has GET beside another method is two operations."""
    return {
        (
            f"{route['name']}{BY_GET if method == 'GET' and len(route['methods']) > 1 else ''}",
            method,
            f"/{route['route']}",
        )
        for route in routes
        for method in route["methods"]
    }


def parameter(operation: Operation, name: str) -> Node:
    """The schema of a parameter."""
    (found,) = [one for one in parameters(DOCUMENT, operation) if one["name"] == name]
    return resolved(DOCUMENT, found["schema"])


def schema(name: str) -> Node:
    node: Node = DOCUMENT["components"]["schemas"][name]
    return node


def test_it_is_valid_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(read_description()).validate()


def test_it_has_exactly_the_routes_of_the_app(routes: list[dict[str, Any]]) -> None:
    assert {(one.name, one.method, one.path) for one in OPERATIONS.values()} == methods(routes)


def test_commands_by_get_are_there_only_if_a_setting_allows_them(routes: list[dict[str, Any]], tmp_path: Path) -> None:
    usual = methods(http_triggers(loaded_app(tmp_path)))
    more = {("start_workflow_by_get", "GET", "/start/{input}"), ("stop_workflow_by_get", "GET", "/stop/{input}")}
    assert methods(routes) - usual == more
    told = [OPERATIONS[name].node["description"] for name, _, _ in more]
    assert all("Only with `ALLOW_GET_COMMANDS=true`" in one for one in told)


def test_its_server_has_the_prefix_of_the_host() -> None:
    assert {server["url"].rpartition("/")[2] for server in DOCUMENT["servers"]} == {PREFIX}


def test_it_asks_for_a_key_where_the_app_does(routes: list[dict[str, Any]]) -> None:
    open_to_all = {route["name"] for route in routes if route["authLevel"] == "ANONYMOUS"}
    assert {one.name for one in OPERATIONS.values() if one.node.get("security") == []} == open_to_all
    assert {one.name for one in OPERATIONS.values() if 401 not in one.statuses} == open_to_all


def test_what_path_parameters_it_names_are_those_of_its_paths() -> None:
    for path, item in DOCUMENT["paths"].items():
        named = [resolved(DOCUMENT, one)["name"] for one in item.get("parameters", [])]
        assert named == re.findall(r"{(\w+)}", path)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_has_a_summary_a_tag_and_only_errors_that_are_problems(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation.node["summary"]
    assert set(operation.node["tags"]) <= {tag["name"] for tag in DOCUMENT["tags"]}
    described = operation.node["responses"]
    errors = [status for status in described if status > "399"]
    kinds = {status: list(resolved(DOCUMENT, described[status]).get("content", {})) for status in errors}
    is_health = name.startswith("health")
    expected = {status: ["application/json" if is_health else "application/problem+json"] for status in errors}
    assert kinds == expected | ({"401": []} if "401" in errors else {})


def test_every_named_part_is_used() -> None:
    text = json.dumps(DOCUMENT)
    parts = [f"#/components/{kind}/{name}" for kind, named in DOCUMENT["components"].items() for name in named]
    schemes = [part for part in parts if "/securitySchemes/" in part]
    assert [part for part in parts if f'"{part}"' not in text and part not in schemes] == []


def test_its_bounds_are_those_of_the_code() -> None:
    assert parameter(OPERATIONS["list_runs"], "limit")["maximum"] == runs.MOST_RUNS
    assert parameter(OPERATIONS["list_failures"], "limit")["maximum"] == run_failures.MOST_FAILURES
    assert parameter(OPERATIONS["list_failures"], "limit")["default"] == run_failures.MOST_FAILURES
    assert parameter(OPERATIONS["list_skips"], "limit")["maximum"] == MOST_SKIPS
    assert parameter(OPERATIONS["get_dataset"], "limit")["maximum"] == datasets.MOST_SNAPSHOTS
    assert parameter(OPERATIONS["list_rows"], "limit")["maximum"] == dataset_rows.MOST_ROWS
    assert parameter(OPERATIONS["list_rows"], "limit")["default"] == dataset_rows.USUAL_ROWS
    assert parameter(OPERATIONS["list_batches"], "limit")["maximum"] == run_batches.MOST_BATCHES
    assert parameter(OPERATIONS["list_batches"], "limit")["default"] == run_batches.MOST_BATCHES
    assert f"to {dataset_rows.MOST_BYTES // 1024**2} MiB" in OPERATIONS["list_rows"].node["description"]
    assert parameter(OPERATIONS["get_diff"], "limit")["maximum"] == dataset_diff.MOST_CHANGES
    assert parameter(OPERATIONS["get_diff"], "limit")["default"] == dataset_diff.USUAL_CHANGES
    assert f"have {dataset_diff.MOST_BYTES // 1024**2} MiB" in OPERATIONS["get_diff"].node["description"]
    assert schema("DatasetInFull")["properties"]["publications"]["maxItems"] == MOST_PUBLICATIONS
    assert f"at most {FARTHEST.days} days ahead" in schema("StartAt")["description"]
    assert schema("WatchRequest")["properties"]["intervalMinutes"]["maximum"] == watch_plan.MOST_MINUTES
    assert list(schema("WatchRequest")["properties"]) == list(watch_requests.FIELDS)
    assert schema("Problem")["properties"]["detail"]["maxLength"] == DETAIL_CHARACTERS
    assert schema("RunId")["maxLength"] == names.RUN_ID_LENGTH
    assert schema("InstanceId")["maxLength"] == names.INSTANCE_ID_LENGTH


def test_its_bounds_of_workflows_are_those_of_the_code() -> None:
    fields = schema("WorkflowRequest")["properties"]
    assert list(fields) == list(workflow_request.FIELDS)
    assert fields["waitFor"]["maxItems"] == workflow_request.MOST_EVENTS
    assert fields["mode"]["enum"] == [*workflow_request.MODES, None]
    assert fields["timeoutSeconds"]["maximum"] == workflow_request.LONGEST_TIMEOUT.total_seconds()
    assert schema("WorkflowKey")["maxLength"] == workflow_request.KEY_LENGTH
    assert schema("EventName")["maxLength"] == workflow_request.EVENT_NAME_LENGTH
    assert f"{MOST_BYTES // 1024} KiB" in DOCUMENT["components"]["responses"]["BodyTooLarge"]["description"]
    assert f"up to {DEEPEST} levels" in schema("AnyJson")["description"]


def test_its_words_are_those_of_the_code() -> None:
    assert schema("Change")["properties"]["change"]["enum"] == list(KINDS)
    assert schema("Skip")["properties"]["reason"]["enum"] == [str(reason) for reason in SkipReason]
    assert parameter(OPERATIONS["list_rows"], "format")["enum"] == list(dataset_rows.FORMATS)
    policies = get_args(Settings.model_fields["overlap_policy"].annotation)
    assert schema("Schedule")["properties"]["overlapPolicy"]["enum"] == list(policies)
    assert set(schema("RuntimeStatus")["enum"]) == {status.name for status in OrchestrationRuntimeStatus}


def test_its_orchestrators_are_those_that_can_be_started() -> None:
    assert parameter(OPERATIONS["start_orchestrator"], "functionName")["enum"] == list(names.STARTABLE)


def test_its_reasons_of_failed_pages_are_those_of_the_code() -> None:
    assert schema("PageFailure")["properties"]["reason"]["enum"] == [str(reason) for reason in Reason]


TEXTS = [
    "a",
    "A-1_b.c:d~e",
    "",
    "-a",
    "a b",
    "é",
    "a/b",
    "a\n",
    "%41",
    *("x" * n for n in (100, 101, 200, 201, 256, 257)),
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("RunId", names.run_id_problem),
        ("InstanceId", names.instance_id_problem),
        ("WorkflowKey", workflow_request.key_problem),
        ("EventName", partial(names.instance_id_problem, longest=workflow_request.EVENT_NAME_LENGTH)),
    ],
)
def test_it_takes_the_names_that_the_code_takes(name: str, problem: Callable[[str], str], text: str) -> None:
    assert jsonschema_rs.is_valid(schema(name), text) == (problem(text) == "")


STRICT = schemathesis.openapi.from_dict(closed(DOCUMENT))


def fault(operation_name: str, status: int, body: Any, media_type: str = "application/json") -> str:
    """What is wrong with an answer by the closed description; empty if nothing is."""
    response = response_of(status, {"Content-Type": media_type}, json.dumps(body).encode())
    found = faults(STRICT, OPERATIONS[operation_name], response, is_sound=False)
    return "\n".join(failure.message for failure in found)


def examples() -> list[tuple[str, int, str, Any]]:
    """Operation, status, media type and body of every answer that has an example."""
    return [
        (operation.name, int(status), name, media_type["example"])
        for operation in OPERATIONS.values()
        for status, node in operation.node["responses"].items()
        for name, media_type in resolved(DOCUMENT, node).get("content", {}).items()
        if "example" in media_type
    ]


EXAMPLES = {(name, status): body for name, status, _, body in examples()}
PROBLEM = EXAMPLES["list_runs", 400]
SCHEDULE = EXAMPLES["get_schedule", 200]
CONFLICT = EXAMPLES["start_run", 409]


@pytest.mark.parametrize(("name", "status", "media_type", "body"), examples())
def test_its_examples_are_as_described(name: str, status: int, media_type: str, body: Any) -> None:
    headers = {"Content-Type": media_type, "Location": "http://localhost", "Retry-After": "1"}
    response = response_of(status, headers, json.dumps(body).encode())
    assert [one.message for one in faults(STRICT, OPERATIONS[name], response, is_sound=False)] == []


@pytest.mark.parametrize("name", [name for name, one in OPERATIONS.items() if "requestBody" in one.node])
def test_its_examples_of_bodies_are_as_described(name: str) -> None:
    (content,) = resolved(DOCUMENT, OPERATIONS[name].node["requestBody"])["content"].values()
    validator = jsonschema_rs.Draft202012Validator({**DOCUMENT, **content["schema"]})
    given = {example: one["value"] for example, one in content["examples"].items()}
    assert {example: [str(fault) for fault in validator.iter_errors(value)] for example, value in given.items()} == {
        example: [] for example in given
    }


def test_when_closed_it_refuses_a_member_that_is_not_described_at_any_depth() -> None:
    refused = "Unevaluated properties are not allowed ('more' was unexpected)"
    assert refused in fault("list_runs", 400, PROBLEM | {"more": 1}, PROBLEM_JSON)
    assert refused in fault("get_schedule", 200, SCHEDULE | {"more": 1})
    assert refused in fault("start_run", 409, CONFLICT | {"links": CONFLICT["links"] | {"more": 1}}, PROBLEM_JSON)


def test_it_refuses_an_answer_that_lacks_a_member() -> None:
    without = {name: value for name, value in SCHEDULE.items() if name != "paused"}
    assert '"paused" is a required property' in fault("get_schedule", 200, without)


def test_it_refuses_an_answer_with_another_status_type_or_title() -> None:
    assert "Received: 418" in fault("get_schedule", 418, SCHEDULE)
    assert "Received: text/html" in fault("get_schedule", 200, SCHEDULE, "text/html")
    assert "told as 400 Conflict" in fault("list_runs", 400, PROBLEM | {"title": "Conflict"}, PROBLEM_JSON)


def test_it_refuses_an_answer_that_shows_a_traceback_or_a_key() -> None:
    shown = "Traceback (most recent call last)"
    assert shown in fault("list_runs", 400, PROBLEM | {"detail": f"{shown}: File"}, PROBLEM_JSON)
