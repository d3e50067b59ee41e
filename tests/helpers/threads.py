"""What is asynchronous, for tests that block: in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
PATIENCE_S = 60.0


class LoopThread:
    """A thread that runs an event loop; `call` waits for what it says."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)

    def __enter__(self) -> LoopThread:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What the coroutine returns or raises."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE_S)


@contextmanager
def in_thread(name: str, context: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """The asynchronous context in a thread."""
    with LoopThread(name) as loop:
        value = loop.call(context.__aenter__())
        try:
            yield value
        finally:
            loop.call(context.__aexit__(None, None, None))
