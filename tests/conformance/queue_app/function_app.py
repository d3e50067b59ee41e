"""Queue functions that each show one rule."""

import json
import os
from pathlib import Path

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
NOTES = Path(os.environ["CONFORMANCE_NOTES"])
STORAGE = "AzureWebJobsStorage"


def note(name: str, value: object) -> None:
    """Append a value as a line of JSON."""
    with (NOTES / name).open("a") as lines:
        lines.write(f"{json.dumps(value)}\n")


@app.queue_trigger("message", queue_name="%PREFIX%-Takes", connection=STORAGE)
def takes(message: func.QueueMessage) -> None:
    """Notes all that a message holds."""
    times = (message.insertion_time, message.time_next_visible, message.expiration_time)
    note(
        "takes",
        {
            "body": message.get_body().decode(),
            "id": message.id,
            "count": message.dequeue_count,
            "receipt": bool(message.pop_receipt),
            "times": [None if one is None else one.timestamp() for one in times],
        },
    )


@app.queue_trigger("message", queue_name="%PREFIX%-json", connection=STORAGE)
def reads_json(message: func.QueueMessage) -> None:
    """Notes the JSON of a message."""
    note("reads_json", message.get_json())


@app.queue_trigger("message", queue_name="%PREFIX%-bytes", connection=STORAGE)
def as_bytes(message: bytes) -> None:
    """Notes the type and the value of a message that it wants as bytes."""
    note("as_bytes", [type(message).__name__, str(message)])


@app.queue_trigger("message", queue_name="%PREFIX%-text", connection=STORAGE)
def as_text(message: str) -> None:
    """Notes a message as a text."""
    note("as_text", message)


@app.queue_trigger("message", queue_name="%PREFIX%-fails", connection=STORAGE)
def fails(message: func.QueueMessage) -> None:
    """Notes each run, and fails."""
    note("fails", [message.get_body().decode(), message.dequeue_count])
    raise ValueError("of no use")


@app.queue_trigger("message", queue_name="%PREFIX%-late", connection=STORAGE)
def late(message: func.QueueMessage) -> None:
    """Waits for a queue that is made after the start."""
    note("late", message.get_body().decode())


@app.queue_trigger("message", queue_name="%PREFIX%-retried", connection=STORAGE)
@app.retry(strategy="fixed_delay", max_retry_count="1", delay_interval="00:00:01")
def retried(message: func.QueueMessage) -> None:
    """Fails with a policy that does not count for queues: the dequeue count rises with each run."""
    note("retried", message.dequeue_count)
    raise ValueError("of no use")


@app.route("send")
@app.queue_output("out", queue_name="%PREFIX%-sent", connection=STORAGE)
def send(req: func.HttpRequest, out: func.Out[str]) -> func.HttpResponse:
    """Sends the body of the request."""
    out.set(req.get_body().decode())
    return func.HttpResponse(status_code=202)
