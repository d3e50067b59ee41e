"""Which function the present code runs for, as far as log records are concerned."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

thread_local_storage = threading.local()
"""What functions see as `context.thread_local_storage`: `.invocation_id` ties a thread of their own to a run."""

_current: ContextVar[str | None] = ContextVar("running_function", default=None)
_functions_by_run: dict[str, str] = {}


@contextmanager
def run_of(function_name: str, invocation_id: str) -> Iterator[None]:
    """While the block runs, its records and those of tasks that it starts belong to the function."""
    _functions_by_run[invocation_id] = function_name
    _current.set(function_name)
    try:
        yield
    finally:
        # Not by the token of `set`: a coroutine that is thrown away ends in another context.
        _current.set(None)
        del _functions_by_run[invocation_id]


def running_function() -> str | None:
    """The name of the function that the calling code runs for; None outside every run."""
    name = _current.get()
    if name is not None:
        return name
    return _functions_by_run.get(getattr(thread_local_storage, "invocation_id", ""))
