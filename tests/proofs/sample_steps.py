"""Carries out the steps of a scenario on a running host and its storage."""

from __future__ import annotations

import binascii
import json
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient

from tests.helpers.host_process import Answer, RunningHost
from tests.proofs.sample_checks import difference, filled
from tests.proofs.sample_scenarios import Step

_POLL_S = 0.1
_LIVE = frozenset({"Pending", "Running", "Suspended", "ContinuedAsNew"})


class StepFailed(Exception):
    """A step did not show what the documentation promises; the text says what was seen."""


@dataclass
class SampleRun:
    """One app under one host. `words` are what `{word}` stands for in the texts of its scenario."""

    host: RunningHost
    storage: str
    words: dict[str, str]
    patience_s: float = 60.0
    status_url: str = field(default="", init=False)

    def carry_out(self, step: Step) -> None:
        """Raises StepFailed."""
        does: dict[str, Callable[[Step], None]] = {
            "start": self._start,
            "becomes": self._becomes,
            "call": self._call,
            "until": self._until,
            "log": self._log,
            "send": self._send,
            "message": self._message,
        }
        does[step.kind](Step.model_validate(filled(step.model_dump(exclude_none=True), self.words)))

    def _start(self, step: Step) -> None:
        answer = self._request(str(step.start), step)
        if answer.status != 202:
            raise StepFailed(f"{step.start} answered {_shown(answer)}, wanted 202 with the management links")
        links = answer.json()
        self.status_url, self.words["id"] = links["statusQueryGetUri"], links["id"]
        if step.ends is not None:
            self._reaches(step.ends, is_over=_has_ended)

    def _becomes(self, step: Step) -> None:
        wanted = step.becomes or {}
        self._reaches(wanted, is_over=lambda status: difference(wanted, status) is None or _has_ended(status))

    def _reaches(self, wanted: Any, *, is_over: Callable[[Any], bool]) -> None:
        status: Any = None

        def look() -> bool:
            nonlocal status
            status = self.host.get(self.status_url).json()
            return is_over(status)

        self._wait(look, lambda: f"after {self.patience_s:g} s the orchestration is {json.dumps(status)}")
        if (text := difference(wanted, status, at="the status")) is not None:
            raise StepFailed(text)

    def _call(self, step: Step) -> None:
        answer = self._request(str(step.call), step)
        if (text := self._judge(step, answer)) is not None:
            raise StepFailed(f"{step.call}: {text}")
        self.words |= {word: str(_member(answer.json(), path)) for word, path in step.keep.items()}

    def _until(self, step: Step) -> None:
        text: str | None = None

        def look() -> bool:
            nonlocal text
            text = self._judge(step, self._request(str(step.until), step))
            return text is None

        self._wait(look, lambda: f"{step.until}: after {self.patience_s:g} s {text}")

    def _log(self, step: Step) -> None:
        self._wait(lambda: str(step.log) in self.host.log(), lambda: f"the host's log has no {step.log!r}")

    def _send(self, step: Step) -> None:
        with self._queue(str(step.send)) as queue:
            make_queue(queue)
            queue.send_message(b64encode((step.text or "").encode()).decode())

    def _message(self, step: Step) -> None:
        text: str | None = None

        def look() -> bool:
            nonlocal text
            text = self._next_message_difference(step)
            return text is None

        self._wait(look, lambda: f"after {self.patience_s:g} s {text}")

    def _next_message_difference(self, step: Step) -> str | None:
        name = str(step.message)
        with self._queue(name) as queue:
            try:
                found = queue.peek_messages(max_messages=1)
            except ResourceNotFoundError:
                return f"there is no queue {name}"
        if not found:
            return f"queue {name} is empty"
        text = queue_text(found[0].content)
        if step.document is not None:
            return difference(step.document, json.loads(text), at=f"the message in {name}")
        return difference(step.text, text, at=f"the message in {name}")

    def _queue(self, name: str) -> QueueClient:
        return QueueClient.from_connection_string(self.storage, name)

    def _request(self, line: str, step: Step) -> Answer:
        method, _, path = line.partition(" ")
        headers = {} if step.body is None else {"Content-Type": "application/json"}
        text = step.raw if step.body is None else json.dumps(step.body)
        try:
            return self.host.call(method, path, body=text, headers=headers)
        except (OSError, HTTPException) as error:
            raise StepFailed(f"{line} got no answer: {type(error).__name__}: {error}") from error

    def _judge(self, step: Step, answer: Answer) -> str | None:
        wanted_status = 200 if step.status is None else step.status
        if answer.status != wanted_status:
            return f"answered {_shown(answer)}, wanted {wanted_status}"
        if step.text is not None:
            return difference(step.text, answer.body.decode())
        if step.document is not None:
            try:
                return difference(step.document, answer.json())
            except ValueError:
                return f"answered {_shown(answer)}, wanted JSON"
        return None

    def _wait(self, look: Callable[[], bool], say: Callable[[], str]) -> None:
        deadline = time.monotonic() + self.patience_s
        while not look():
            if time.monotonic() > deadline:
                raise StepFailed(say())
            time.sleep(_POLL_S)


def _member(document: Any, path: str) -> Any:
    for name in path.split("."):
        if not isinstance(document, dict) or name not in document:
            raise StepFailed(f"the answer has no {path}: {document}")
        document = document[name]
    return document


def _has_ended(status: Any) -> bool:
    return status["runtimeStatus"] not in _LIVE


def make_queue(queue: QueueClient) -> None:
    """Create the queue unless it is there."""
    try:
        queue.create_queue()
    except ResourceExistsError:
        return


def queue_text(content: str) -> str:
    """The text of a message, which the host's queue binding writes in base64."""
    try:
        return b64decode(content, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return content


def _shown(answer: Answer) -> str:
    return f"{answer.status} {answer.body.decode(errors='replace')[:300]!r}"
