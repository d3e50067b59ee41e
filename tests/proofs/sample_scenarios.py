"""Scenario files: which public sample apps there are, what one asks of each, and what its documentation promises.

One TOML file for each repository: `repository = "owner/name"`, then an `[[app]]` for each app with a `[[app.steps]]`
for each thing that is done. A step is what its first key says:

    start = "POST /api/x"   202 with the management links; `ends` = {runtimeStatus, output, ...} once it is over
    becomes = {...}         the status of the orchestration started last, as soon as it looks like this
    call = "GET /api/x"     one request; `status`, `text` and `json` of its answer
    until = "GET /api/x"    the same request again and again until the answer looks like this
    log = "text"            a line of the host's log
    send = "queue"          puts `text` into a storage queue
    message = "queue"       waits for a message in a storage queue, which is `text` or the JSON `json`

`body` is the JSON sent along, or `raw` the text; `keep` = {word = "a.b"} keeps members of the JSON answer of a call. In
all texts `{word}` is such a member, `{id}` the instance started last, `{url}` the host, `{scratch}` the folder into
which `files` were written, `{storage}` the emulator's connection string. Queues hold base64, as the host wants.
How answers are compared: tests.proofs.sample_checks.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

FOLDER = Path(__file__).with_name("scenarios")
STEP_KINDS = ("start", "becomes", "call", "until", "log", "send", "message")


class ScenarioError(Exception):
    """A scenario file that cannot be read."""


class Step(BaseModel):
    """One thing that is done, and what must be seen; `kind` says which of the fields it has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: str | None = None
    becomes: Mapping[str, Any] | None = None
    call: str | None = None
    until: str | None = None
    log: str | None = None
    send: str | None = None
    message: str | None = None
    body: Any = None
    raw: str | None = None
    status: int | None = None
    text: str | None = None
    document: Any = None
    keep: Mapping[str, str] = {}
    ends: Mapping[str, Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _rename(cls, values: Any) -> Any:
        """`json` is taken: every model has a method of that name."""
        if isinstance(values, dict) and "json" in values:
            values = {**values, "document": values["json"]}
            del values["json"]
        return values

    @model_validator(mode="after")
    def _is_one_thing(self) -> Step:
        if sum(getattr(self, kind) is not None for kind in STEP_KINDS) != 1:
            raise ValueError(f"a step has exactly one of {', '.join(STEP_KINDS)}")
        return self

    @property
    def kind(self) -> str:
        """Which of STEP_KINDS it is."""
        return next(kind for kind in STEP_KINDS if getattr(self, kind) is not None)


class SampleApp(BaseModel):
    """One app. `folder` is inside the checkout; `documented` names the place that promises what `steps` expect.

    `packages` are its requirements beside the SDK, `containers` and `queues` what must exist beforehand, `add_files`
    what the repository itself adds before it runs the app, `sitecustomize` Python code of ours that each process of
    the host runs before the app. `cannot_run` is the reason why it stays out here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str
    features: Sequence[str] = ()
    documented: str = ""
    packages: Sequence[str] = ()
    settings: Mapping[str, str] = {}
    containers: Sequence[str] = ()
    queues: Sequence[str] = ()
    files: Mapping[str, str] = {}
    add_files: Mapping[str, str] = {}
    sitecustomize: str = ""
    arguments: Sequence[str] = ()
    cannot_run: str | None = None
    steps: Sequence[Step] = ()
    repository: str = ""

    @model_validator(mode="after")
    def _can_be_judged(self) -> SampleApp:
        if (self.cannot_run is None) != bool(self.steps and self.documented):
            raise ValueError("an app has either steps and the place that documents them, or cannot_run")
        return self


def read_scenarios(folder: Path = FOLDER) -> list[SampleApp]:
    """All apps of all files, by file name. Raises ScenarioError, which names the file."""
    apps: list[SampleApp] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
            repository = document["repository"]
            apps += [SampleApp.model_validate({**one, "repository": repository}) for one in document["app"]]
        except (ValueError, KeyError) as error:
            raise ScenarioError(f"{path.name}: {error}") from error
    return apps
