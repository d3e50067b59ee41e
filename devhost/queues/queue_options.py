"""`extensions.queues` of host.json.

Source: azure-sdk-for-net, Microsoft.Azure.WebJobs.Extensions.Storage.Common/Shared/Queues/QueuesOptions.cs.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devhost.config.layered_options import LayeredOptions, OptionError
from devhost.config.time_span import parse_time_span
from devhost.errors import ConfigurationError

_SECTION = "extensions:queues"
_SHORTEST_POLL_S = 0.1
_LONGEST_VISIBILITY_S = 7 * 24 * 3600.0
_LEASE_VARIABLE = "DEVHOST_QUEUE_LEASE_SECONDS"


class QueueOptionsError(ConfigurationError):
    """A value under `extensions.queues` cannot be used; the message names key, value and cure."""


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """How all queue functions are served; each has its own batches."""

    batch_size: int = 16
    """Messages per receive, 1 to 32."""
    new_batch_threshold: int = 8
    """Fetch again as soon as no more than this many run."""
    max_polling_interval_s: float = 2.0
    max_dequeue_count: int = 5
    visibility_timeout_s: float = 0.0
    """How long a message is hidden after its run has failed."""
    is_base64: bool = True
    """False if messages are stored as plain text."""
    lease_s: float = 600.0
    """How long a message is hidden while it runs; renewed at half time."""


def read_queue_options(
    queues: Mapping[str, object],
    environ: Mapping[str, str],
    *,
    cpu_count: int | None = None,
    path: Path = Path("host.json"),
) -> QueueOptions:
    """The options of the section `queues`, keys in any case, with the defaults of the environment Development.

    `path` is the file's, for messages. Raises QueueOptionsError.
    """
    options = LayeredOptions({"extensions": {"queues": dict(queues)}}, {})
    try:
        batch_size = _whole(options, "batchSize", default=16, least=1, most=32)
        threshold = batch_size // 2 * (cpu_count or os.cpu_count() or 1)
        return QueueOptions(
            batch_size=batch_size,
            new_batch_threshold=_whole(options, "newBatchThreshold", default=threshold, least=0, most=1000),
            # The real host's default of a minute becomes two seconds on a developer's machine.
            max_polling_interval_s=_seconds(options, "maxPollingInterval", default=2.0, least=_SHORTEST_POLL_S),
            max_dequeue_count=_whole(options, "maxDequeueCount", default=5, least=1, most=2**31 - 1),
            visibility_timeout_s=_seconds(options, "visibilityTimeout", default=0.0, least=0.0),
            is_base64=_is_base64(options),
            lease_s=_lease_s(environ),
        )
    except OptionError as error:
        raise QueueOptionsError(f"{path}: {error}") from error


def _whole(options: LayeredOptions, key: str, *, default: int, least: int, most: int) -> int:
    path = f"{_SECTION}:{key}"
    text = options.text(path, default=str(default)).strip()
    if not re.fullmatch("[0-9]{1,10}", text) or not least <= int(text) <= most:
        raise OptionError(path, text, f"write a whole number from {least} to {most}")
    return int(text)


def _seconds(options: LayeredOptions, key: str, *, default: float, least: float) -> float:
    path = f"{_SECTION}:{key}"
    text = options.text(path, default="").strip()
    if not text:
        return default
    cure = "write hh:mm:ss, for example 00:00:02, up to 7 days"
    if text.isdigit():
        # .NET reads a plain number as days, which nobody means.
        raise OptionError(path, text, cure)
    try:
        seconds = parse_time_span(text).total_seconds()
    except ValueError as error:
        raise OptionError(path, text, cure) from error
    if not least <= seconds <= _LONGEST_VISIBILITY_S:
        raise OptionError(path, text, f"{cure}, and not below {least:g} s")
    return seconds


def _is_base64(options: LayeredOptions) -> bool:
    path = f"{_SECTION}:messageEncoding"
    text = options.text(path, default="base64").strip().lower()
    if text not in ("base64", "none"):
        raise OptionError(path, text, "write base64 or none")
    return text == "base64"


def _lease_s(environ: Mapping[str, str]) -> float:
    text = environ.get(_LEASE_VARIABLE, "")
    if not text:
        return 600.0
    if not text.isdigit() or not 1 <= int(text) <= 3600:
        raise QueueOptionsError(f"{_LEASE_VARIABLE} is '{text}'; set it to whole seconds from 1 to 3600, or remove it.")
    return float(text)
