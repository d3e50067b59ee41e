"""Every route of the management API over plain HTTP, in front of every hub."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime

import pytest

from tests.helpers.memory_hub import MemoryHub

# The SDK says so once a process about its own reading of inputs.
pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called without expected_type")

JSON_TYPE = "application/json; charset=utf-8"


# ---- start


@pytest.mark.row("durable/6.2/start", "durable/6.3/check-status")
async def test_start_answers_202_with_links_location_and_retry_after(webhooks):
    answer = await webhooks.call("POST", "orchestrators/Wait/abc")
    query = "taskHub=TestHub&connection=Storage"
    one = f"{webhooks.base_url}/instances/abc"
    assert answer.status == 202
    assert answer.json == {
        "id": "abc",
        "statusQueryGetUri": f"{one}?{query}",
        "sendEventPostUri": f"{one}/raiseEvent/{{eventName}}?{query}",
        "terminatePostUri": f"{one}/terminate?reason={{text}}&{query}",
        "purgeHistoryDeleteUri": f"{one}?{query}",
        "restartPostUri": f"{one}/restart?{query}",
        "suspendPostUri": f"{one}/suspend?reason={{text}}&{query}",
        "resumePostUri": f"{one}/resume?reason={{text}}&{query}",
    }
    assert answer.headers["Location"] == f"{one}?{query}"
    assert answer.headers["Retry-After"] == "10"
    assert answer.headers["Content-Type"] == JSON_TYPE


@pytest.mark.row("durable/6.2/start-id")
async def test_start_without_id_makes_32_hex_digits(webhooks):
    answer = await webhooks.call("POST", "orchestrators/Wait")
    assert re.fullmatch("[0-9a-f]{32}", answer.json["id"])


@pytest.mark.row("durable/6.3/check-status")
async def test_returned_urls_have_the_origin_of_the_request(webhooks):
    answer = await webhooks.call("POST", "orchestrators/Wait/abc", headers={"Host": "example.test:8080"})
    assert answer.headers["Location"].startswith("http://example.test:8080/runtime/webhooks/durabletask/instances/abc?")


async def test_returned_status_url_of_an_id_with_reserved_characters_works(webhooks):
    started = await webhooks.call("POST", "orchestrators/Wait/a%20b%2Bc%25")
    status = await webhooks.call("GET", started.headers["Location"])
    assert status.json["instanceId"] == "a b+c%"


async def test_returned_urls_of_the_rpc_mount_work(webhooks):
    started = await webhooks.call("POST", f"{webhooks.origin}/durabletask/orchestrators/Wait/a%25b%20c")
    status = await webhooks.call("GET", started.headers["Location"])
    assert status.json["instanceId"] == "a%b c"


@pytest.mark.row("durable/6.1/path-decoding")
async def test_plus_in_a_path_is_a_space(webhooks):
    answer = await webhooks.call("POST", "orchestrators/Wait/a+b")
    assert answer.json["id"] == "a b"


async def test_request_for_the_hub_by_name_in_another_case_is_served(webhooks):
    answer = await webhooks.call("POST", "orchestrators/Wait/abc?TASKHUB=testhub&CONNECTION=Other")
    assert "taskHub=TestHub&connection=Other" in answer.json["statusQueryGetUri"]


async def test_request_for_another_hub_is_404_and_names_both(webhooks):
    answer = await webhooks.call("POST", "orchestrators/Wait?taskHub=Else")
    assert answer.status == 404
    assert answer.json["Message"].startswith("This host runs the task hub 'TestHub', not 'Else'.")


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{ "a": [1, 2.50, "x  y"] }', {"a": [1, 2.5, "x  y"]}),
        (b'"{\\"n\\": 1}"', '{"n": 1}'),
        (b"[1, null]", [1, None]),
        (b"false", False),
        (b"", None),
    ],
)
async def test_input_is_shown_as_it_was_posted(webhooks, body, shown):
    await webhooks.call("POST", "orchestrators/Wait/abc", data=body)
    answer = await webhooks.call("GET", "instances/abc")
    assert answer.json["input"] == shown


async def test_input_is_stored_compact_and_letter_for_letter(webhooks, hub):
    await webhooks.call("POST", "orchestrators/Wait/abc", data=b'{ "a b":\t[1.50, 1E2,\n"\\u00e9 \\" x"] }')
    instance = await hub.get_instance("abc")
    assert instance.input_text == '{"a b":[1.50,1E2,"\\u00e9 \\" x"]}'


@pytest.mark.row("durable/6.2/start-bad-json")
@pytest.mark.parametrize("body", [b"{", b"{} {}", b" ", b"NaN", b"\xff", b"1e999", b"[" * 100_000])
async def test_start_with_a_body_that_is_not_json_is_400(webhooks, body):
    answer = await webhooks.call("POST", "orchestrators/Wait/abc", data=body)
    assert answer.status == 400
    assert answer.json["Message"] == "One or more of the arguments submitted is incorrect"
    assert answer.json["ExceptionMessage"].startswith("The body is n")


async def test_refused_start_creates_nothing(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/abc", data=b"{")
    assert (await webhooks.call("GET", "instances/abc")).status == 404


@pytest.mark.row("durable/6.5/unknown-orchestrator")
async def test_start_of_an_unknown_orchestrator_is_400_and_names_the_known_ones(webhooks):
    answer = await webhooks.call("POST", "orchestrators/Nope")
    assert answer.status == 400
    assert answer.json["ExceptionMessage"] == (
        "The function 'Nope' doesn't exist, is disabled, or is not an orchestrator function. "
        "Additional info: The following are the known orchestrator functions: 'Boom', 'Echo', 'Wait'."
    )


@pytest.mark.row("durable/6.5/bad-id")
@pytest.mark.parametrize("segment", ["@a", "a%2Fb", "a%5Cb", "a%23b", "a%3Fb", "a%0Ab", "a" * 257])
async def test_start_with_an_invalid_id_is_400(webhooks, segment):
    answer = await webhooks.call("POST", f"orchestrators/Wait/{segment}")
    assert answer.status == 400
    assert answer.json["ExceptionMessage"].startswith("Instance ID '")


@pytest.mark.row("durable/6.5/live")
async def test_second_start_while_live_is_409(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/abc")
    await webhooks.status_when("abc", "Running")
    answer = await webhooks.call("POST", "orchestrators/Wait/abc")
    assert answer.status == 409
    assert answer.json == {"Message": "An Orchestration instance with the status Running already exists."}


@pytest.mark.row("durable/6.5/ended")
async def test_start_over_an_ended_instance_replaces_it(webhooks):
    await webhooks.call("POST", "orchestrators/Echo/abc", json={"n": 1})
    await webhooks.status_when("abc", "Completed")
    answer = await webhooks.call("POST", "orchestrators/Wait/abc", json=2)
    assert answer.status == 202
    assert (await webhooks.call("GET", "instances/abc")).json["input"] == 2


@pytest.mark.row("durable/6.2/start-wait")
async def test_start_that_waits_answers_200_with_the_bare_output(webhooks):
    answer = await webhooks.call("POST", "orchestrators/Echo/abc?timeout=10&pollingInterval=1", json={"n": [1]})
    assert answer.status == 200
    assert answer.json == {"n": [1]}


@pytest.mark.row("durable/6.2/start-wait-too-short")
async def test_start_that_waits_in_vain_answers_202_with_links(webhooks):
    answer = await webhooks.call("POST", "orchestrators/Wait/abc?timeout=0.05&pollingInterval=0.01")
    assert answer.status == 202
    assert answer.json["id"] == "abc"


@pytest.mark.row("durable/6.2/start-wait-failed")
async def test_start_that_waits_for_a_failure_answers_its_status(webhooks):
    answer = await webhooks.call("POST", "orchestrators/Boom/abc?timeout=10&pollingInterval=1")
    assert answer.status == 200
    assert answer.json["runtimeStatus"] == "Failed"
    assert answer.json["output"].startswith("Orchestrator function 'Boom' failed: boom")


@pytest.mark.parametrize("query", ["timeout=1&pollingInterval=2", "timeout=x&pollingInterval=1", "timeout=-1"])
async def test_start_with_an_impossible_wait_is_400_and_starts_nothing(webhooks, query):
    answer = await webhooks.call("POST", f"orchestrators/Wait/abc?{query}")
    assert answer.status == 400
    assert (await webhooks.call("GET", "instances/abc")).status == 404


# ---- status of one instance


@pytest.mark.row("durable/6.3/status-keys", "durable/6.3/times", "durable/6.2/status-ended")
async def test_status_of_a_completed_instance(serve):
    moment = datetime(2026, 1, 2, 3, 4, 5, 999_999, tzinfo=UTC)
    webhooks = await serve(MemoryHub(now=lambda: moment))
    await webhooks.call("POST", "orchestrators/Echo/abc", json=["a", "b"])
    answer = await webhooks.call("GET", "instances/abc")
    assert answer.status == 200
    assert answer.body == (
        b'{"name":"Echo","instanceId":"abc","runtimeStatus":"Completed","input":["a","b"],"customStatus":null,'
        b'"output":["a","b"],"createdTime":"2026-01-02T03:04:05Z","lastUpdatedTime":"2026-01-02T03:04:05Z"}'
    )
    assert answer.headers["Content-Type"] == JSON_TYPE


@pytest.mark.row("durable/6.2/status-live")
async def test_status_of_a_running_instance_is_202_with_location_and_retry_after(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/abc")
    await webhooks.status_when("abc", "Running")
    answer = await webhooks.call("GET", "instances/abc?taskHub=TestHub")
    assert answer.status == 202
    assert answer.headers["Location"] == f"{webhooks.base_url}/instances/abc?taskHub=TestHub"
    assert answer.headers["Retry-After"] == "5"


@pytest.mark.row("durable/6.2/status-unknown")
async def test_status_of_an_unknown_instance_is_404_and_empty(webhooks):
    answer = await webhooks.call("GET", "instances/nobody")
    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.row("durable/6.2/status-show-input")
async def test_input_is_hidden_on_request(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/abc", json=1)
    answer = await webhooks.call("GET", "instances/abc?showinput=False")
    assert answer.json["input"] is None


async def test_status_of_a_failed_instance_is_200(webhooks):
    await webhooks.call("POST", "orchestrators/Boom/abc")
    await webhooks.status_when("abc", "Failed")
    assert (await webhooks.call("GET", "instances/abc")).status == 200


@pytest.mark.row("durable/6.2/status-failed")
async def test_status_of_a_failed_instance_is_500_on_request(webhooks):
    await webhooks.call("POST", "orchestrators/Boom/abc")
    await webhooks.status_when("abc", "Failed")
    answer = await webhooks.call("GET", "instances/abc?returnInternalServerErrorOnFailure=true")
    assert answer.status == 500
    assert answer.json["runtimeStatus"] == "Failed"


@pytest.mark.row("durable/6.2/status-show-history", "durable/6.3/history-events")
async def test_status_has_no_history_unless_asked(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/abc")
    answer = await webhooks.call("GET", "instances/abc")
    assert "historyEvents" not in answer.json


async def test_status_with_history_names_the_events(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/abc")
    await webhooks.status_when("abc", "Running")
    await webhooks.call("POST", "instances/abc/raiseEvent/go", json=1)
    await webhooks.status_when("abc", "Completed")
    answer = await webhooks.call("GET", "instances/abc?showHistory=true&showHistoryOutput=true")
    events = answer.json["historyEvents"]
    assert [one["EventType"] for one in events] == ["ExecutionStarted", "EventRaised", "ExecutionCompleted"]
    assert events[0]["FunctionName"] == "Wait"
    assert events[2]["OrchestrationStatus"] == "Completed"
    assert events[2]["Result"] == 1


@pytest.mark.row("durable/6.3/history-events")
async def test_pending_instance_is_202_and_shows_no_history(serve):
    webhooks = await serve(MemoryHub(stay_pending=True))
    await webhooks.call("POST", "orchestrators/Wait/abc")
    answer = await webhooks.call("GET", "instances/abc?showHistory=true")
    assert (answer.status, answer.json["runtimeStatus"]) == (202, "Pending")
    assert "historyEvents" not in answer.json


# ---- list


@pytest.mark.row("durable/6.2/list")
async def test_list_holds_every_instance(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/a")
    await webhooks.call("POST", "orchestrators/Wait/b")
    answer = await webhooks.call("GET", "instances/")
    assert answer.status == 200
    assert sorted(one["instanceId"] for one in answer.json) == ["a", "b"]
    assert answer.headers["x-ms-continuation-token"] == ""


async def test_list_of_nothing_is_an_empty_array(webhooks):
    answer = await webhooks.call("GET", "instances")
    assert (answer.status, answer.json) == (200, [])


@pytest.mark.row("durable/6.2/list-prefix")
async def test_list_by_prefix(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/day-1")
    await webhooks.call("POST", "orchestrators/Wait/night-1")
    answer = await webhooks.call("GET", "instances?instanceIdPrefix=day-")
    assert [one["instanceId"] for one in answer.json] == ["day-1"]


@pytest.mark.row("durable/6.2/list-status")
async def test_list_by_status_ignores_unknown_and_lower_case_names(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/a")
    await webhooks.call("POST", "orchestrators/Boom/b")
    await webhooks.status_when("a", "Running")
    await webhooks.status_when("b", "Failed")
    answer = await webhooks.call("GET", "instances?runtimeStatus=Failed,running,Dancing")
    assert [one["instanceId"] for one in answer.json] == ["b"]


@pytest.mark.row("durable/6.2/list-times")
async def test_list_by_creation_time_includes_both_ends(serve):
    moments = {"now": datetime(2026, 1, 2, tzinfo=UTC)}
    webhooks = await serve(MemoryHub(now=lambda: moments["now"], stay_pending=True))
    await webhooks.call("POST", "orchestrators/Wait/a")
    moments["now"] = datetime(2026, 1, 3, tzinfo=UTC)
    await webhooks.call("POST", "orchestrators/Wait/b")
    moments["now"] = datetime(2026, 1, 4, tzinfo=UTC)
    await webhooks.call("POST", "orchestrators/Wait/c")
    query = "createdTimeFrom=2026-01-02T00:00:00Z&createdTimeTo=2026-01-03T01:00:00%2B01:00"
    answer = await webhooks.call("GET", f"instances?{query}")
    assert sorted(one["instanceId"] for one in answer.json) == ["a", "b"]


async def test_list_with_an_unreadable_time_is_400(webhooks):
    answer = await webhooks.call("GET", "instances?createdTimeFrom=yesterday")
    assert answer.status == 400
    assert "'createdTimeFrom' is not an ISO 8601 time: 'yesterday'" in answer.json["ExceptionMessage"]


@pytest.mark.row("durable/6.2/list-top")
async def test_list_is_paged_by_top_and_continuation_header(webhooks):
    for name in ("a", "b", "c"):
        await webhooks.call("POST", f"orchestrators/Wait/{name}")
    first = await webhooks.call("GET", "instances?top=2")
    token = first.headers["x-ms-continuation-token"]
    second = await webhooks.call("GET", "instances?top=2", headers={"x-ms-continuation-token": token})
    assert (len(first.json), len(second.json)) == (2, 1)
    assert sorted(one["instanceId"] for one in first.json + second.json) == ["a", "b", "c"]
    assert second.headers["x-ms-continuation-token"] == ""


@pytest.mark.row("durable/6.2/list-top")
async def test_list_holds_at_most_100_instances_by_default(webhooks):
    for number in range(101):
        await webhooks.call("POST", f"orchestrators/Wait/{number}")
    answer = await webhooks.call("GET", "instances?top=-5")
    assert len(answer.json) == 100
    assert answer.headers["x-ms-continuation-token"] != ""


@pytest.mark.row("durable/6.2/list-show-input")
async def test_list_hides_inputs_on_request(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/a", json=1)
    answer = await webhooks.call("GET", "instances?showInput=false")
    assert answer.json[0]["input"] is None


# ---- purge


@pytest.mark.row("durable/6.2/purge-one")
async def test_purge_of_an_ended_instance_removes_it(webhooks):
    await webhooks.call("POST", "orchestrators/Echo/abc")
    await webhooks.status_when("abc", "Completed")
    answer = await webhooks.call("DELETE", "instances/abc")
    assert (answer.status, answer.json) == (200, {"instancesDeleted": 1})
    assert (await webhooks.call("GET", "instances/abc")).status == 404


@pytest.mark.row("durable/6.2/purge-one")
async def test_purge_of_an_unknown_instance_is_404_and_empty(webhooks):
    answer = await webhooks.call("DELETE", "instances/nobody")
    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.row("durable/6.2/purge-live")
async def test_purge_of_a_live_instance_is_412_and_keeps_it(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/abc")
    await webhooks.status_when("abc", "Running")
    answer = await webhooks.call("DELETE", "instances/abc")
    assert answer.status == 412
    assert answer.json == "Instance 'abc' has the status Running; terminate it before purging it."
    assert (await webhooks.call("GET", "instances/abc")).status == 202


@pytest.mark.row("durable/6.2/purge-filter", "durable/6.2/purge-filter-live")
async def test_purge_by_filter_leaves_live_instances(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/live")
    await webhooks.call("POST", "orchestrators/Echo/done")
    await webhooks.call("POST", "orchestrators/Boom/failed")
    await webhooks.status_when("done", "Completed")
    await webhooks.status_when("failed", "Failed")
    answer = await webhooks.call("DELETE", "instances/?createdTimeFrom=2000-01-01T00:00:00Z")
    assert (answer.status, answer.json) == (200, {"instancesDeleted": 2})
    assert [one["instanceId"] for one in (await webhooks.call("GET", "instances")).json] == ["live"]


@pytest.mark.row("durable/6.2/purge-filter-status")
async def test_purge_by_status_takes_only_that_status(webhooks):
    await webhooks.call("POST", "orchestrators/Echo/done")
    await webhooks.call("POST", "orchestrators/Boom/failed")
    await webhooks.status_when("done", "Completed")
    await webhooks.status_when("failed", "Failed")
    await webhooks.call("DELETE", "instances?createdTimeFrom=2000-01-01&runtimeStatus=Failed,Running")
    assert [one["instanceId"] for one in (await webhooks.call("GET", "instances")).json] == ["done"]


async def test_purge_by_live_statuses_only_is_400_and_removes_nothing(webhooks):
    await webhooks.call("POST", "orchestrators/Echo/done")
    await webhooks.status_when("done", "Completed")
    answer = await webhooks.call("DELETE", "instances?createdTimeFrom=2000-01-01&runtimeStatus=Running")
    assert (answer.status, type(answer.json)) == (400, str)
    assert (await webhooks.call("GET", "instances/done")).status == 200


@pytest.mark.row("durable/6.2/purge-filter-from")
async def test_purge_by_filter_without_a_lower_bound_is_400(webhooks):
    answer = await webhooks.call("DELETE", "instances?runtimeStatus=Failed")
    assert (answer.status, answer.json) == (400, "Please provide value for 'createdTimeFrom' parameter.")


@pytest.mark.row("durable/6.2/purge-filter")
async def test_purge_by_filter_that_finds_nothing_is_404_and_empty(webhooks):
    answer = await webhooks.call("DELETE", "instances?createdTimeFrom=2000-01-01")
    assert (answer.status, answer.body) == (404, b"")


# ---- raiseEvent


@pytest.mark.row("durable/6.2/raise-event")
async def test_event_reaches_the_instance_as_the_posted_value(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/abc")
    answer = await webhooks.call("POST", "instances/abc/raiseEvent/go", json={"a": 1})
    assert (answer.status, answer.body) == (202, b"")
    assert (await webhooks.status_when("abc", "Completed"))["output"] == {"a": 1}


async def test_event_without_a_body_carries_null(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/abc")
    headers = {"Content-Type": "application/json"}
    answer = await webhooks.call("POST", "instances/abc/RAISEEVENT/go", headers=headers)
    assert answer.status == 202
    assert (await webhooks.status_when("abc", "Completed"))["output"] is None


@pytest.mark.row("durable/6.2/raise-event-content-type")
async def test_event_of_another_content_type_is_400(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/abc")
    answer = await webhooks.call("POST", "instances/abc/raiseEvent/go", data="1")
    assert answer.status == 400
    assert answer.json == {"Message": "Only application/json request content is supported"}


@pytest.mark.row("durable/6.2/raise-event-bad-json")
async def test_event_that_is_not_json_is_400(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/abc")
    headers = {"Content-Type": "application/json; charset=utf-8"}
    answer = await webhooks.call("POST", "instances/abc/raiseEvent/go", data="{", headers=headers)
    assert answer.status == 400
    assert answer.json["ExceptionMessage"].startswith("The body is not valid JSON")


@pytest.mark.row("durable/6.2/raise-event-unknown", "durable/4.8/unknown-or-finished")
async def test_event_to_an_unknown_instance_is_404_before_its_body_is_looked_at(webhooks):
    answer = await webhooks.call("POST", "instances/nobody/raiseEvent/go", data="{")
    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.row("durable/6.2/raise-event-unknown", "durable/4.8/unknown-or-finished")
async def test_event_to_an_ended_instance_is_410_before_its_body_is_looked_at(webhooks):
    await webhooks.call("POST", "orchestrators/Echo/abc")
    await webhooks.status_when("abc", "Completed")
    answer = await webhooks.call("POST", "instances/abc/raiseEvent/go", data="{")
    assert (answer.status, answer.body) == (410, b"")


async def test_event_to_a_suspended_instance_is_kept_until_it_resumes(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/abc")
    await webhooks.status_when("abc", "Running")
    await webhooks.call("POST", "instances/abc/suspend")
    await webhooks.status_when("abc", "Suspended")
    answer = await webhooks.call("POST", "instances/abc/raiseEvent/go", json=7)
    assert answer.status == 202
    await webhooks.call("POST", "instances/abc/resume")
    assert (await webhooks.status_when("abc", "Completed"))["output"] == 7


# ---- terminate, suspend, resume


@pytest.mark.row("durable/6.2/terminate")
async def test_terminated_instance_shows_the_reason_as_output(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/abc")
    await webhooks.status_when("abc", "Running")
    answer = await webhooks.call("POST", "instances/abc/Terminate?reason=no%20more")
    assert (answer.status, answer.body) == (202, b"")
    assert (await webhooks.status_when("abc", "Terminated"))["output"] == "no more"


@pytest.mark.row("durable/6.2/suspend", "durable/6.2/resume")
async def test_suspended_instance_is_live_and_resumes(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/abc")
    await webhooks.status_when("abc", "Running")
    answer = await webhooks.call("POST", "instances/abc/suspend?reason=later")
    assert (answer.status, answer.body) == (202, b"")
    await webhooks.status_when("abc", "Suspended")
    assert (await webhooks.call("GET", "instances/abc")).status == 202
    answer = await webhooks.call("POST", "instances/abc/resume?reason=now")
    assert (answer.status, answer.body) == (202, b"")
    await webhooks.status_when("abc", "Running")


@pytest.mark.row("durable/6.2/suspend")
async def test_suspending_a_suspended_instance_is_500_and_says_why(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/abc")
    await webhooks.status_when("abc", "Running")
    await webhooks.call("POST", "instances/abc/suspend")
    await webhooks.status_when("abc", "Suspended")
    answer = await webhooks.call("POST", "instances/abc/suspend")
    assert answer.status == 500
    assert answer.json["Message"] == "Something went wrong while processing your request"
    assert answer.json["ExceptionMessage"].startswith("Cannot suspend the orchestration instance 'abc'")


@pytest.mark.row("durable/6.2/resume")
async def test_resuming_a_running_instance_is_500_and_says_why(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/abc")
    await webhooks.status_when("abc", "Running")
    answer = await webhooks.call("POST", "instances/abc/resume")
    assert answer.status == 500
    assert answer.json["ExceptionMessage"].startswith("Cannot resume the orchestration instance 'abc'")


@pytest.mark.row("durable/6.2/terminate", "durable/6.2/suspend", "durable/6.2/resume")
@pytest.mark.parametrize("operation", ["terminate", "suspend", "resume"])
async def test_command_to_an_unknown_instance_is_404_and_empty(webhooks, operation):
    answer = await webhooks.call("POST", f"instances/nobody/{operation}")
    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.row("durable/6.2/terminate", "durable/6.2/suspend", "durable/6.2/resume")
@pytest.mark.parametrize("operation", ["terminate", "suspend", "resume"])
async def test_command_to_an_ended_instance_is_410_and_empty(webhooks, operation):
    await webhooks.call("POST", "orchestrators/Echo/abc")
    await webhooks.status_when("abc", "Completed")
    answer = await webhooks.call("POST", f"instances/abc/{operation}")
    assert (answer.status, answer.body) == (410, b"")


# ---- rewind and restart


async def test_rewind_of_a_failed_instance_is_202_and_it_runs_again(webhooks):
    await webhooks.call("POST", "orchestrators/Boom/abc")
    first = await webhooks.status_when("abc", "Failed")
    answer = await webhooks.call("POST", "instances/abc/ReWind?reason=x")
    assert (answer.status, answer.body) == (202, b"")
    again = await webhooks.status_when("abc", "Failed")
    assert again["output"] == first["output"]


async def test_rewind_of_an_instance_that_has_not_failed_is_412_and_says_why(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/abc")
    await webhooks.status_when("abc", "Running")
    answer = await webhooks.call("POST", "instances/abc/rewind?reason=x")
    assert answer.status == 412
    assert answer.json.startswith("Instance 'abc' cannot be rewound: it has the status Running")


async def test_rewind_of_an_unknown_instance_is_404_and_empty(webhooks):
    answer = await webhooks.call("POST", "instances/abc/rewind?reason=x")
    assert (answer.status, answer.body) == (404, b"")


async def test_restart_makes_a_new_instance_with_the_same_name_input_and_version(webhooks, hub):
    await webhooks.call("POST", "orchestrators/Echo/abc?version=1.2", data=b'"[ 1 ]"')
    await webhooks.status_when("abc", "Completed")
    answer = await webhooks.call("POST", "instances/abc/restart")
    assert answer.status == 202
    assert re.fullmatch("[0-9a-f]{32}", answer.json["id"])
    assert answer.headers["Location"] == answer.json["statusQueryGetUri"]
    assert answer.headers["Retry-After"] == "10"
    old, new = await hub.get_instance("abc"), await hub.get_instance(answer.json["id"])
    assert (new.name, new.input_text, new.version) == ("Echo", '"[ 1 ]"', "1.2")
    assert new.execution_id != old.execution_id


async def test_restart_with_the_same_id_replaces_the_ended_instance(webhooks, hub):
    await webhooks.call("POST", "orchestrators/Echo/abc", data=b'"[ 1 ]"')
    await webhooks.status_when("abc", "Completed")
    old = await hub.get_instance("abc")
    answer = await webhooks.call("POST", "instances/abc/restart?restartWithNewInstanceId=false")
    assert (answer.status, answer.json["id"]) == (202, "abc")
    new = await hub.get_instance("abc")
    assert new.execution_id != old.execution_id
    assert new.input_text == '"[ 1 ]"'


async def test_restart_of_a_live_instance_with_the_same_id_is_409(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/abc")
    await webhooks.status_when("abc", "Running")
    answer = await webhooks.call("POST", "instances/abc/restart?restartWithNewInstanceId=FALSE")
    assert answer.status == 409
    assert answer.json == {"Message": "An Orchestration instance with the status Running already exists."}


async def test_restart_of_a_live_instance_with_a_new_id_leaves_it_alone(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/abc")
    await webhooks.status_when("abc", "Running")
    answer = await webhooks.call("POST", "instances/abc/restart")
    assert answer.status == 202
    await webhooks.status_when("abc", "Running")


async def test_restart_of_an_unknown_instance_is_400(webhooks):
    answer = await webhooks.call("POST", "instances/abc/restart")
    assert answer.status == 400
    assert answer.json == {
        "Message": "InstanceId does not match a valid orchestration instance.",
        "ExceptionMessage": "No instance with ID 'abc' found.",
        "ExceptionType": "System.ArgumentException",
        "StackTrace": None,
    }


async def test_restart_that_waits_answers_200_with_the_bare_output(webhooks):
    await webhooks.call("POST", "orchestrators/Echo/abc", data=b'"[1]"')
    await webhooks.status_when("abc", "Completed")
    answer = await webhooks.call("POST", "instances/abc/restart?timeout=10&pollingInterval=1")
    assert (answer.status, answer.json) == (200, [1])


async def test_restart_that_waits_in_vain_answers_202_with_links(webhooks):
    await webhooks.call("POST", "orchestrators/Wait/abc")
    await webhooks.status_when("abc", "Running")
    answer = await webhooks.call("POST", "instances/abc/restart?timeout=0.05&pollingInterval=0.01")
    assert answer.status == 202
    assert answer.json["id"] != "abc"


# ---- everything else


@pytest.mark.row("durable/6.1/not-found")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "orchestrators/Wait"),
        ("PUT", "instances/abc"),
        ("POST", "instances/abc"),
        ("POST", "orchestrators"),
        ("POST", "orchestrators/Wait/abc/more"),
        ("POST", "instances/abc/dance"),
        ("GET", "instances/abc/terminate"),
        ("POST", "instances//terminate"),
        ("POST", "instances/abc/raiseEvent"),
        ("POST", "makeprimary"),
    ],
)
async def test_any_other_method_or_path_is_404_and_empty(webhooks, method, path):
    answer = await webhooks.call(method, path)
    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.row("durable/6.1/final-slash", "durable/6.1/operation-case")
async def test_final_slashes_and_case_of_fixed_words_do_not_matter(webhooks):
    await webhooks.call("POST", "Orchestrators/wait/AbC//")
    answer = await webhooks.call("GET", "INSTANCES/AbC/")
    assert (answer.status, answer.json["instanceId"]) == (202, "AbC")


@pytest.mark.row("durable/6.3/general-errors", "durable/6.3/errors")
async def test_fault_of_the_hub_is_500_with_its_text_and_is_logged(serve, caplog):
    class BrokenHub(MemoryHub):
        async def get_instance(self, instance_id):
            raise OSError("disk full")

    webhooks = await serve(BrokenHub())
    answer = await webhooks.call("GET", "instances/abc")
    assert answer.status == 500
    assert answer.json["ExceptionMessage"] == "disk full"
    assert "OSError: disk full" in caplog.text


async def test_body_above_the_server_limit_is_413_as_json(webhooks):
    answer = await webhooks.call("POST", "orchestrators/Wait", data=io.BytesIO(b" " * (1024**2 + 1)))
    assert answer.status == 413
    assert answer.json["Message"].startswith("Maximum request body size")
