"""The `context` argument that a function may ask for."""

from dataclasses import dataclass, field
from typing import Any

from azure.functions import Context

from devhost.running_function import thread_local_storage


@dataclass(frozen=True, slots=True)
class TraceContext:
    """W3C trace context of the run; empty, since this host traces nothing."""

    trace_parent: str = ""
    trace_state: str = ""
    attributes: dict[str, str] = field(default_factory=dict)

    # The names of the first releases of the worker, which apps still use.
    @property
    def Traceparent(self) -> str:  # noqa: N802 - the worker's spelling
        """Same as `trace_parent`."""
        return self.trace_parent

    @property
    def Tracestate(self) -> str:  # noqa: N802 - the worker's spelling
        """Same as `trace_state`."""
        return self.trace_state

    @property
    def Attributes(self) -> dict[str, str]:  # noqa: N802 - the worker's spelling
        """Same as `attributes`."""
        return self.attributes


@dataclass(frozen=True, slots=True)
class RpcException:
    """What ended the attempt before, as text."""

    source: str
    stack_trace: str
    message: str


@dataclass(frozen=True, slots=True)
class RetryContext:
    """Which attempt this is: 0 for the first, then the number of the retry."""

    retry_count: int = 0
    max_retry_count: int = 0
    """Of the function's retry policy, -1 for no limit; 0 without a policy that the host enforces."""
    exception: RpcException | None = None

    @property
    def rpc_exception(self) -> RpcException | None:
        """Same as `exception`, in the worker's spelling."""
        return self.exception


class InvocationContext(Context):  # type: ignore[misc]  # the library comes to us as Any
    """Identity of one run.

    Source: Azure/azure-functions-python-worker, azure_functions_worker/bindings/context.py.
    """

    def __init__(
        self, *, function_name: str, function_directory: str, invocation_id: str, retry: RetryContext | None = None
    ) -> None:
        self._function_name = function_name
        self._function_directory = function_directory
        self._invocation_id = invocation_id
        self._trace_context = TraceContext()
        self._retry_context = retry or RetryContext()

    @property
    def invocation_id(self) -> str:
        """A new GUID for every run."""
        return self._invocation_id

    @property
    def thread_local_storage(self) -> Any:
        """Set `.invocation_id` in a thread of your own to tie its log records to this run."""
        return thread_local_storage

    @property
    def function_name(self) -> str:
        """The function's name, not its durable name."""
        return self._function_name

    @property
    def function_directory(self) -> str:
        """The folder of the app."""
        return self._function_directory

    @property
    def trace_context(self) -> TraceContext:
        """Empty."""
        return self._trace_context

    @property
    def retry_context(self) -> RetryContext:
        """Which attempt this is."""
        return self._retry_context
