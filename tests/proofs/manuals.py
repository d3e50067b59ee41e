"""`make prove-manuals`: real pages. Two HTML manuals from Debian packages, served here and scraped as a run.

Needs the packages python3-doc and postgresql-doc (or other folders of HTML, named on the command line with a sources
file of their own). Pages found must equal pages loaded plus pages listed as failed, for every source.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from scripts.azurite import start_azurite
from scripts.processes import Supervisor, stop_signals_raise
from tests.helpers.running_app import RunningApp

PACKAGES = {"python3-doc": "python3.*/html", "postgresql-doc": "postgresql-doc-*/html"}
DOCUMENTS = Path("/usr/share/doc")


def main() -> int:
    """0 if the sums are right and both manuals were published."""
    parser = argparse.ArgumentParser(prog="make prove-manuals", description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, help="folders of HTML (default: the two Debian manuals)")
    folders = parser.parse_args().folders or installed_manuals()
    if not folders:
        return 2
    with stop_signals_raise(), tempfile.TemporaryDirectory() as scratch, Supervisor(Path(scratch)) as supervisor:
        app = start(supervisor, folders, Path(scratch))
        began = time.monotonic()
        app.start_run("manuals")
        run = app.finished_run("manuals", timeout_s=900)
        seconds = time.monotonic() - began
        failures = Counter(one["source"] for one in app.failures("manuals"))
        found = sum(source["pages"] for source in run["sources"])
        print(f"run '{run['runId']}': {run['outcome']}, {found} pages in {seconds:.1f} s")
        is_exact = True
        for source in run["sources"]:
            name, pages, loaded, failed = (source[key] for key in ("source", "pages", "loaded", "failed"))
            is_exact &= pages == loaded + failures[name] and failed == failures[name] and loaded > 0
            print(f"  {name}: {source['state']}, {pages} pages = {loaded} loaded + {failures[name]} listed as failed")
        for failure in app.failures("manuals"):
            print(f"  {failure['url']}: {failure['reason']}: {failure['detail']}")
        print(f"largest history {max(app.history_sizes().values()):,} bytes")
    return 0 if is_exact else 1


def installed_manuals() -> list[Path]:
    """The folders of both manuals; empty, with the cure on stderr, if one is not installed."""
    folders: list[Path] = []
    for package, pattern in PACKAGES.items():
        places = sorted(DOCUMENTS.glob(pattern))
        if not places:
            print(f"{package} is not installed: apt-get install {package}", file=sys.stderr)
            return []
        folders.append(places[-1])
    return folders


def start(supervisor: Supervisor, folders: Sequence[Path], scratch: Path) -> RunningApp:
    """Azurite, the server of the manuals, and the host."""
    azurite = start_azurite(supervisor, location=None)
    server = supervisor.start("manuals", [sys.executable, "-m", "samples.manuals", "--port", "0", *folders])
    url = server.wait_for_line(r"^serving (http://\S+?)/?$", timeout_s=60)[1]
    settings = {
        "AzureWebJobsStorage": azurite.connection_string,
        "TABLE_PREFIX": f"t{uuid.uuid4().hex[:12]}",
        "MANUALS_URL": url,
        "SOURCES_FILE": "samples/manuals/sources.toml",
        "AzureWebJobs.daily_timer.Disabled": "true",
    }
    return RunningApp(supervisor, scratch / "devhost", settings)


if __name__ == "__main__":
    sys.exit(main())
