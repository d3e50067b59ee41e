"""Every method of the SDK's durable client against the webhooks, in front of every hub."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import azure.functions as func
import pytest
from azure.durable_functions import OrchestrationRuntimeStatus

pytestmark = [
    # The SDK's own HTTP session asks for an option that newer Pythons no longer need.
    pytest.mark.filterwarnings("ignore:enable_cleanup_closed ignored:DeprecationWarning"),
    # The SDK says so once a process about its own reading of inputs.
    pytest.mark.filterwarnings("ignore:azure.functions df_loads was called without expected_type"),
]

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.mark.row("durable/6.6/start-new")
async def test_start_new_returns_the_given_id(client):
    assert await client.start_new("Wait", "abc") == "abc"


@pytest.mark.row("durable/6.6/start-new")
async def test_start_new_makes_an_id(client):
    assert len(await client.start_new("Wait")) == 32


async def test_start_new_passes_the_input_in_its_double_encoding(client, hub):
    await client.start_new("Wait", "abc", {"n": "é"})
    assert (await hub.get_instance("abc")).input_text == '"{\\"n\\": \\"\\\\u00e9\\"}"'


@pytest.mark.parametrize("value", [0, "", False, [], {"n": 1}, "text", "é"])
async def test_input_of_start_new_comes_back_from_an_orchestrator(client, webhooks, value):
    await client.start_new("Echo", "abc", value)
    assert (await webhooks.status_when("abc", "Completed"))["output"] == value


async def test_half_of_a_surrogate_pair_in_the_input_comes_back(client, webhooks):
    await client.start_new("Echo", "abc", "\ud800")
    assert (await webhooks.status_when("abc", "Completed"))["output"] == "\ud800"


async def test_start_new_without_input_stores_none(client, hub):
    await client.start_new("Wait", "abc")
    assert (await hub.get_instance("abc")).input_text is None


@pytest.mark.row("durable/6.6/start-new", "durable/6.2/start-version")
@pytest.mark.parametrize("value", [0, "", False, [], {}])
async def test_start_new_passes_every_input_but_none(client, webhooks, value):
    await client.start_new("Echo", "abc", client_input=value)
    status = await webhooks.status_when("abc", "Completed")
    assert (status["output"], type(status["output"])) == (value, type(value))


async def test_start_new_passes_the_version(client, hub):
    await client.start_new("Wait", "abc", version="1.2 b")
    assert (await hub.get_instance("abc")).version == "1.2 b"


@pytest.mark.row("durable/6.5/sdk-400", "durable/6.5/unknown-orchestrator")
async def test_start_new_of_an_unknown_orchestrator_raises_its_name(client):
    with pytest.raises(Exception, match=r"^The function 'Nope' doesn't exist"):
        await client.start_new("Nope")


async def test_start_new_with_an_invalid_id_raises_the_reason(client):
    with pytest.raises(Exception, match=r"^Instance ID '@abc' is refused"):
        await client.start_new("Wait", "@abc")


@pytest.mark.row("durable/6.5/sdk-409")
async def test_start_new_over_a_live_instance_raises_its_status(client, webhooks):
    await client.start_new("Wait", "abc")
    await webhooks.status_when("abc", "Running")
    with pytest.raises(Exception, match="with the status Running already exists") as raised:
        await client.start_new("Wait", "abc")
    assert raised.value.args == ({"Message": "An Orchestration instance with the status Running already exists."},)


@pytest.mark.row("durable/6.6/get-status", "durable/6.3/sdk-input")
async def test_get_status_of_a_running_instance(client, webhooks):
    await client.start_new("Wait", "abc", {"n": 1})
    await webhooks.status_when("abc", "Running")
    status = await client.get_status("abc")
    assert status
    assert status.runtime_status is OrchestrationRuntimeStatus.Running
    assert (status.name, status.instance_id, status.input_) == ("Wait", "abc", '{"n": 1}')
    assert status.created_time.tzinfo is not None


@pytest.mark.row("durable/6.6/get-status")
async def test_get_status_of_an_unknown_instance_is_falsy(client):
    assert not await client.get_status("nobody")


async def test_get_status_of_a_failed_instance_has_the_text(client, webhooks):
    await client.start_new("Boom", "abc")
    await webhooks.status_when("abc", "Failed")
    status = await client.get_status("abc")
    assert status.runtime_status is OrchestrationRuntimeStatus.Failed
    assert status.output.startswith("Orchestrator function 'Boom' failed: boom")


@pytest.mark.row("durable/6.6/get-status-flags")
async def test_get_status_with_history_shows_it_under_the_name_that_the_host_uses(client, webhooks):
    await client.start_new("Echo", "abc")
    await webhooks.status_when("abc", "Completed")
    status = await client.get_status("abc", show_history=True, show_history_output=True, show_input=True)
    assert [one["EventType"] for one in status.historyEvents] == ["ExecutionStarted", "ExecutionCompleted"]


@pytest.mark.row("durable/6.6/get-status-all")
async def test_get_status_all_lists_every_instance(client):
    await client.start_new("Wait", "a")
    await client.start_new("Wait", "b")
    assert sorted(one.instance_id for one in await client.get_status_all()) == ["a", "b"]


@pytest.mark.row("durable/6.6/get-status-by")
async def test_get_status_by_filters(client, webhooks):
    await client.start_new("Wait", "day-1")
    await client.start_new("Echo", "day-2")
    await client.start_new("Echo", "night-2")
    await webhooks.status_when("day-1", "Running")
    await webhooks.status_when("day-2", "Completed")
    await webhooks.status_when("night-2", "Completed")
    found = await client.get_status_by(
        created_time_from=EPOCH,
        created_time_to=datetime.now(UTC) + timedelta(minutes=1),
        runtime_status=[OrchestrationRuntimeStatus.Completed, OrchestrationRuntimeStatus.Failed],
        instance_id_prefix="day-",
    )
    assert [one.instance_id for one in found] == ["day-2"]


async def test_get_status_by_an_early_range_finds_nothing(client):
    await client.start_new("Wait", "a")
    assert await client.get_status_by(created_time_to=EPOCH) == []


@pytest.mark.row("durable/6.6/raise-event")
async def test_raise_event_delivers_the_json_text(client, webhooks):
    await client.start_new("Wait", "abc")
    await client.raise_event("abc", "go", {"a": 1})
    assert (await webhooks.status_when("abc", "Completed"))["output"] == '{"a": 1}'


async def test_raise_event_for_the_named_hub(client, webhooks):
    await client.start_new("Wait", "abc")
    await client.raise_event("abc", "go", None, task_hub_name="TestHub", connection_name="Storage")
    assert (await webhooks.status_when("abc", "Completed"))["output"] == "null"


@pytest.mark.row("durable/6.6/raise-event")
async def test_raise_event_to_an_unknown_instance_raises(client):
    with pytest.raises(Exception, match=r"^No instance with ID nobody found.$"):
        await client.raise_event("nobody", "go")


@pytest.mark.row("durable/6.6/raise-event")
async def test_raise_event_to_an_ended_instance_raises(client, webhooks):
    await client.start_new("Echo", "abc")
    await webhooks.status_when("abc", "Completed")
    with pytest.raises(Exception, match=r"^Instance with ID abc is gone: either completed or failed$"):
        await client.raise_event("abc", "go")


@pytest.mark.row("durable/6.6/terminate")
async def test_terminate_ends_the_instance_with_the_reason(client, webhooks):
    await client.start_new("Wait", "abc")
    await webhooks.status_when("abc", "Running")
    await client.terminate("abc", "no & more?")
    assert (await webhooks.status_when("abc", "Terminated"))["output"] == "no & more?"


@pytest.mark.row("durable/6.6/terminate")
async def test_terminate_of_an_unknown_instance_raises(client):
    with pytest.raises(Exception, match=r"^No instance with ID 'nobody' found.$"):
        await client.terminate("nobody", "x")


@pytest.mark.row("durable/6.6/terminate")
async def test_terminate_of_an_ended_instance_is_accepted_and_changes_nothing(client, webhooks):
    await client.start_new("Echo", "abc")
    await webhooks.status_when("abc", "Completed")
    await client.terminate("abc", "x")
    assert (await client.get_status("abc")).runtime_status is OrchestrationRuntimeStatus.Completed


@pytest.mark.row("durable/6.6/suspend", "durable/6.6/resume")
async def test_suspend_and_resume(client, webhooks):
    await client.start_new("Wait", "abc")
    await webhooks.status_when("abc", "Running")
    await client.suspend("abc", "later on")
    await webhooks.status_when("abc", "Suspended")
    await client.resume("abc", "now")
    await webhooks.status_when("abc", "Running")


async def test_resume_of_a_running_instance_raises(client, webhooks):
    await client.start_new("Wait", "abc")
    await webhooks.status_when("abc", "Running")
    with pytest.raises(Exception, match="unexpected status code 500"):
        await client.resume("abc", "x")


@pytest.mark.row("durable/6.6/purge")
async def test_purge_of_an_ended_instance_counts_one(client, webhooks):
    await client.start_new("Echo", "abc")
    await webhooks.status_when("abc", "Completed")
    assert (await client.purge_instance_history("abc")).instances_deleted == 1


@pytest.mark.row("durable/6.6/purge")
async def test_purge_of_an_unknown_instance_counts_none(client):
    assert (await client.purge_instance_history("nobody")).instances_deleted == 0


async def test_purge_of_a_live_instance_raises(client, webhooks):
    await client.start_new("Wait", "abc")
    await webhooks.status_when("abc", "Running")
    with pytest.raises(Exception, match="unexpected status code 412"):
        await client.purge_instance_history("abc")


@pytest.mark.row("durable/6.6/purge-by")
async def test_purge_by_filter_counts_the_ended_ones(client, webhooks):
    await client.start_new("Wait", "live")
    await client.start_new("Echo", "done")
    await webhooks.status_when("done", "Completed")
    purged = await client.purge_instance_history_by(EPOCH, None, [OrchestrationRuntimeStatus.Completed])
    assert purged.instances_deleted == 1


@pytest.mark.row("durable/6.6/purge-by")
async def test_purge_by_filter_that_finds_nothing_counts_none(client):
    assert (await client.purge_instance_history_by(EPOCH)).instances_deleted == 0


@pytest.mark.row("durable/6.6/wait-for-completion")
async def test_wait_for_completion_answers_the_output(client):
    await client.start_new("Echo", "abc", {"n": 1})
    request = func.HttpRequest(method="POST", url="http://public.test/api/x", body=b"")
    response = await client.wait_for_completion_or_create_check_status_response(request, "abc", 10_000, 10)
    assert (response.status_code, json.loads(response.get_body())) == (200, {"n": 1})


@pytest.mark.row("durable/6.6/wait-for-completion")
async def test_wait_for_a_failure_answers_500(client):
    await client.start_new("Boom", "abc")
    request = func.HttpRequest(method="POST", url="http://public.test/api/x", body=b"")
    response = await client.wait_for_completion_or_create_check_status_response(request, "abc", 10_000, 10)
    assert response.status_code == 500
    assert json.loads(response.get_body())["runtimeStatus"] == "Failed"


@pytest.mark.row("durable/6.6/wait-for-completion")
async def test_wait_in_vain_answers_the_check_status_response(client):
    await client.start_new("Wait", "abc")
    request = func.HttpRequest(method="POST", url="http://public.test/api/x", body=b"")
    response = await client.wait_for_completion_or_create_check_status_response(request, "abc", 30, 10)
    assert response.status_code == 202
    assert json.loads(response.get_body())["id"] == "abc"


async def test_urls_of_the_check_status_response_work(client, webhooks):
    await client.start_new("Wait", "abc")
    request = func.HttpRequest(method="POST", url=f"{webhooks.origin}/api/x", body=b"")
    response = client.create_check_status_response(request, "abc")
    status = await webhooks.call("GET", response.headers["Location"])
    assert status.json["instanceId"] == "abc"


@pytest.mark.filterwarnings("ignore:Potential duplicate Task completion for TaskId. x:UserWarning")
async def test_every_url_of_the_management_payload_is_served(client, webhooks):
    await client.start_new("Wait", "abc")
    await webhooks.status_when("abc", "Running")
    urls = client.create_http_management_payload("abc")
    event = await webhooks.call("POST", urls["sendEventPostUri"].replace("{eventName}", "x"), json=1)
    suspend = await webhooks.call("POST", urls["suspendPostUri"].replace("{text}", "x"))
    await webhooks.status_when("abc", "Suspended")
    resume = await webhooks.call("POST", urls["resumePostUri"].replace("{text}", "x"))
    terminate = await webhooks.call("POST", urls["terminatePostUri"].replace("{text}", "x"))
    await webhooks.status_when("abc", "Terminated")
    purge = await webhooks.call("DELETE", urls["purgeHistoryDeleteUri"])
    answers = (event, suspend, resume, terminate, purge)
    assert [one.status for one in answers] == [202, 202, 202, 202, 200]


async def test_rewind_runs_a_failed_instance_again(client, webhooks):
    await client.start_new("Boom", "abc")
    await webhooks.status_when("abc", "Failed")
    await client.rewind("abc", "x y")
    await webhooks.status_when("abc", "Failed")


async def test_rewind_for_the_named_hub(client, webhooks):
    await client.start_new("Boom", "abc")
    await webhooks.status_when("abc", "Failed")
    await client.rewind("abc", "x", task_hub_name="TestHub", connection_name="Storage")
    await webhooks.status_when("abc", "Failed")


async def test_rewind_of_a_running_instance_raises_why(client, webhooks):
    await client.start_new("Wait", "abc")
    await webhooks.status_when("abc", "Running")
    with pytest.raises(Exception, match="Instance 'abc' cannot be rewound: it has the status Running"):
        await client.rewind("abc", "x")


async def test_rewind_of_an_unknown_instance_raises(client):
    with pytest.raises(Exception, match="No instance with ID abc found"):
        await client.rewind("abc", "x")


async def test_restart_returns_the_links_of_the_new_instance(client, webhooks):
    await client.start_new("Echo", "abc", [1])
    await webhooks.status_when("abc", "Completed")
    links = await client.restart("abc")
    assert (await webhooks.status_when(links["id"], "Completed"))["output"] == [1]
    assert links["id"] != "abc"


async def test_restart_with_the_same_id_keeps_it(client, webhooks):
    await client.start_new("Echo", "abc", [1])
    await webhooks.status_when("abc", "Completed")
    links = await client.restart("abc", restart_with_new_instance_id=False)
    assert links["id"] == "abc"


async def test_restart_of_a_live_instance_with_the_same_id_raises_its_status_code(client, webhooks):
    await client.start_new("Wait", "abc")
    await webhooks.status_when("abc", "Running")
    with pytest.raises(Exception, match="unexpected status code 409"):
        await client.restart("abc", restart_with_new_instance_id=False)


async def test_restart_of_an_unknown_instance_raises_its_status_code(client):
    with pytest.raises(Exception, match="unexpected status code 400"):
        await client.restart("abc")
