"""Rows of host/5 and of queue functions elsewhere, over Azurite."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient, TextBase64DecodePolicy, TextBase64EncodePolicy

from tests.conformance.conftest import WORKERS
from tests.conformance.http_app_client import HttpApp
from tests.helpers.host_process import running_host
from tests.helpers.processes import wait_until

row = pytest.mark.row
QUEUES = ("takes", "json", "bytes", "text", "fails", "retried", "sent")


@dataclass(frozen=True)
class Queues:
    """The queue app on a host, and its queues."""

    app: HttpApp
    connection: str
    prefix: str

    def client(self, name: str, *, is_base64: bool = True) -> QueueClient:
        policies = (
            {"message_encode_policy": TextBase64EncodePolicy(), "message_decode_policy": TextBase64DecodePolicy()}
            if is_base64
            else {}
        )
        return QueueClient.from_connection_string(self.connection, f"{self.prefix}-{name}", **policies)

    def send(self, name: str, text: str, *, is_base64: bool = True) -> str:
        """Send a message; its ID."""
        with self.client(name, is_base64=is_base64) as client:
            return str(client.send_message(text).id)

    def texts(self, name: str, *, is_base64: bool = True) -> list[str]:
        """The messages that can be seen, or none if there is no such queue."""
        with self.client(name, is_base64=is_base64) as client:
            try:
                return [one.content for one in client.peek_messages(32)]
            except ResourceNotFoundError:
                return []

    def taken(self, name: str, queue: str, text: str) -> Any:
        """Send a message; what the function of this name has noted of it."""
        before = len(self.app.notes(name))
        self.send(queue, text)
        return json.loads(self.app.noted(name, lines=before + 1)[before])


@pytest.fixture(scope="module")
def queues(azurite: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Queues]:
    folder = tmp_path_factory.mktemp("queue-conformance")
    notes = folder / "notes"
    notes.mkdir()
    root = shutil.copytree(Path(__file__).parent / "queue_app", folder / "app")
    prefix = f"rows{time.time_ns()}"
    for name in QUEUES:
        with QueueClient.from_connection_string(azurite, f"{prefix}-{name}") as client:
            client.create_queue()
    env = {"CONFORMANCE_NOTES": str(notes), "AzureWebJobsStorage": azurite, "PREFIX": prefix}
    with running_host(root, env=env, workers=WORKERS) as host:
        yield Queues(HttpApp(host, notes), azurite, prefix)


@row("host/5/name", "host/5/success", "host/5/message/body", "host/5/message/dequeue-count")
def test_a_message_is_run_once_and_deleted(queues: Queues) -> None:
    seen = queues.taken("takes", "takes", "text é")
    assert (seen["body"], seen["count"]) == ("text é", 1)
    wait_until(lambda: "Executed 'Functions.takes' (Succeeded" in queues.app.host.log())
    with queues.client("takes") as client:
        wait_until(lambda: client.get_queue_properties().approximate_message_count == 0)


@row("host/5/message/properties")
def test_the_properties_of_a_message_reach_its_function(queues: Queues) -> None:
    before = len(queues.app.notes("takes"))
    own_id = queues.send("takes", "properties")
    seen = json.loads(queues.app.noted("takes", lines=before + 1)[before])
    inserted, visible, expires = seen["times"]
    assert (seen["id"], seen["receipt"]) == (own_id, True)
    assert inserted < visible < expires
    assert 590 < visible - inserted < 660  # hidden for ten minutes


@row("host/5/message/body")
def test_the_json_of_a_message_can_be_read(queues: Queues) -> None:
    assert queues.taken("reads_json", "json", '{"a": [1]}') == {"a": [1]}


@row("host/1.3/raw-queue-bytes", "host/1.3/annotations/text-queue")
def test_a_message_that_is_wanted_as_bytes_arrives_as_a_text(queues: Queues) -> None:
    assert queues.taken("as_bytes", "bytes", "text") == ["str", "text"]


@row("host/1.3/annotations/text-queue")
def test_a_message_that_is_wanted_as_a_text_arrives_as_one(queues: Queues) -> None:
    assert queues.taken("as_text", "text", "text") == "text"


@row("host/5/message/body-overrides")
def test_a_json_body_overrides_properties_of_the_same_name(queues: Queues) -> None:
    seen = queues.taken("takes", "takes", '{"ID": "mine", "dequeueCount": 7}')
    assert (seen["id"], seen["count"]) == ("mine", 7)


@row("host/5/failure", "host/5/poison", "host/5/options/max-dequeue-count")
def test_a_message_that_fails_five_times_goes_to_the_poison_queue(queues: Queues) -> None:
    queues.send("fails", "spoiled")
    wait_until(lambda: queues.texts("fails-poison") == ["spoiled"])
    assert [json.loads(line) for line in queues.app.notes("fails")] == [["spoiled", count] for count in range(1, 6)]
    assert queues.texts("fails") == []
    queues.app.expect_logged("MaxDequeueCount")


@row("host/5/not-base64")
def test_a_message_that_is_no_base64_goes_to_the_poison_queue_without_a_run(queues: Queues) -> None:
    before = queues.app.notes("takes")
    queues.send("takes", "plain text!", is_base64=False)
    wait_until(lambda: "plain text!" in queues.texts("takes-poison", is_base64=False))
    assert queues.app.notes("takes") == before


@row("host/5/missing-queue")
def test_a_queue_that_is_made_later_is_served_then_and_not_made_by_its_trigger(queues: Queues) -> None:
    with queues.client("late") as client:
        with pytest.raises(ResourceNotFoundError):
            client.get_queue_properties()
        client.create_queue()
    assert queues.taken("late", "late", "at last") == "at last"


@row("host/1.7/retry-http")
def test_a_retry_policy_on_a_queue_function_does_not_count(queues: Queues) -> None:
    queues.send("retried", "x")
    wait_until(lambda: queues.texts("retried-poison") == ["x"])
    assert queues.app.notes("retried") == ["1", "2", "3", "4", "5"]


@row("host/6/run-queue")
def test_an_admin_run_gets_the_input_as_its_message(queues: Queues) -> None:
    before = len(queues.app.notes("takes"))
    assert queues.app.host.post("/admin/functions/takes", {"input": "by hand"}).status == 202
    assert json.loads(queues.app.noted("takes", lines=before + 1)[before])["body"] == "by hand"


@pytest.fixture
def empty(queues: Queues) -> Queues:
    """The app with nothing in the queue that it sends to."""
    with queues.client("sent") as client:
        client.clear_messages()
    return queues


@row("host/5/message/output")
def test_an_output_sends_its_text(empty: Queues) -> None:
    assert empty.app.host.call("POST", "/api/send", body="a text").status == 202
    assert empty.texts("sent") == ["a text"]


@row("host/5/message/output-array")
def test_a_json_array_sends_several_messages(empty: Queues) -> None:
    empty.app.host.call("POST", "/api/send", body='["a", "b", 3]')
    assert empty.texts("sent") == ["a", "b", "3"]


@row("host/5/message/output-object")
def test_a_json_object_is_written_anew(empty: Queues) -> None:
    empty.app.host.call("POST", "/api/send", body='{"a":1,"b":[2]}')
    (text,) = empty.texts("sent")
    assert (json.loads(text), text == '{"a":1,"b":[2]}') == ({"a": 1, "b": [2]}, False)
