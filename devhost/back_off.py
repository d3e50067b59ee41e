"""How long to wait before the next look into a queue.

Source: azure-sdk-for-net, Microsoft.Azure.WebJobs.Extensions.Storage.Common/Shared/Timers/
RandomizedExponentialBackoffStrategy.cs.
"""

from collections.abc import Callable

SHORTEST_S = 0.1
_JITTER = 0.2


class BackOff:
    """Pauses that double with every empty look, up to `longest_s`, and begin anew after a message."""

    def __init__(self, longest_s: float, *, random: Callable[[], float]) -> None:
        """`random` gives numbers from 0 to below 1."""
        self._longest_s = longest_s
        self._random = random
        self._exponent = 0

    def reset(self) -> None:
        """Something was found: the next pause is the shortest."""
        self._exponent = 0

    def next_s(self) -> float:
        """The pause after one more empty look."""
        pause_s = SHORTEST_S
        if self._exponent > 0:
            # 1 - jitter to 1 + jitter.
            factor = 1 - _JITTER + 2 * _JITTER * self._random()
            pause_s += SHORTEST_S * factor * 2.0 ** (self._exponent - 1)
        if pause_s >= self._longest_s:
            return self._longest_s
        self._exponent += 1
        return pause_s
