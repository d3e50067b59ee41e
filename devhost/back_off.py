"""Pauses that grow while nothing happens.

Source: azure-sdk-for-net, Microsoft.Azure.WebJobs.Extensions.Storage.Common/Shared/Timers/
RandomizedExponentialBackoffStrategy.cs; azure-webjobs-sdk has the same for retries.
"""

from collections.abc import Callable

_JITTER = 0.2


class BackOff:
    """Pauses that double, give or take 20 %, up to `longest_s`, and begin anew after a reset."""

    def __init__(self, shortest_s: float, longest_s: float, *, random: Callable[[], float]) -> None:
        """`random` gives numbers from 0 to below 1."""
        self._shortest_s = shortest_s
        self._longest_s = longest_s
        self._random = random
        self._exponent = 0

    def reset(self) -> None:
        """Something has happened: the next pause is the shortest."""
        self._exponent = 0

    def next_s(self) -> float:
        """The pause after one more time without success."""
        pause_s = self._shortest_s
        if self._exponent > 0:
            # 1 - jitter to 1 + jitter.
            factor = 1 - _JITTER + 2 * _JITTER * self._random()
            pause_s += self._shortest_s * factor * 2.0 ** (self._exponent - 1)
        if pause_s >= self._longest_s:
            return self._longest_s
        self._exponent += 1
        return pause_s
