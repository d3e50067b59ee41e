"""Several worker processes that stand in for one: each run goes to the one with the least to do."""

import asyncio
import logging
import time
from collections.abc import Callable

from devhost.errors import AppLoadError
from devhost.functions.bindings import RunOutputs
from devhost.functions.child_processes import end_process_trees
from devhost.functions.description import LoadedFunction
from devhost.functions.runner import Run
from devhost.functions.worker import time_span_text, timed_out
from devhost.workers.restart_budget import RestartBudget
from devhost.workers.worker_process import WorkerProcess

_QUICK_S = 10.0
_logger = logging.getLogger("devhost.workers")


class WorkerPool:
    """Keeps `count` worker processes alive; `start` and `stop` it once in an event loop.

    The others start when the first has imported the app: the host is ready sooner than if they all did so at once.
    """

    def __init__(
        self,
        first: WorkerProcess,
        start_process: Callable[[], WorkerProcess],
        *,
        count: int,
        timeout_s: float | None,
        give_up: Callable[[str], None],
    ) -> None:
        """`timeout_s` is host.json's functionTimeout; `give_up` is told when the processes keep failing."""
        self._start_process, self._timeout_s, self._give_up = start_process, timeout_s, give_up
        self._processes, self._count = [first], count
        self._budget = RestartBudget(count)
        self._ready: list[WorkerProcess] = []
        self._has_ready = asyncio.Event()
        self._keepers: list[asyncio.Task[None]] = []
        self._functions: tuple[LoadedFunction, ...] | None = None
        self._refusal: AppLoadError | None = None
        self._knows_more = asyncio.Event()
        self._is_stopping = False

    async def start(self) -> tuple[LoadedFunction, ...]:
        """The functions as the app's script has them, when the first worker has imported it.

        Raises AppLoadError if that worker refuses the app, or if no worker lives long enough.
        """
        self._keepers = [asyncio.create_task(self._keep(process)) for process in self._processes]
        await self._knows_more.wait()
        if self._functions is None:
            await self.stop(0.0)
            raise self._refusal or AppLoadError("The app was not loaded.")
        return self._functions

    async def run(self, run: Run) -> RunOutputs:
        """The outputs of the run, in whichever worker; waits while none is ready.

        Raises FunctionFailed; WorkerDied if the worker has ended meanwhile, for whatever reason but the run's time.
        """
        process = await self._least_busy()
        try:
            async with asyncio.timeout(self._timeout_s):
                return await process.run(run)
        except TimeoutError:
            limit_s = self._timeout_s or 0.0
            _logger.error(
                "Function '%s' ran longer than functionTimeout of host.json (%s); its worker process %d is ended, "
                "with all its other runs, and a new one starts.",
                run.function_name,
                time_span_text(limit_s),
                process.pid,
            )
            process.has_served = True
            process.kill(f"its function '{run.function_name}' ran longer than functionTimeout")
            raise timed_out(run.function_name, limit_s) from None

    async def stop(self, timeout_s: float) -> bool:
        """SIGTERM to the workers and to what they have started, SIGKILL after `timeout_s`; True, nothing is left."""
        self._is_stopping = True
        for process in self._processes:
            process.leave_alone()
        await asyncio.to_thread(end_process_trees, [process.pid for process in self._processes], timeout_s)
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        return True

    async def _least_busy(self) -> WorkerProcess:
        while not self._ready:
            await self._has_ready.wait()
        process = min(self._ready, key=lambda one: one.run_count)
        # Last in line now: of equally busy ones each has its turn.
        self._ready.remove(process)
        self._ready.append(process)
        return process

    async def _keep(self, process: WorkerProcess) -> None:
        """One place of the pool: when its process ends, another takes it."""
        while True:
            await self._live(process)
            if self._is_stopping:
                return
            _logger.error("Worker process %d has ended: %s.", process.pid, process.end_reason)
            pause_s = self._pause_after(process)
            if pause_s is None:
                self._end_with(
                    AppLoadError(
                        f"Worker processes have failed {self._budget.limit} times without answering one run, the last "
                        f"one (process {process.pid}): {process.end_reason}. See the messages above for the cause."
                    )
                )
                return
            await asyncio.sleep(pause_s)
            following = self._start_process()
            self._processes[self._processes.index(process)] = following
            process = following

    async def _live(self, process: WorkerProcess) -> None:
        loaded: asyncio.Future[tuple[LoadedFunction, ...]] = asyncio.get_running_loop().create_future()
        loaded.add_done_callback(lambda future: self._welcome(process, future))
        try:
            await process.serve(loaded)
        finally:
            loaded.cancel()
            self._dismiss(process)

    def _welcome(self, process: WorkerProcess, loaded: "asyncio.Future[tuple[LoadedFunction, ...]]") -> None:
        if loaded.cancelled():
            return
        error = loaded.exception()
        if isinstance(error, AppLoadError):
            self._refused(process, error)
            return
        missing = {one.name for one in self._functions or ()} - {one.name for one in loaded.result()}
        if missing:
            process.kill(f"its app lacks {', '.join(sorted(missing))}; has a file changed since the host started?")
            return
        if self._functions is None:
            self._functions = loaded.result()
            self._knows_more.set()
            self._fill_up()
        process.ready_s = time.monotonic()
        self._ready.append(process)
        self._has_ready.set()
        _logger.info("Worker process %d is ready.", process.pid, extra={"always_shown": True})

    def _fill_up(self) -> None:
        while len(self._processes) < self._count:
            process = self._start_process()
            self._processes.append(process)
            self._keepers.append(asyncio.create_task(self._keep(process)))

    def _refused(self, process: WorkerProcess, error: AppLoadError) -> None:
        if self._functions is None:
            self._end_with(error)
            return
        _logger.error("%s%s", error.stack, error)
        process.kill("it could not load the app")

    def _dismiss(self, process: WorkerProcess) -> None:
        if process in self._ready:
            self._ready.remove(process)
        if not self._ready:
            self._has_ready.clear()

    def _pause_after(self, process: WorkerProcess) -> float | None:
        now_s = time.monotonic()
        is_quick = not process.has_served and now_s - (process.ready_s or now_s) < _QUICK_S
        return self._budget.failed(now_s) if is_quick else 0.0

    def _end_with(self, error: AppLoadError) -> None:
        if self._functions is None:
            self._refusal = self._refusal or error
            self._knows_more.set()
        else:
            self._give_up(str(error))
