"""What it takes to send telemetry is loaded by those who send some."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
HEAVY = ("opentelemetry.sdk", "opentelemetry.metrics", "azure.monitor", "telemetry.instruments", "telemetry.exporting")


def loaded_modules(**environment: str) -> set[str]:
    """What a process has loaded that has imported the app."""
    command = "import sys, function_app; print('\\n'.join(sys.modules))"
    found = subprocess.run(
        [sys.executable, "-c", command],
        cwd=REPOSITORY,
        env={"AzureWebJobsStorage": "UseDevelopmentStorage=true", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(found.stdout.split())


def test_an_app_that_sends_nothing_does_not_load_what_it_would_take() -> None:
    assert loaded_modules() & set(HEAVY) == set()


def test_the_console_exporter_of_the_sdk_needs_settings_only() -> None:
    exporters = {f"OTEL_{signal}_EXPORTER": "console" for signal in ("TRACES", "METRICS", "LOGS")}
    loaded = loaded_modules(PYTHON_ENABLE_OPENTELEMETRY="true", **exporters)
    assert {"opentelemetry.sdk.trace", "telemetry.instruments"} <= loaded
    assert "azure.monitor.opentelemetry" not in loaded
