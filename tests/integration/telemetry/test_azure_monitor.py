"""What reaches Application Insights: the real exporter of Azure, and an endpoint on this machine in its place."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]

# A worker that has imported the app and does one batch and the end of a run, with INFO lines as in Azure.
WORKER = """
import logging
logging.basicConfig(level=logging.INFO)
import function_app
from datetime import UTC, datetime, timedelta
from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger_provider
from scraper.run_log import log_context, run_logger
from storage.ledger.runs import RunRecord, finished
from telemetry.effects import BatchWork, batch_recorded, run_ended
from telemetry.steps import Step

now = datetime.now(UTC)
step = {"run_id": "daily", "epoch": 3, "source": "books"}
with log_context(run_id="daily", source="books", batch=4), Step("scrape_batch", step) as told:
    run_logger("worker").warning("a page failed")
    told.answered({"code": "scraped", "loaded": 3})
batch_recorded("books", BatchWork(loaded=3, unchanged=1, failed=0, rows=3, seconds=1.5))
run = RunRecord("daily", 3, "c", now - timedelta(seconds=9), "timer", ("books",))
results = [{"source": "books", "outcome": "published", "reason": ""}]
run_ended(finished(run, at=now, outcome="completed", reason="", results=results))
for provider in (trace.get_tracer_provider(), metrics.get_meter_provider(), get_logger_provider()):
    provider.force_flush()
"""


class Endpoint(ThreadingHTTPServer):
    """Takes whatever is sent."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.requests = 0
        super().__init__(("127.0.0.1", 0), Taking)

    def of_type(self, name: str) -> list[dict[str, Any]]:
        return [one for one in self.items if one["data"]["baseType"] == name]


class Taking(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        text = gzip.decompress(body) if self.headers["content-encoding"] == "gzip" else body
        answer: dict[str, Any] = {}
        if self.path.endswith("/track"):
            items = json.loads(text)
            self.server.items += items
            self.server.requests += 1
            answer = {"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []}
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def sent() -> Iterator[Endpoint]:
    """What one worker sends."""
    with Endpoint() as endpoint:
        thread = threading.Thread(target=endpoint.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{endpoint.server_address[1]}/"
        settings = {
            "AzureWebJobsStorage": "UseDevelopmentStorage=true",
            "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY": "true",
            "APPLICATIONINSIGHTS_CONNECTION_STRING": f"InstrumentationKey=12345678-1234-4234-8234-123456789012;"
            f"IngestionEndpoint={url};LiveEndpoint={url}",
            "OTEL_TRACES_SAMPLER": "microsoft.fixed_percentage",
            "OTEL_TRACES_SAMPLER_ARG": "1.0",
            "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",  # of the exporter about itself, to Microsoft
            "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
        }
        worker = [sys.executable, "-c", WORKER]
        try:
            subprocess.run(
                worker, cwd=REPOSITORY, env={**os.environ, **settings}, check=True, timeout=60, capture_output=True
            )
            yield endpoint
        finally:
            endpoint.shutdown()
            thread.join()


def test_a_run_is_a_request_and_its_sources_and_steps_are_below_it(sent: Endpoint) -> None:
    (run,) = sent.of_type("RequestData")
    below = {one["data"]["baseData"]["name"]: one for one in sent.of_type("RemoteDependencyData")}
    assert run["data"]["baseData"]["name"] == "daily_scrape"
    assert run["data"]["baseData"]["duration"] == "0.00:00:09.000"
    assert run["data"]["baseData"]["properties"].items() >= {"run_id": "daily", "outcome": "completed"}.items()
    assert below.keys() == {"scrape_source", "scrape_batch"}
    parents = {name: one["tags"]["ai.operation.parentId"] for name, one in below.items()}
    ids = {"run": run["data"]["baseData"]["id"], "source": below["scrape_source"]["data"]["baseData"]["id"]}
    assert parents == {"scrape_source": ids["run"], "scrape_batch": ids["source"]}
    assert len({one["tags"]["ai.operation.id"] for one in (run, *below.values())}) == 1


def test_a_log_line_belongs_to_its_step_and_has_its_fields(sent: Endpoint) -> None:
    (line,) = [one for one in sent.of_type("MessageData") if "a page failed" in one["data"]["baseData"]["message"]]
    (step,) = [one for one in sent.of_type("RemoteDependencyData") if one["data"]["baseData"]["name"] == "scrape_batch"]
    told = {"run_id": "daily", "source": "books", "batch": "4"}
    assert line["data"]["baseData"]["properties"].items() >= told.items()
    assert line["tags"]["ai.operation.parentId"] == step["data"]["baseData"]["id"]


def test_measurements_arrive_with_their_attributes(sent: Endpoint) -> None:
    found = {}
    for one in sent.of_type("MetricData"):
        data = one["data"]["baseData"]
        found[data["metrics"][0]["name"], data["properties"].get("outcome", "")] = data["metrics"][0]["value"]
    assert found["daily_scrape.pages", "loaded"] == 2
    assert found["daily_scrape.pages", "unchanged"] == 1
    assert found["daily_scrape.runs", "completed"] == 1
    assert found["daily_scrape.run.duration", "completed"] == 9


def test_the_exporter_does_not_send_lines_about_its_own_sending(sent: Endpoint) -> None:
    """Each of them would be sent, and be followed by the next, without end."""
    told = [one["data"]["baseData"]["message"] for one in sent.of_type("MessageData")]
    assert [message for message in told if "ransmission" in message] == []
    assert sent.requests < 12
