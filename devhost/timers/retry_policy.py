"""`@app.retry`: what it says, and how long to wait before the next attempt.

Source: azure-functions-python-worker, azure_functions_worker/loader.py; azure-webjobs-sdk,
FixedDelayRetryAttribute.cs and ExponentialBackoffRetryAttribute.cs; Azure Functions error handling and retries.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from devhost.back_off import BackOff
from devhost.errors import DevhostError

NO_LIMIT = -1


class RetryPolicyError(DevhostError):
    """The policy cannot be used; the message says how to write it."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Fixed delay if both bounds are equal, else growing from the first to the second."""

    max_retry_count: int
    """Retries after the first attempt; NO_LIMIT for as many as it takes."""
    shortest_s: float
    longest_s: float

    def allows(self, retry_count: int) -> bool:
        """True if the retry with this number (from 1) is to be made."""
        return self.max_retry_count == NO_LIMIT or retry_count <= self.max_retry_count

    def delays(self, random: Callable[[], float]) -> Callable[[], float]:
        """The seconds before each retry, one per call; `random` gives numbers from 0 to below 1."""
        return BackOff(self.shortest_s, self.longest_s, random=random).next_s


def read_retry_policy(setting: Mapping[str, Any] | None) -> RetryPolicy | None:
    """The policy as the library keeps it; None without one. Raises RetryPolicyError."""
    if not setting:
        return None
    count = _count(setting.get("max_retry_count"))
    match setting.get("strategy"):
        case "fixed_delay":
            delay_s = _seconds(setting, "delay_interval")
            return RetryPolicy(count, delay_s, delay_s)
        case "exponential_backoff":
            shortest_s, longest_s = _seconds(setting, "minimum_interval"), _seconds(setting, "maximum_interval")
            if shortest_s > longest_s:
                raise RetryPolicyError("minimum_interval is longer than maximum_interval; swap them.")
            return RetryPolicy(count, shortest_s, longest_s)
        case other:
            raise RetryPolicyError(f"the strategy '{other}' is unknown; write fixed_delay or exponential_backoff.")


def _count(written: object) -> int:
    try:
        count = int(str(written))
    except ValueError:
        count = NO_LIMIT - 1
    if count < NO_LIMIT:
        raise RetryPolicyError(f"max_retry_count is '{written}'; write a whole number from 0, or -1 for no limit.")
    return count


def _seconds(setting: Mapping[str, Any], key: str) -> float:
    written = setting.get(key)
    try:
        parsed = time.strptime(str(written), "%H:%M:%S")
    except ValueError as error:
        raise RetryPolicyError(f"{key} is '{written}'; write hh:mm:ss, at most 23:59:59.") from error
    return timedelta(hours=parsed.tm_hour, minutes=parsed.tm_min, seconds=parsed.tm_sec).total_seconds()
