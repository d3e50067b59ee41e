"""`make prove-samples SAMPLES=FOLDER`: public sample apps, unmodified, under the development host.

FOLDER holds a checkout of each repository, in a folder named `owner+name` or with its GitHub address as `origin`.
What is asked of each app, and what its documentation promises, is in tests/proofs/scenarios. Every app runs in its own
folder of the checkout, with its storage in a real Azurite; its state, its bytecode and its packages go elsewhere.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient

from scripts.azurite import start_azurite
from scripts.processes import ChildFailed, Supervisor, stop_signals_raise
from tests.helpers.host_process import running_host
from tests.proofs.sample_packages import PackageFolders
from tests.proofs.sample_scenarios import SampleApp, read_scenarios
from tests.proofs.sample_steps import SampleRun, StepFailed, make_queue

OK, FAILED, NOT_RUN = "ok", "FAILED", "cannot run here"


@dataclass(frozen=True)
class Checkout:
    """A repository on this disk: `owner/name` and its commit, empty without git."""

    repository: str
    folder: Path
    commit: str

    def changes(self, folder: str) -> str:
        """What git sees changed in a folder of it, empty if nothing."""
        return _git(self.folder, "status", "--porcelain", "--", folder) if self.commit else ""


@dataclass(frozen=True)
class Verdict:
    """What became of one app; `detail` says what was seen, or why it was not run."""

    app: SampleApp
    commit: str
    outcome: str
    detail: str

    def __str__(self) -> str:
        features = ", ".join(self.app.features)
        head = f"{self.outcome}: {self.app.repository}@{self.commit[:10] or 'unknown'} {self.app.folder} ({features})"
        return f"{head}\n    {self.detail}"


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if every app that can run here came to its documented result, and at least one did."""
    parser = argparse.ArgumentParser(prog="make prove-samples", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder of checkouts")
    parser.add_argument("--only", default="", help="only apps whose repository and folder match this expression")
    options = parser.parse_args(arguments)
    checkouts = {one.repository: one for one in find_checkouts(options.folder.resolve())}
    apps = [
        app
        for app in read_scenarios()
        if app.repository in checkouts and re.search(options.only, f"{app.repository} {app.folder}")
    ]
    verdicts = []
    with stop_signals_raise(), tempfile.TemporaryDirectory() as scratch, Supervisor(Path(scratch)) as supervisor:
        storage = start_azurite(supervisor, location=None).connection_string
        packages = PackageFolders(Path(scratch) / "packages")
        for number, app in enumerate(apps):
            verdict = judge(app, checkouts[app.repository], storage, packages, Path(scratch) / str(number))
            print(verdict, flush=True)
            verdicts.append(verdict)
    print(summary(verdicts))
    ran = [one for one in verdicts if one.outcome != NOT_RUN]
    return 0 if ran and all(one.outcome == OK for one in ran) else 1


def find_checkouts(folder: Path) -> list[Checkout]:
    """The checkouts in a folder, by name; folders that name no repository are left out."""
    found = []
    for place in sorted(one for one in folder.iterdir() if one.is_dir()):
        has_git = (place / ".git").exists()
        commit = _git(place, "rev-parse", "HEAD") if has_git else ""
        repository = repository_name(place.name, _git(place, "remote", "get-url", "origin") if has_git else "")
        if repository:
            found.append(Checkout(repository, place, commit))
    return found


def repository_name(folder_name: str, origin: str) -> str:
    """`owner/name` from a folder named `owner+name`, or from a GitHub address; empty if neither says it."""
    if "+" in folder_name:
        return folder_name.replace("+", "/", 1)
    address = re.search(r"github\.com[:/]([^/]+)/([^/]+?)(\.git)?/?$", origin)
    return f"{address[1]}/{address[2]}" if address else ""


def judge(app: SampleApp, checkout: Checkout, storage: str, packages: PackageFolders, scratch: Path) -> Verdict:
    """Run one app through its scenario."""
    if app.cannot_run is not None:
        return Verdict(app, checkout.commit, NOT_RUN, app.cannot_run)
    if changes := checkout.changes(app.folder):
        return Verdict(app, checkout.commit, FAILED, f"the checkout is not as committed: {changes}")
    scratch.mkdir()
    try:
        seen = run(app, checkout.folder / app.folder, storage, packages.folder_for(app.packages), scratch)
    except (StepFailed, ChildFailed, subprocess.CalledProcessError) as failure:
        return Verdict(app, checkout.commit, FAILED, str(failure).replace("\n", "\n    "))
    if changes := checkout.changes(app.folder):
        return Verdict(app, checkout.commit, FAILED, f"the run has changed the checkout: {changes}")
    return Verdict(app, checkout.commit, OK, f"{seen}; documented: {app.documented}")


def run(app: SampleApp, root: Path, storage: str, package_folder: Path | None, scratch: Path) -> str:
    """All steps of an app; what was done, in words. Raises StepFailed, ChildFailed."""
    words = {"storage": storage, "scratch": str(scratch / "files")}
    for name, text in app.files.items():
        place = scratch / "files" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    if app.add_files:
        root = _with_files(root, app.add_files, scratch)
    prepare_storage(app, storage)
    env = environment(app, storage, package_folder, scratch)
    state = scratch / "state"
    with running_host(root, log_dir=scratch, state_dir=state, arguments=app.arguments, env=env) as host:
        sample = SampleRun(host, storage, {**words, "url": host.url})
        for number, step in enumerate(app.steps, start=1):
            try:
                sample.carry_out(step)
            except StepFailed as failure:
                raise StepFailed(f"step {number} of {len(app.steps)}, {failure}\n{host.child.log_tail(15)}") from None
    helps = [f"with {name} added" for name in app.add_files]
    helps += [f"after `{app.sitecustomize}`"] if app.sitecustomize else []
    return ", ".join((f"{len(app.steps)} steps as documented", *helps))


def environment(app: SampleApp, storage: str, package_folder: Path | None, scratch: Path) -> dict[str, str]:
    """The app's settings, and where the host finds packages and code that are not the app's."""
    folders = [] if package_folder is None else [package_folder]
    if app.sitecustomize:
        folders.append(scratch / "ours")
        folders[-1].mkdir()
        (folders[-1] / "sitecustomize.py").write_text(app.sitecustomize)
    return {
        "AzureWebJobsStorage": storage,
        "PYTHONDONTWRITEBYTECODE": "1",
        **({"PYTHONPATH": os.pathsep.join(map(str, folders))} if folders else {}),
        **{name: text.replace("{storage}", storage) for name, text in app.settings.items()},
    }


def prepare_storage(app: SampleApp, storage: str) -> None:
    """The containers and queues that the app's documentation has one create."""
    for name in app.containers:
        with ContainerClient.from_connection_string(storage, name) as container:
            try:
                container.create_container()
            except ResourceExistsError:
                continue
    for name in app.queues:
        with QueueClient.from_connection_string(storage, name) as queue:
            make_queue(queue)


def summary(verdicts: Sequence[Verdict]) -> str:
    """The closing line."""
    ok = [one for one in verdicts if one.outcome == OK]
    repositories = sorted({one.app.repository for one in ok})
    counts = [f"{sum(one.outcome == outcome for one in verdicts)} {outcome}" for outcome in (FAILED, NOT_RUN)]
    helped = sum(bool(one.app.add_files or one.app.sitecustomize) for one in ok)
    apps = f"{len(ok)} apps ok ({helped} of them with something added), from {len(repositories)} repositories"
    return f"{apps} ({', '.join(repositories)}); {', '.join(counts)}"


def _with_files(root: Path, files: Mapping[str, str], scratch: Path) -> Path:
    """The app's folder with further files, which must not be written into the checkout."""
    copy = scratch / root.name
    shutil.copytree(root, copy)
    for name, text in files.items():
        (copy / name).write_text(text)
    return copy


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


if __name__ == "__main__":
    sys.exit(main())
