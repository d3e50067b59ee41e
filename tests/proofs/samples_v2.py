"""`make prove-samples SAMPLES=FOLDER`: the SDK's own v2 samples, unmodified, under the development host.

FOLDER is `samples-v2` of a checkout of Azure/azure-functions-durable-python. Every app runs from its own folder; only
`function_chaining` needs a copy, with its host.json mended: the original is two JSON documents in one file, which
the host must refuse. Blobs go to a real Azurite.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from scripts.azurite import start_azurite
from scripts.processes import Supervisor
from tests.helpers.host_process import RunningHost, run_host_to_its_end, running_host

HELLO = ["Hello Tokyo!", "Hello Seattle!", "Hello London!"]
PATIENCE_S = 60.0


class SampleFailed(Exception):
    """A sample did not end as its documentation says."""


def main() -> int:
    """0 if every sample came to its documented result."""
    parser = argparse.ArgumentParser(prog="make prove-samples", description=__doc__)
    parser.add_argument("folder", type=Path, help="samples-v2 of the SDK's repository")
    samples: Path = parser.parse_args().folder.resolve()
    with tempfile.TemporaryDirectory() as scratch_name:
        scratch = Path(scratch_name)
        blueprint(samples, scratch)
        chaining(samples, scratch)
        fan_in_fan_out(samples, scratch)
    print("3 of 3 samples came to their documented results")
    return 0


def blueprint(samples: Path, scratch: Path) -> None:
    """Functions registered through a Blueprint, and a plain HTTP function beside them."""
    with running_host(samples / "blueprint", log_dir=scratch, state_dir=scratch / "blueprint") as host:
        expect("blueprint: HttpTrigger", host.get("/api/HttpTrigger?name=you").body.decode()[:10], "Hello, you")
        expect("blueprint: my_orchestrator", outcome(host, "/api/startOrchestrator"), ("Completed", HELLO))


def chaining(samples: Path, scratch: Path) -> None:
    """Refused as it is, and with one JSON document in host.json it runs."""
    root = samples / "function_chaining"
    code, output = run_host_to_its_end(root, log_dir=scratch / "refused", state_dir=scratch / "refused-state")
    reason = next((line for line in output.splitlines() if "host.json" in line), "")
    expect("function_chaining as it is: exit code", code, 1)
    expect("function_chaining as it is: host.json is named", bool(reason), True)
    print(f"  {reason.strip()}")
    mended = scratch / "function_chaining"
    shutil.copytree(root, mended)
    document, _ = json.JSONDecoder().raw_decode((root / "host.json").read_text())
    (mended / "host.json").write_text(json.dumps(document))
    with running_host(mended, log_dir=scratch, state_dir=scratch / "chaining") as host:
        expect("function_chaining", outcome(host, "/api/orchestrators/my_orchestrator"), ("Completed", HELLO))


def fan_in_fan_out(samples: Path, scratch: Path) -> None:
    """Files of a folder go to blobs in parallel; the output is the sum of their sizes."""
    folder = scratch / "site"
    sizes = [100 * number for number in range(1, 6)]
    for number, size in enumerate(sizes):
        place = folder / f"E2_Function{number}"
        place.mkdir(parents=True)
        (place / "function.json").write_text("x" * size)
    with Supervisor(scratch) as supervisor:
        storage = {"AzureWebJobsStorage": start_azurite(supervisor, location=None).connection_string}
        root = samples / "fan_in_fan_out"
        with running_host(root, log_dir=scratch, state_dir=scratch / "fan", env=storage) as host:
            started = outcome(host, "/api/orchestrators/E2_BackupSiteContent", str(folder))
            expect("fan_in_fan_out", started, ("Completed", sum(sizes)))


def outcome(host: RunningHost, path: str, payload: Any = None) -> tuple[str, Any]:
    """Start an orchestration over HTTP; its status and output once it has ended."""
    answer = host.post(path, payload)
    if answer.status != 202:
        raise SampleFailed(f"POST {path} answered {answer.status} {answer.body.decode()[:300]}")
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        status = host.get(answer.json()["statusQueryGetUri"])
        if status.status != 202:
            document = status.json()
            return document["runtimeStatus"], document["output"]
        time.sleep(0.1)
    raise SampleFailed(f"the orchestration of {path} has not ended within {PATIENCE_S} s")


def expect(what: str, found: Any, wanted: Any) -> None:
    """Print the comparison. Raises SampleFailed if the two differ."""
    print(f"{what}: {found}", flush=True)
    if found != wanted:
        raise SampleFailed(f"{what}: wanted {wanted}")


if __name__ == "__main__":
    sys.exit(main())
