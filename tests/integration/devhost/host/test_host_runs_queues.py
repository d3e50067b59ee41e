"""Queue triggers and storage bindings of a running host, against Azurite."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.host_process import RunningHost, running_host
from tests.helpers.storage_probe import StorageProbe, eventually, taken_json
from tests.helpers.tiny_apps import write_app

APP = """
import json, logging, time, typing
import azure.durable_functions as df

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
STORAGE = {"connection": "AzureWebJobsStorage"}


@app.queue_trigger(arg_name="msg", queue_name="%WORK_QUEUE%", **STORAGE)
@app.queue_output(arg_name="seen", queue_name="seen", **STORAGE)
def handle(msg: func.QueueMessage, seen: func.Out[str]) -> None:
    text = msg.get_body().decode()
    seen.set(json.dumps({
        "text": text, "id": msg.id, "count": msg.dequeue_count, "receipt": bool(msg.pop_receipt),
        "times": [str(one) for one in (msg.insertion_time, msg.expiration_time, msg.time_next_visible)],
    }))
    if text.startswith("fail"):
        raise ValueError(f"told to {text}")


@app.queue_trigger(arg_name="msg", queue_name="later", **STORAGE)
@app.queue_output(arg_name="$return", queue_name="later-seen", **STORAGE)
async def handle_later(msg: func.QueueMessage) -> str:
    return msg.get_body().decode()


@app.queue_trigger(arg_name="msg", queue_name="start", **STORAGE)
@app.durable_client_input(client_name="client")
async def start(msg: func.QueueMessage, client: df.DurableOrchestrationClient) -> None:
    order = msg.get_json()
    await client.start_new("greet", order["instance"], order["name"])


@app.orchestration_trigger(context_name="context")
def greet(context: df.DurableOrchestrationContext):
    return f"hello {context.get_input()}"


@app.route(route="out/{kind}", methods=["POST"])
@app.queue_output(arg_name="out", queue_name="out-{kind}", **STORAGE)
def write_queue(req: func.HttpRequest, out: func.Out[str]) -> str:
    value = {"bytes": b"raw", "dict": {"a": 1}, "text": "plain"}
    out.set(value.get(req.route_params["kind"], req.get_body().decode()))
    return "ok"


@app.route(route="messages", methods=["POST"])
@app.queue_output(arg_name="one", queue_name="messages", **STORAGE)
@app.queue_output(arg_name="many", queue_name="messages", **STORAGE)
def write_messages(req: func.HttpRequest, one: func.Out[func.QueueMessage], many: func.Out[typing.List[str]]) -> str:
    one.set(func.QueueMessage(body="single"))
    many.set(["first", func.QueueMessage(body="second")])
    return "ok"


@app.route(route="rows/{table}", methods=["POST"])
@app.table_output(arg_name="rows", table_name="{table}", partition_key="p", **STORAGE)
def write_rows(req: func.HttpRequest, rows: func.Out[str]) -> str:
    rows.set(req.get_body().decode())
    return "ok"


@app.route(route="rows/{table}/{key}", methods=["GET"])
@app.table_input(arg_name="every", table_name="{table}", partition_key="p", row_key="{key}", **STORAGE)
@app.table_input(arg_name="rows", table_name="{table}", partition_key="p", filter="n gt {key}", take=2, **STORAGE)
def read_rows(req: func.HttpRequest, every: str, rows) -> str:
    return func.HttpResponse(json.dumps([json.loads(every), json.loads(rows)]))


@app.route(route="blobs/{name}", methods=["POST"])
@app.blob_output(arg_name="blob", path="blobs-{name}/{sys.methodName}/{name}.txt", **STORAGE)
@app.blob_output(arg_name="other", path="blobs-{name}/{rand-guid}/{DateTime:yyyy}.bin", **STORAGE)
def write_blob(req: func.HttpRequest, blob: func.Out[str], other: func.Out[bytes]) -> str:
    blob.set(req.get_body().decode())
    other.set(req.get_body())
    return "ok"


@app.route(route="blobs/{name}", methods=["GET"])
@app.blob_input(arg_name="stream", path="blobs-{name}/write_blob/{name}.txt", **STORAGE)
@app.blob_input(arg_name="text", path="blobs-{name}/write_blob/{name}.txt", **STORAGE)
@app.blob_input(arg_name="missing", path="blobs-{name}/none", **STORAGE)
def read_blob(req: func.HttpRequest, stream: func.InputStream, text: str, missing: func.InputStream) -> str:
    return func.HttpResponse(json.dumps([stream.read().decode(), text, missing]))


@app.route(route="return", methods=["POST"], binding_arg_name="answer")
@app.queue_output(arg_name="$return", queue_name="returned", **STORAGE)
def write_return(req: func.HttpRequest, answer: func.Out[func.HttpResponse]) -> str:
    answer.set(func.HttpResponse("made", status_code=201))
    return req.get_body().decode()


@app.route(route="broken", methods=["POST"])
@app.queue_output(arg_name="out", queue_name="broken", **STORAGE)
def fail_after_set(req: func.HttpRequest, out: func.Out[str]) -> str:
    out.set("never sent")
    raise ValueError("told to fail")


@app.route(route="unknown", methods=["POST"])
@app.queue_output(arg_name="out", queue_name="q-{nothing}", **STORAGE)
def write_unknown(req: func.HttpRequest, out: func.Out[str]) -> str:
    out.set("x")
    return "ok"


@app.route(route="stray", methods=["GET"])
@app.queue_output(arg_name="out", queue_name="stray", connection="Nowhere")
def stray(req: func.HttpRequest, out: func.Out[str]) -> str:
    return "ok"


@app.route(route="with_retry", methods=["GET"])
@app.retry(strategy="fixed_delay", max_retry_count="3", delay_interval="00:00:01")
def with_retry(req: func.HttpRequest) -> str:
    raise ValueError("once only")
"""


@pytest.fixture(scope="module")
def probe(azurite: str) -> StorageProbe:
    return StorageProbe(azurite)


@pytest.fixture(scope="module")
def host(azurite: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    folder = tmp_path_factory.mktemp("queues")
    StorageProbe(azurite).create_queue("work")
    settings = {"AzureWebJobsStorage": azurite, "WORK_QUEUE": "Work"}
    with running_host(write_app(folder / "app", APP, settings=settings)) as running:
        yield running


@pytest.mark.row("host/5/message/body", "host/5/message/dequeue-count", "host/5/message/properties", "host/5/name")
def test_a_message_is_handled_with_all_that_is_known_of_it(host: RunningHost, probe: StorageProbe) -> None:
    probe.send("work", "hello")
    (seen,) = taken_json(probe, "seen")
    assert (seen["text"], seen["count"], seen["receipt"]) == ("hello", 1, True)
    assert len(seen["id"]) == 36
    assert all(moment.startswith("20") for moment in seen["times"])
    eventually(lambda: probe.count("work"), lambda count: count == 0)


@pytest.mark.row("host/5/message/body-overrides")
def test_an_id_in_the_body_replaces_that_of_the_message(host: RunningHost, probe: StorageProbe) -> None:
    probe.send("work", '{"id": "mine", "dequeueCount": 9}')
    (seen,) = taken_json(probe, "seen")
    assert (seen["id"], seen["count"]) == ("mine", 9)


@pytest.mark.row("host/5/not-base64")
def test_plain_text_goes_to_the_poison_queue_as_it_is(host: RunningHost, probe: StorageProbe) -> None:
    probe.send("work", "plain text", raw=True)
    eventually(lambda: probe.stored("work-poison"), lambda stored: "plain text" in stored)
    assert "TextBase64EncodePolicy" in host.log()


@pytest.mark.row("host/5/failure", "host/5/poison")
def test_five_failures_are_poison_and_nothing_is_written(host: RunningHost, probe: StorageProbe) -> None:
    probe.send("work", "fail always")
    poison = base64.b64encode(b"fail always").decode()
    eventually(lambda: probe.stored("work-poison"), lambda stored: poison in stored)
    assert host.log().count("told to fail always") == 5
    assert "has reached MaxDequeueCount of 5. Moving message to queue 'work-poison'" in host.log()
    assert probe.stored("seen") == []


@pytest.mark.row("host/5/missing-queue")
def test_a_missing_queue_is_served_once_it_is_created(host: RunningHost, probe: StorageProbe) -> None:
    eventually(host.log, lambda log: "The queue 'later' of the function 'handle_later' does not exist." in log)
    probe.send("later", "at last")
    assert eventually(lambda: probe.take("later-seen"), bool) == ["at last"]


def test_a_queue_function_starts_an_orchestration(host: RunningHost, probe: StorageProbe) -> None:
    probe.send("start", json.dumps({"instance": "by-queue", "name": "queue"}))
    path = "/runtime/webhooks/durabletask/instances/by-queue"
    answer = eventually(lambda: host.get(path), lambda answer: answer.status == 200)
    assert (answer.json()["runtimeStatus"], answer.json()["output"]) == ("Completed", "hello queue")


@pytest.mark.row("host/5/message/output", "host/5/message/output-object", "host/5/message/output-array")
@pytest.mark.parametrize(
    ("kind", "body", "messages"),
    [
        ("text", "", ["plain"]),
        ("bytes", "", ["raw"]),
        ("dict", "", ['{\n  "a": 1\n}']),
        ("object", '{"b":[1,2]}', ['{\n  "b": [\n    1,\n    2\n  ]\n}']),
        ("array", '["one",{"two":2},3]', ["one", '{\n  "two": 2\n}', "3"]),
    ],
)
def test_what_is_set_becomes_messages(
    host: RunningHost, probe: StorageProbe, kind: str, body: str, messages: list[str]
) -> None:
    assert host.call("POST", f"/api/out/{kind}", body=body).status == 200
    assert probe.take(f"out-{kind}") == messages


def test_queue_messages_send_their_body_alone_or_in_a_list(host: RunningHost, probe: StorageProbe) -> None:
    assert host.post("/api/messages").status == 200
    assert sorted(probe.take("messages")) == ["first", "second", "single"]


def test_a_returned_value_may_go_to_a_queue_beside_the_answer(host: RunningHost, probe: StorageProbe) -> None:
    answer = host.call("POST", "/api/return", body="the result")
    assert (answer.status, answer.body) == (201, b"made")
    assert probe.take("returned") == ["the result"]


def test_a_failed_run_writes_nothing(host: RunningHost, probe: StorageProbe) -> None:
    assert host.post("/api/broken").status == 500
    assert probe.stored("broken") == []


def test_an_expression_without_a_value_fails_the_run_and_says_what_is_known(host: RunningHost) -> None:
    assert host.post("/api/unknown").status == 500
    assert "the binding 'out': '{nothing}' has no value in this run" in host.log()


def test_rows_are_written_with_keys_of_object_and_binding(host: RunningHost, probe: StorageProbe) -> None:
    body = [{"RowKey": "1", "n": 1, "text": "a", "yes": True}, {"rowKey": "2", "partitionKey": "q", "n": 2.5}]
    assert host.post("/api/rows/written", body).status == 200
    first, second = sorted(probe.rows("written"), key=lambda row: str(row["RowKey"]))
    assert (first["PartitionKey"], first["RowKey"], first["n"].value, first["text"], first["yes"]) == (
        "p", "1", 1, "a", True,
    )  # fmt: skip
    assert (second["PartitionKey"], second["RowKey"], second["n"]) == ("q", "2", 2.5)


def test_a_row_that_exists_fails_the_run(host: RunningHost, probe: StorageProbe) -> None:
    first = host.post("/api/rows/twice", {"RowKey": "1", "n": 1})
    second = host.post("/api/rows/twice", {"RowKey": "1", "n": 2})
    assert (first.status, second.status) == (200, 500)
    assert "one of the rows p/1 exists already. The table output inserts and never replaces" in host.log()


def test_rows_of_a_partition_are_read_whatever_the_row_key_as_on_azure(host: RunningHost, probe: StorageProbe) -> None:
    for number in range(5):
        probe.insert("readable", {"PartitionKey": "p", "RowKey": str(number), "n": number})
    every, filtered = host.get("/api/rows/readable/1").json()
    assert every[3] == {"PartitionKey": "p", "RowKey": "3", "n": 3}
    assert ([row["n"] for row in every], [row["n"] for row in filtered]) == ([0, 1, 2, 3, 4], [2, 3])
    assert host.get("/api/rows/nosuchtable/1").json() == [[], []]
    assert "The row_key of the table input 'every' of 'read_rows' has no effect, as on Azure" in host.log()


def test_blobs_are_written_and_read(host: RunningHost, probe: StorageProbe) -> None:
    assert host.call("POST", "/api/blobs/abc", body="hällo").status == 200
    assert probe.blob("blobs-abc", "write_blob/abc.txt") == "hällo".encode()
    assert len(probe.blob_names("blobs-abc")) == 2
    assert host.get("/api/blobs/abc").json() == ["hällo", "hällo", None]


@pytest.mark.row("host/6/run-queue")
def test_a_queue_function_runs_by_hand_with_the_input_as_its_body(host: RunningHost, probe: StorageProbe) -> None:
    assert host.post("/admin/functions/handle_later", {"input": "by hand"}).status == 202
    assert eventually(lambda: probe.take("later-seen"), bool) == ["by hand"]


def test_the_list_at_the_start_shows_queue_triggers(host: RunningHost) -> None:
    assert "handle: queueTrigger" in host.log()


def test_a_connection_that_is_set_nowhere_leaves_one_function_out(host: RunningHost) -> None:
    assert host.get("/api/stray").status == 404
    assert (
        "The 'stray' function is in error: in the binding 'out', the connection 'Nowhere' is set nowhere" in host.log()
    )


@pytest.mark.row("host/1.7/retry-http")
def test_a_retry_policy_of_an_http_function_is_ignored_with_a_warning(host: RunningHost) -> None:
    assert host.get("/api/with_retry").status == 500
    assert host.log().count("once only") == 2  # the message, and the line of code in the stack
    assert "The retry policy of 'with_retry' has no effect" in host.log()


def test_messages_metadata_and_outputs_pass_through_worker_processes(azurite: str, tmp_path: Path) -> None:
    probe = StorageProbe(azurite)
    root = write_app(tmp_path / "app", APP, settings={"AzureWebJobsStorage": azurite, "WORK_QUEUE": "for-workers"})
    with running_host(root, workers=2) as host:
        probe.send("for-workers", "hello")
        (seen,) = taken_json(probe, "seen")
        written = host.call("POST", "/api/blobs/worker", body="hällo").status
        read = host.get("/api/blobs/worker").json()
    assert (seen["text"], seen["count"], seen["receipt"]) == ("hello", 1, True)
    assert (written, read) == (200, ["hällo", "hällo", None])
