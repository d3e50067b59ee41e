"""From the start of the host's process to the first answer of this project's app, against its bare imports."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

from scripts.azurite import start_azurite
from scripts.checkout import ROOT
from scripts.http_json import ask
from scripts.processes import Supervisor, stop_signals_raise

IMPORTS = "import azure.durable_functions, aiohttp"
ROUNDS = 7


def start_report(folder: Path) -> None:
    """Print the medians of both, and of their ratios."""
    with stop_signals_raise(), Supervisor(folder) as supervisor:
        settings = {
            "AzureWebJobsStorage": start_azurite(supervisor, location=None).connection_string,
            "TABLE_PREFIX": f"t{uuid.uuid4().hex[:12]}",
            "SAMPLE_SITE_URL": "http://127.0.0.1:9",
            "SOURCES_FILE": "tests/bench/sources.toml",
            "AzureWebJobs.daily_timer.Disabled": "true",
        }
        pairs = [
            (imports_s(), first_answer_s(supervisor, settings, folder / f"state-{number}")) for number in range(ROUNDS)
        ]
    bare_s, answer_s = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(answered / bare for bare, answered in pairs)
    print(f"  start to first answer {answer_s:.2f} s, `{IMPORTS}` {bare_s:.2f} s, ratio {ratio:.2f}")


def imports_s() -> float:
    """Seconds of a Python that only imports what every durable app imports."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", IMPORTS], cwd=ROOT, check=True)
    return time.perf_counter() - began


def first_answer_s(supervisor: Supervisor, settings: Mapping[str, str], state_dir: Path) -> float:
    """Seconds until `GET /api/health` is answered with 200, which takes the settings, the storage and the hub."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "devhost", "start", "--port", "0", "--state-dir", str(state_dir)]
    child = supervisor.start("host", command, env=settings)
    url = child.wait_for_line(r"^Listening on (http://\S+)", timeout_s=30)[1]
    answer = ask("GET", f"{url}/api/health")
    seconds = time.perf_counter() - began
    supervisor.stop(child)
    assert answer.status == 200, answer.text
    return seconds
