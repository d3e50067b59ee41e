"""Every process finds the IDs of a run's trace by itself."""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from scraper.settings import Settings
from telemetry.run_ids import RunTrace, given_ids, with_given_ids
from telemetry.switch import app_identity

RUN = RunTrace("account", "daily-2026-11-21", 17)


def test_the_ids_of_a_run_are_the_same_in_every_process_and_version() -> None:
    """A deployment in the middle of a run must not tear its trace apart."""
    assert f"{RUN.trace_id:032x}" == "9228b71ddb035839a597977326e0721b"
    assert (f"{RUN.span_id():016x}", f"{RUN.span_id('books'):016x}") == ("fa9857a9781fed9b", "f5431efa3e9c7e04")


def test_other_apps_runs_and_epochs_have_other_traces() -> None:
    others = [RunTrace("other", RUN.run_id, 17), RunTrace("account", "x", 17), RunTrace("account", RUN.run_id, 18)]
    assert len({run.trace_id for run in (RUN, *others)}) == 4
    assert len({RUN.span_id(), RUN.span_id("books"), RUN.span_id("news")}) == 3


def test_only_the_span_that_is_begun_inside_has_the_given_ids() -> None:
    tracer = with_given_ids(TracerProvider(shutdown_on_exit=False).get_tracer("ours"))
    with given_ids(7, 8):
        given = tracer.start_span("run").get_span_context()
    other = tracer.start_span("another").get_span_context()
    assert (given.trace_id, given.span_id) == (7, 8)
    assert (other.trace_id, other.span_id) != (7, 8)
    assert other.is_valid


def test_other_tracers_of_the_same_provider_keep_their_own_ids() -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    with_given_ids(provider.get_tracer("ours"))
    with given_ids(7, 8):
        assert provider.get_tracer("theirs").start_span("x").get_span_context().span_id != 8


def test_a_tracer_without_an_sdk_stays_as_it_is() -> None:
    tracer = trace.NoOpTracer()
    assert with_given_ids(tracer) is tracer


def test_what_tells_apps_apart_has_no_secret_in_it() -> None:
    text = "DefaultEndpointsProtocol=https;AccountName=mine;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net"
    assert app_identity(Settings(storage_connection=text, table_prefix="two")) == "mine;two"
    by_identity = Settings(storage_connection=None, storage_account_name="mine")
    assert app_identity(by_identity) == "https://mine.table.core.windows.net"
