"""The trace of a run over processes: workers that share it, and a host that dies in its middle."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from scripts.processes import Supervisor
from scripts.sample_site import start_sample_site
from scripts.trace import SENDING, TraceFailed, whole_trace
from scripts.trace_file import as_document, attributes_of, read_spans
from scripts.trace_picture import waterfall
from tests.e2e.conftest import StartApp
from tests.helpers.running_app import wait_for


def test_a_run_whose_host_is_killed_is_still_one_trace(
    start_app: StartApp, supervisor: Supervisor, tmp_path: Path
) -> None:
    file = tmp_path / "spans.jsonl"
    site = start_sample_site(supervisor, books=80, fault_percent=0, latency_ms=200)
    own = {"PAGES_PER_BATCH": "8", "FUNCTIONS_WORKER_PROCESS_COUNT": "2", "SPAN_FILE": str(file)}
    app = start_app(site, **SENDING, **own)
    assert app.start_run("traced").status == 202
    wait_for(lambda: batches_in(file) >= 2, timeout_s=60, every_s=0.05)
    app.child.kill()
    processes_before = {span["process"] for span in read_spans(file)}
    app.restart()
    run = app.finished_run("traced")
    spans = whole_trace(file, time_limit_s=60)  # one trace, no span without its parent
    assert {span["process"] for span in spans} > processes_before
    batches = [attributes_of(span) for span in spans if span["name"] == "scrape_batch"]
    counted = Counter((one["source"], one["batch"]) for one in batches if one["counted"])
    assert set(counted.values()) == {1}
    whole = sum(source["batches"] for source in run["sources"])
    assert len(counted) >= whole - 8  # what a killed process had recorded, and not sent yet, is in the record only
    (root,) = [attributes_of(span) for span in spans if span["name"] == "daily_scrape"]
    assert (root["outcome"], root["pages"], root["rows"]) == ("completed", 84, 160)


def batches_in(file: Path) -> int:
    return sum(span["name"] == "scrape_batch" for span in read_spans(file))


TRACE = "0" * 31 + "1"


def span(name: str, parent: str = "", **attributes: str | int) -> dict[str, object]:
    told = [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]
    ids = {"traceId": TRACE, "spanId": name, **({"parentSpanId": parent} if parent else {})}
    times = {"startTimeUnixNano": "1000", "endTimeUnixNano": "5000"}
    return {**ids, **times, "name": name, "attributes": told, "status": {"code": 2, "message": ""}, "process": 7}


def test_what_a_site_or_a_caller_says_is_text_in_the_picture() -> None:
    hostile = '<script>alert(1)</script>"&\u202e'
    picture = waterfall([span("daily_scrape", run_id=hostile, outcome="failed", pages=0), span("x", "daily_scrape")])
    tree = ElementTree.fromstring(picture)
    tags = {element.tag.rpartition("}")[2] for element in tree.iter()}
    assert tags == {"svg", "title", "style", "rect", "text", "line"}
    assert hostile in picture.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")


def test_the_export_has_the_spans_of_each_process_below_its_resource() -> None:
    (resource,) = as_document([span("daily_scrape"), span("x", "daily_scrape")])["resourceSpans"]
    assert [one["name"] for one in resource["scopeSpans"][0]["spans"]] == ["daily_scrape", "x"]
    assert {"key": "process.pid", "value": {"intValue": "7"}} in resource["resource"]["attributes"]


def test_spans_without_their_parent_are_no_whole_trace(tmp_path: Path) -> None:
    file = tmp_path / "spans.jsonl"
    spans = [
        span("daily_scrape", outcome="completed"),
        span("finish_run", parent="daily_scrape"),
        span("x", parent="?"),
    ]
    file.write_text("".join(json.dumps(one) + "\n" for one in spans))
    with pytest.raises(TraceFailed, match=r"without their parents \['x'\]"):
        whole_trace(file, time_limit_s=0)
