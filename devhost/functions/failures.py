"""Exceptions of user code as text. Nothing here raises, whatever the exception's own methods do."""

import traceback
from pathlib import Path

from devhost.errors import FunctionFailed, text_of

_DEVHOST_FOLDER = str(Path(__file__).parent.parent)


def failure_of(function_name: str, error: BaseException) -> FunctionFailed:
    """The exception of user code as text: causes in full, then the frames of the app."""
    return FunctionFailed(function_name, type(error).__name__, text_of(error), _stack(error))


def describe(error: BaseException) -> str:
    """`ValueError: message`, or the name alone if there is no message."""
    text = text_of(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _stack(error: BaseException) -> str:
    try:
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        lines = [] if cause is None else [*traceback.format_exception(cause), "\nwhich led to:\n\n"]
        frames = traceback.extract_tb(error.__traceback__)
        # The first frames are the host's own; the app's author has no use for them.
        own = [frame for frame in frames if not frame.filename.startswith(_DEVHOST_FOLDER)]
        return "".join([*lines, *traceback.format_list(own)])
    except BaseException as fault:  # noqa: BLE001 - the cause may be hostile, too
        return f"(the traceback cannot be written: {type(fault).__name__})\n"
