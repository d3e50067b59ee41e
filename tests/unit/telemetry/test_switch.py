"""The switch is that of the Functions worker, and off; one that does not work never keeps the app from starting."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scraper.settings import Settings
from telemetry import exporting, switch


@pytest.fixture(autouse=True)
def off_afterwards() -> Iterator[None]:
    yield
    switch.switch_off()


def test_telemetry_is_off_unless_a_setting_of_the_worker_says_otherwise() -> None:
    assert Settings().telemetry_mode == "off"
    assert Settings(python_applicationinsights_enable_telemetry=True).telemetry_mode == "azure_monitor"
    assert Settings(python_enable_opentelemetry=True).telemetry_mode == "otlp"


def test_an_exporter_that_is_not_installed_is_named_and_the_app_starts(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zipkin_json")
    switch.switch_on(Settings(python_enable_opentelemetry=True, storage_connection="UseDevelopmentStorage=true"))
    assert switch.sender() is None
    assert switch.state()[0] == "off"
    assert switch.state()[1].startswith("ImportError: no exporter 'zipkin_json' of traces is installed")
    (told,) = caplog.messages
    assert told.startswith("telemetry is off: ImportError: no exporter 'zipkin_json' of traces is installed")
    assert told.endswith("put opentelemetry-exporter-zipkin-json into requirements.txt")


def test_the_switch_tells_its_real_state_and_no_fault_if_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    assert switch.state() == ("off", "")
    monkeypatch.setattr(exporting, "ensure_sdk", lambda _mode: None)
    switch.switch_on(Settings(python_enable_opentelemetry=True, storage_connection="UseDevelopmentStorage=true"))
    assert switch.state() == ("otlp", "")
    switch.switch_off()
    assert switch.state() == ("off", "")


def test_otlp_is_by_http_unless_it_is_to_be_grpc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "entry_points", lambda **_names: [])
    with pytest.raises(ImportError, match="put opentelemetry-exporter-otlp-proto-http into"):
        exporting._exporter("metrics")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(ImportError, match="put opentelemetry-exporter-otlp-proto-grpc into"):
        exporting._exporter("metrics")


def test_no_exporter_is_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "none")
    assert exporting._exporter("logs") is None
