"""Every request with the times at which it began and ended: what the site has seen of a scraper's manners."""

import asyncio
import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

ENTRIES_KEPT = 200_000
_BEAT_S = 0.005


@dataclass(slots=True)
class LoggedRequest:
    """One request; the times are seconds of one monotonic clock, `end_s` is None until it is answered.

    It arrived after `not_before_s` and by `start_s`. These are apart by what the site itself was late: a busy machine
    must not make requests look closer together than they were.
    """

    host: str
    path: str
    agent: str
    not_before_s: float
    start_s: float
    end_s: float | None = None
    outcome: str = ""


class RequestLog:
    """The requests in the order in which they came, the oldest forgotten first. Needs a running event loop."""

    def __init__(self) -> None:
        self._entries: deque[LoggedRequest] = deque(maxlen=ENTRIES_KEPT)
        self._beats = (-1.0, -1.0)  # the last two moments at which the loop surely took what had arrived
        self._heart: asyncio.Task[None] | None = None

    def begin(self, host: str, path: str, agent: str) -> LoggedRequest:
        """Note a request; the caller fills in how it ended."""
        now_s = time.monotonic()
        if self._heart is None:
            self._beats = (now_s, now_s)
            self._heart = asyncio.create_task(self._beat())
        entry = LoggedRequest(host, path, agent, min(self._beats[0], now_s), now_s)
        self._entries.append(entry)
        return entry

    @staticmethod
    def end(entry: LoggedRequest, outcome: str) -> None:
        """Note that a request has ended."""
        entry.end_s, entry.outcome = time.monotonic(), outcome

    def snapshot(self) -> list[dict[str, Any]]:
        """The requests as JSON values."""
        return [asdict(entry) for entry in self._entries]

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_BEAT_S)
            self._beats = (self._beats[1], time.monotonic())
