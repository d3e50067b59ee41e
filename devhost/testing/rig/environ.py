"""Settings of one test in the process environment, where apps look for them."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def changed_environ(settings: Mapping[str, str]) -> Iterator[None]:
    """These variables for the length of the block; afterwards the environment is as before, to the last one."""
    before = dict(os.environ)
    os.environ.update(settings)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)
