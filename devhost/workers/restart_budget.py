"""How often worker processes may fail before the host gives up.

Source: Azure/azure-functions-host, WebJobs.Script.Grpc/Channel/RpcFunctionInvocationDispatcher.cs: three failures for
each process. Unlike there only quick failures count: those of a process that has never come to answer a run.
"""

from collections import deque

_FAILURES_PER_PROCESS = 3
_WINDOW_S = 120.0
_PAUSE_STEP_S = 0.1


class RestartBudget:
    """Counts the quick failures of the last two minutes; times are those of any one clock, in seconds."""

    def __init__(self, process_count: int) -> None:
        self.limit = _FAILURES_PER_PROCESS * process_count
        self._failures: deque[float] = deque()

    def failed(self, now_s: float) -> float | None:
        """Note a quick failure; the pause before the next start in seconds, None if it was one too many."""
        while self._failures and self._failures[0] < now_s - _WINDOW_S:
            self._failures.popleft()
        self._failures.append(now_s)
        return None if len(self._failures) >= self.limit else _PAUSE_STEP_S * len(self._failures)
