"""Rows of durable/6.1 to 6.6, asked of a running host on both of its bases."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from azure.durable_functions import OrchestrationRuntimeStatus

from tests.conformance.durable_app import DurableApp
from tests.helpers.host_process import RunningHost

row = pytest.mark.row


@row("durable/6.1/public-base")
@pytest.mark.parametrize("extension", ["durabletask", "DurableTask", "DURABLETASK"])
def test_the_name_of_the_extension_may_have_any_case(durable: DurableApp, extension: str) -> None:
    own_id = durable.start("waits")
    assert durable.host.get(f"/runtime/webhooks/{extension}/instances/{own_id}").status == 202


@row("durable/6.1/rpc-base")
def test_the_address_for_the_sdk_serves_the_same_routes(durable: DurableApp) -> None:
    own_id = durable.run("calls_activity", 1)["instanceId"]
    base = durable.host.get("/api/binding").json()["rpc"]
    own = urlsplit(base)
    assert (own.hostname, own.path.endswith("/")) == ("127.0.0.1", True)
    there = RunningHost(f"http://{own.netloc}", durable.host.child)
    assert there.get(f"{own.path}instances/{own_id}").json() == durable.status(own_id)


@row("durable/6.1/optional-parameters")
@pytest.mark.parametrize(
    "query", ["", "?taskHub=Conformance", "?TASKHUB=conformance&CONNECTION=Storage&code=any", "?connection=Storage"]
)
def test_hub_connection_and_code_may_be_left_out_and_named_in_any_case(durable: DurableApp, query: str) -> None:
    own_id = durable.start("waits")
    assert durable.call("GET", f"instances/{own_id}{query}").status == 202


@row("durable/6.1/final-slash")
def test_a_slash_at_the_end_does_not_matter(durable: DurableApp) -> None:
    assert durable.call("GET", "instances/?top=1").status == 200


@row("durable/6.1/operation-case")
def test_an_operation_may_have_any_case(durable: DurableApp) -> None:
    own_id = durable.start("waits")
    assert durable.call("POST", f"instances/{own_id}/TERMINATE?reason=x").status == 202


@row("durable/6.1/path-decoding")
def test_an_id_in_a_path_is_decoded(durable: DurableApp) -> None:
    durable.call("POST", "orchestrators/waits/an%20id%2B1")
    assert durable.status_when("an id+1", lambda _: True)["instanceId"] == "an id+1"


@row("durable/6.1/not-found")
@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "instances/x"), ("GET", "nothing"), ("POST", "instances/x/explode"), ("GET", "")]
)
def test_any_other_request_is_404_and_empty(durable: DurableApp, method: str, path: str) -> None:
    answer = durable.call(method, path)
    assert (answer.status, answer.body) == (404, b"")


@row("durable/6.1/json")
def test_answers_are_json_with_nulls_and_empty_ones_are_empty(durable: DurableApp) -> None:
    own_id = durable.start("waits")
    answer = durable.call("GET", f"instances/{own_id}")
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert b'"customStatus":null' in answer.body
    empty = durable.call("POST", f"instances/{own_id}/suspend?reason=x")
    assert (empty.status, empty.body) == (202, b"")


@row("durable/6.2/start-version")
def test_a_raw_start_may_name_the_version(durable: DurableApp) -> None:
    started = durable.call("POST", "orchestrators/counts_generations?version=2.1", 3)
    own_id = started.json()["id"]
    assert started.status == 202
    assert durable.ended(own_id)["runtimeStatus"] == "Failed"  # a bare number is no input for the SDK
    started = durable.call("POST", "orchestrators/counts_generations?version=2.1", "3")
    assert durable.ended(started.json()["id"])["output"]["version"] == "2.1"


@row("durable/6.2/start-wait")
def test_a_start_that_waits_answers_the_bare_output(durable: DurableApp) -> None:
    answer = durable.call("POST", "orchestrators/returns_input?timeout=10&pollingInterval=1", {"a": 1})
    assert (answer.status, answer.json()) == (200, {"a": 1})


@row("durable/6.2/start-wait-failed")
def test_a_start_that_waits_for_a_failure_answers_the_status(durable: DurableApp) -> None:
    answer = durable.call("POST", "orchestrators/output_no_json?timeout=10&pollingInterval=1")
    assert (answer.status, answer.json()["runtimeStatus"]) == (200, "Failed")


@row("durable/6.2/start-wait-too-short")
def test_a_start_that_waits_in_vain_answers_like_any_other(durable: DurableApp) -> None:
    answer = durable.call("POST", "orchestrators/waits?timeout=0.1&pollingInterval=0.1")
    assert (answer.status, answer.headers["Retry-After"], "statusQueryGetUri" in answer.json()) == (202, "10", True)


@row("durable/6.2/status-failed")
@pytest.mark.parametrize(("query", "code"), [("", 200), ("?returnInternalServerErrorOnFailure=true", 500)])
def test_a_failed_instance_is_200_unless_asked_otherwise(durable: DurableApp, query: str, code: int) -> None:
    own_id = durable.run("output_no_json")["instanceId"]
    assert durable.call("GET", f"instances/{own_id}{query}").status == code


@row("durable/6.2/status-show-history", "durable/6.4/results", "durable/6.4/names")
@pytest.mark.parametrize(("query", "results"), [("", [None, None]), ("&showHistoryOutput=true", [{"a": 1}, {"a": 1}])])
def test_results_are_part_of_a_shown_history_only_on_request(durable: DurableApp, query: str, results: list) -> None:
    own_id = durable.run("calls_activity", {"a": 1})["instanceId"]
    events = durable.history(own_id, query)
    assert [one["EventType"] for one in events] == ["ExecutionStarted", "TaskCompleted", "ExecutionCompleted"]
    assert [one.get("Result") for one in events[1:]] == results
    assert not [one for one in events if {"EventId", "IsPlayed", "TaskScheduledId"} & set(one)]


@row("durable/6.4/merged")
def test_a_completed_task_tells_when_it_was_scheduled_and_what_it_was(durable: DurableApp) -> None:
    own_id = durable.run("calls_activity", 1)["instanceId"]
    task = durable.history(own_id)[1]
    assert (task["FunctionName"], task["Result"], "ScheduledTime" in task) == ("same", 1, True)


@row("durable/6.2/list")
def test_a_list_shows_status_objects(durable: DurableApp) -> None:
    own_id = durable.run("calls_activity", 1)["instanceId"]
    assert durable.call("GET", f"instances?instanceIdPrefix={own_id}").json() == [durable.status(own_id)]


@row("durable/6.3/status-names")
@pytest.mark.parametrize(
    ("name", "command", "shown"),
    [
        ("waits", None, "Running"),
        ("waits", "suspend", "Suspended"),
        ("waits", "terminate", "Terminated"),
        ("returns_input", None, "Completed"),
        ("output_no_json", None, "Failed"),
    ],
)
def test_a_shown_status_is_one_that_the_sdk_knows(
    durable: DurableApp, name: str, command: str | None, shown: str
) -> None:
    own_id = durable.start(name)
    if command:
        durable.command(own_id, command)
    durable.when_status(own_id, shown)
    assert OrchestrationRuntimeStatus(shown)


@row("durable/6.3/stored-values")
def test_a_raw_input_is_shown_as_its_value_and_a_reason_as_text(durable: DurableApp) -> None:
    own_id = durable.call("POST", "orchestrators/waits", {"a": [1]}).json()["id"]
    durable.command(own_id, "terminate", "not {json")
    status = durable.ended(own_id)
    assert (status["input"], status["output"]) == ({"a": [1]}, "not {json")


@row("durable/6.3/sdk-input")
def test_the_input_of_an_sdk_start_is_shown_as_a_text_of_json(durable: DurableApp) -> None:
    own_id = durable.start("waits", {"a": 1})
    assert json.loads(durable.status(own_id)["input"]) == {"a": 1}


@row("durable/6.3/check-status")
def test_a_start_names_seven_addresses_with_the_origin_of_the_request(durable: DurableApp) -> None:
    body = durable.call("POST", "orchestrators/waits", headers={"Host": "proxy.example:81"}).json()
    assert sorted(body) == [
        "id",
        "purgeHistoryDeleteUri",
        "restartPostUri",
        "resumePostUri",
        "sendEventPostUri",
        "statusQueryGetUri",
        "suspendPostUri",
        "terminatePostUri",
    ]
    assert {urlsplit(url).netloc for name, url in body.items() if name != "id"} == {"proxy.example:81"}


@row("durable/6.3/errors", "durable/6.3/general-errors")
def test_a_wrong_argument_is_400_with_a_message_and_the_exceptions_text(durable: DurableApp) -> None:
    answer = durable.call("POST", "orchestrators/nobody")
    body = answer.json()
    assert (answer.status, body["Message"]) == (400, "One or more of the arguments submitted is incorrect")
    assert set(body) == {"Message", "ExceptionMessage", "ExceptionType", "StackTrace"}


@row("durable/6.5/live")
def test_a_start_over_a_live_instance_is_409_and_leaves_it(durable: DurableApp) -> None:
    own_id = durable.start("waits")
    durable.when_status(own_id, "Running")
    answer = durable.call("POST", f"orchestrators/returns_input/{own_id}")
    message = "An Orchestration instance with the status Running already exists."
    assert (answer.status, answer.json()) == (409, {"Message": message})
    assert durable.status(own_id)["name"] == "waits"


@row("durable/6.5/ended")
def test_a_start_over_an_ended_instance_begins_a_new_history(durable: DurableApp) -> None:
    own_id = durable.run("calls_activity", 1)["instanceId"]
    assert durable.run("returns_input", 2, instance_id=own_id)["output"] == 2
    assert durable.event_names(own_id) == ["ExecutionStarted", "ExecutionCompleted"]


@row("durable/6.5/bad-id")
@pytest.mark.parametrize("segment", ["@abc", "a%23b", "a%3Fb", "a%5Cb", "a%07b", "x" * 257])
def test_an_impossible_id_is_400(durable: DurableApp, segment: str) -> None:
    answer = durable.call("POST", f"orchestrators/waits/{segment}")
    assert (answer.status, "ExceptionMessage" in answer.json()) == (400, True)


@row("durable/6.5/race")
def test_of_concurrent_starts_with_one_id_exactly_one_is_accepted(durable: DurableApp) -> None:
    together = threading.Barrier(16)

    def start(_: int) -> int:
        together.wait()
        return durable.call("POST", "orchestrators/waits/raced").status

    with ThreadPoolExecutor(16) as pool:
        codes = sorted(pool.map(start, range(16)))
    assert codes == [202] + [409] * 15


@row("durable/6.2/purge-one", "durable/6.2/purge-live")
def test_only_an_ended_instance_can_be_purged(durable: DurableApp) -> None:
    own_id = durable.start("waits")
    durable.when_status(own_id, "Running")
    refused = durable.call("DELETE", f"instances/{own_id}")
    assert (refused.status, isinstance(refused.json(), str)) == (412, True)
    durable.command(own_id, "terminate")
    durable.ended(own_id)
    assert durable.call("DELETE", f"instances/{own_id}").json() == {"instancesDeleted": 1}
    assert durable.call("GET", f"instances/{own_id}").status == 404


@row("durable/6.2/raise-event-content-type")
def test_an_event_of_another_content_type_is_refused_in_fixed_words(durable: DurableApp) -> None:
    own_id = durable.start("waits")
    answer = durable.call("POST", f"instances/{own_id}/raiseEvent/go", body="x", headers={"Content-Type": "text/plain"})
    assert (answer.status, answer.json()) == (400, {"Message": "Only application/json request content is supported"})


@row("durable/6.6/raise-event")
def test_an_event_of_the_sdk_arrives_as_the_text_of_its_json(durable: DurableApp) -> None:
    own_id = durable.start("waits")
    durable.host.post(f"/api/raise/{own_id}/go", {"a": 1})
    assert durable.ended(own_id)["output"] == '{"a": 1}'


@row("durable/6.6/get-status-all")
def test_a_list_of_the_sdk_ends_at_100(durable: DurableApp) -> None:
    own = [durable.call("POST", f"orchestrators/returns_input/many-{number}").status for number in range(101)]
    assert own == [202] * 101
    assert len(durable.host.get("/api/sdk/get_status_all").json()) == 100


@row("durable/6.6/purge-by")
def test_purge_by_filter_of_the_sdk_counts(durable: DurableApp) -> None:
    assert durable.host.get("/api/sdk/purge_nothing").json() == 0


@row("durable/6.6/content-types")
def test_a_post_without_a_value_is_accepted_as_the_sdk_sends_it(durable: DurableApp) -> None:
    headers = {"Content-Type": "application/octet-stream", "Content-Length": "0"}
    answer = durable.call("POST", "orchestrators/waits", headers=headers)
    assert (answer.status, durable.status(answer.json()["id"])["input"]) == (202, None)


@row("durable/6.6/invocation-id")
def test_a_client_knows_the_id_of_the_run_that_uses_it(durable: DurableApp) -> None:
    of_client, of_context = durable.host.get("/api/invocation").json()
    assert (of_client, len(of_context)) == (of_context, 36)
