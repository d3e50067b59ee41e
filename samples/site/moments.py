"""What happens to the whole site at some moment: counted in requests, so that it happens in every run."""

from dataclasses import dataclass

HITS_REFUSED = 2
"""No URL is refused more often by one burst: who asks a third time gets through."""


@dataclass
class Moments:
    """Requests are numbered from 1; a moment that is None never comes."""

    burst_at: int | None = None
    """From this request on, `burst_length` requests are answered with 503."""
    burst_length: int = 0
    robots_change_at: int | None = None
    """From this request on, the other version of robots.txt counts."""
    _requests: int = 0

    def count(self) -> None:
        """One more request has come in."""
        self._requests += 1

    def is_robots_changing(self) -> bool:
        """True at the request with which the change comes."""
        return self._requests == self.robots_change_at

    def is_in_burst(self, hit: int) -> bool:
        """Whether this request, the `hit`-th one of its URL, meets a burst."""
        if self.burst_at is None or hit > HITS_REFUSED:
            return False
        return self.burst_at <= self._requests < self.burst_at + self.burst_length
