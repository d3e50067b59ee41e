"""Settings of one test in the process environment, where apps look for them."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_open_blocks: list[dict[str, str]] = []
"""The environment before each block that is open, in the order in which they were opened."""


@contextmanager
def changed_environ(settings: Mapping[str, str]) -> Iterator[None]:
    """These variables for the length of the block; afterwards the environment is as before, to the last one.

    If blocks that were opened later are open still, it is so when the last of those ends.
    """
    before = dict(os.environ)
    _open_blocks.append(before)
    os.environ.update(settings)
    try:
        yield
    finally:
        _close(before)


def _close(before: dict[str, str]) -> None:
    place = next(index for index, one in enumerate(_open_blocks) if one is before)
    del _open_blocks[place]
    if place < len(_open_blocks):
        _open_blocks[place].clear()
        _open_blocks[place].update(before)
        return
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)
