"""Requests of every kind to a running host, each answer held to docs/openapi.yaml."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.engine import Status, events, from_schema

from tests.helpers.answer_checks import faults, has_wrong_method, response_of
from tests.helpers.api_description import closed, operations, read_description

PREFIX = "/api"
_TIMEOUT_S = 60
REFUSES_GOOD = {
    "start_orchestrator": "each orchestrator takes an input of its own, and some their own instance IDs only",
    "poll_orchestrator": "the same",
    "retry_run": "its sources must be those of the run",
    "list_failures": "its continuation must be one that the run has given",
    "list_batches": "the same",
    "list_rows": "its continuation must be one that was given",
    "get_diff": "the same",
    "start_workflow": "names of events that differ in case only count as the same",
    "stop_workflow": "its event must be one that the workflow waits for",
    "stop_workflow_by_get": "the same",
}
"""Where a request that is as described may be refused all the same, and why no description can say so."""
ACCEPTS_BAD = {"poll_orchestrator": "the body is read only by the request that starts"}
"""Where a request that is not as described may be served all the same."""
REFUSALS = ["400", "401", "404", "411", "413"]
"""What a request that is not as described gets. A 409 could hide that it was taken for a good one that is too late."""
REFUSES_LATE = {"retry_run": "whether the run has ended decides first, since that says what may be in the body"}
"""Where 409 is a refusal, too."""
OFF = {"enabled": False}


@dataclass
class Prober:
    """One host. `answers` counts by operation and status, `faults` has an example of each kind of wrong answer."""

    url: str
    key: str
    known: Mapping[str, Sequence[str]]
    """Values that exist, by parameter (`path.runId`); half of the generated requests use one."""
    sources: Sequence[str]
    log: Callable[[], str]
    """Everything that the host has printed so far."""
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    wrong_methods: Counter[str] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.document = closed(read_description())
        # Which sources there are, and which times are to come, is nothing that a description can say.
        self.document["components"]["schemas"]["SourceName"]["enum"] = list(self.sources)
        times = [datetime.now(UTC) + timedelta(days=days) for days in (1, 300)]
        self.document["components"]["schemas"]["StartAt"]["enum"] = [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in times]
        self.operations = {operation.name: operation for operation in operations(self.document)}
        self._schema = self._load({})

    @property
    def key_header(self) -> dict[str, str]:
        """What every request has that does not say otherwise."""
        return {"x-functions-key": self.key}

    @property
    def total(self) -> int:
        """Requests so far."""
        return self.answers.total() + self.wrong_methods.total()

    def send(
        self,
        name: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | str = "",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        method: str = "",
        is_chunked: bool = False,
    ) -> schemathesis.Response:
        """One request as it is: values of the path and a query as text are sent unencoded, a body of bytes as such."""
        operation = self.operations[name]
        method = method or operation.method
        target = operation.path
        for parameter, value in (path or {}).items():
            target = target.replace(f"{{{parameter}}}", value)
        text = query if isinstance(query, str) else urlencode(query)
        target = f"{PREFIX}{target}?{text}" if text else f"{PREFIX}{target}"
        payload = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = self.key_header if headers is None else headers
        response = self._exchange(method, target, [payload or b""] if is_chunked else payload, sent)
        if method == operation.method:
            self.answers[name, response.status_code] += 1
        else:
            self.wrong_methods[operation.path] += 1
        request = f"{method} {target[:300]} {(payload or b'')[:300]!r}"
        self._note(name, faults(self._schema, operation, response, method=method), request)
        return response

    def fuzz(self, *, seed: int, examples: int, phases: Iterable[str]) -> None:
        """Generated requests, right and wrong: `phases` of examples, coverage, fuzzing, stateful."""
        enabled = set(phases)
        every = ("examples", "coverage", "fuzzing", "stateful")
        schema = self._load(
            {
                "seed": seed,
                "phases": {phase: {"enabled": phase in enabled} for phase in every},
                "generation": {"mode": "all", "max-examples": examples, "no-shrink": True, "database": "none"},
            }
        )
        for event in from_schema(schema).execute():
            if isinstance(event, events.NonFatalError):
                self.faults[f"{event.label}: {type(event.value).__name__}"] = str(event.value)
            elif isinstance(event, events.ScenarioFinished):
                self._count(event.recorder)

    def report(self) -> str:
        """The wrong answers, one of each kind, with the request that led to it, and the host's first traceback."""
        found = [f"{kind}\n{example}" for kind, example in self.faults.items()]
        before, traceback, after = self.log().partition("Traceback (most recent call last)")
        if traceback:
            found.append(f"The log of the host has\n{before[-1000:]}{traceback}{after[:3000]}")
        return "\n\n".join(found)

    def table(self) -> str:
        """Which answers of which operation there were, and how often."""
        statuses = sorted({status for _, status in self.answers})
        lines = [f"{'':24}" + "".join(f"{status:>7}" for status in statuses)]
        for name in self.operations:
            counts = [self.answers[name, status] for status in statuses]
            lines.append(f"{name:24}" + "".join(f"{count or '-':>7}" for count in counts))
        wrong = f"{self.wrong_methods.total()} of them with a method that the path does not have"
        return "\n".join([*lines, f"{self.total} requests, {wrong}"])

    def never_reached(self, *, leave_out: Iterable[int]) -> dict[str, list[int]]:
        """The answers that are described and did not come, by operation."""
        left_out = set(leave_out)
        missing = {
            name: sorted(status for status in operation.statuses - left_out if not self.answers[name, status])
            for name, operation in self.operations.items()
        }
        return {name: statuses for name, statuses in missing.items() if statuses}

    def _load(self, settings: Mapping[str, Any]) -> schemathesis.BaseSchema:
        known = {name: {"values": list(values)} for name, values in self.known.items()}
        config = {
            "base-url": f"{self.url}{PREFIX}",
            "continue-on-failure": True,
            "request-timeout": _TIMEOUT_S,
            "workers": 1,  # Python 3.11 cannot parse in one thread while Hypothesis sets the recursion limit in another
            "cache": {"enabled": False},
            "warnings": False,
            "dictionaries": known,
            "parameters": {name: {"dictionary": name, "probability": 0.5} for name in known},
            "auth": {"openapi": {"functionKey": {"api_key": self.key}}},
            "checks": {"unsupported_method": {"enabled": False}},  # it asks for 405, which Azure Functions never gives
            "operations": [{"include-operation-id": name, "checks": _checks(name)} for name in self.operations],
            **settings,
        }
        return schemathesis.openapi.from_dict(self.document, config=schemathesis.Config.from_dict(config))

    def _exchange(
        self, method: str, target: str, body: bytes | list[bytes] | None, headers: Mapping[str, str]
    ) -> schemathesis.Response:
        # The usual clients repair a target before they send it.
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=_TIMEOUT_S)
        try:
            connection.request(method, target, body=body, headers=dict(headers))
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        return response_of(answer.status, dict(answer.getheaders()), content, sent=headers)

    def _count(self, recorder: Any) -> None:
        for case_id, interaction in recorder.interactions.items():
            case = recorder.cases[case_id].value
            if interaction.response is None:
                self.faults[f"{case.operation.label}: no answer"] = interaction.request.uri
            elif has_wrong_method(case):
                self.wrong_methods[case.operation.path] += 1
            else:
                self.answers[case.operation.definition.raw["operationId"], interaction.response.status_code] += 1
        for case_id, nodes in recorder.checks.items():
            for node in nodes:
                if node.status is not Status.SUCCESS:
                    label = recorder.cases[case_id].value.operation.label
                    info = node.failure_info
                    self._note(label, [info.failure] if info else [], info.code_sample if info else node.name)

    def _note(self, where: str, failures: Iterable[Failure], request: str) -> None:
        for failure in failures:
            self.faults.setdefault(f"{where}: {failure.title}", f"{request}\n{failure.message[:2000]}")


def _checks(name: str) -> dict[str, Any]:
    """Which answers of an operation count as taking a good request, and as refusing a bad one."""
    refusals = [*REFUSALS, "409"] if name in REFUSES_LATE else REFUSALS
    return {
        "positive_data_acceptance": OFF if name in REFUSES_GOOD else {},
        "negative_data_rejection": OFF if name in ACCEPTS_BAD else {"expected-statuses": refusals},
    }


def encoded(text: str) -> str:
    """`text` as one segment of a path."""
    return quote(text, safe="")
