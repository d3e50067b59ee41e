"""From the start of the host's process to the first answer of this project's app, against its bare imports."""

from __future__ import annotations

import resource
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
from tests.bench.usage import cpu_seconds

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
            (bare_imports(), first_answer(supervisor, settings, folder / f"state-{number}")) for number in range(ROUNDS)
        ]
    for what, column in (("seconds", 0), ("processor seconds", 1)):
        bare, answered = (statistics.median(pair[side][column] for pair in pairs) for side in (0, 1))
        ratio = statistics.median(pair[1][column] / pair[0][column] for pair in pairs)
        print(f"  {what}: start to first answer {answered:.2f}, `{IMPORTS}` {bare:.2f}, ratio {ratio:.2f}")


def bare_imports() -> tuple[float, float]:
    """Seconds and processor seconds of a Python that only imports what every durable app imports."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", IMPORTS], cwd=ROOT, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def first_answer(supervisor: Supervisor, settings: Mapping[str, str], state_dir: Path) -> tuple[float, float]:
    """Both until `GET /api/health` is answered with 200, which takes the settings, the storage and the hub."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "devhost", "start", "--port", "0", "--state-dir", str(state_dir)]
    child = supervisor.start("host", command, env=settings)
    url = child.wait_for_line(r"^Listening on (http://\S+)", timeout_s=60)[1]
    answer = ask("GET", f"{url}/api/health")
    seconds, processor_s = time.perf_counter() - began, cpu_seconds(child.pid)
    supervisor.stop(child)
    assert answer.status == 200, answer.text
    return seconds, processor_s
