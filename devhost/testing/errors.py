"""What the test kit raises.

DevhostError
├── KitError                the kit is used in a way that cannot work
└── HostCrashed             the crash that the test asked for has happened
AssertionError
├── NotReached              an instance does not get where the test waits for it
├── StillBusy               something takes real time without end
├── UnexpectedCalls         other activities were called than the test expects
├── CrashFound              a crash at some write changes the outcome
└── ReplayBroken            today's code does not fit a recorded history
"""

from operator import methodcaller

from devhost.errors import DevhostError


class KitError(DevhostError):
    """The kit is used in a way that cannot work; the message says what to do instead."""


class HostCrashed(DevhostError):
    """The host of the test has gone down at the write that the test chose; open a new one on its state."""


class NotReached(AssertionError):
    """The instance is not, and will not be, what the test waits for; the message shows what it waits for itself."""


class StillBusy(AssertionError):
    """A call or request has not ended within the patience of the host, in real time."""


class UnexpectedCalls(AssertionError):
    """The activities that were called differ from the expected ones; the message shows both, line by line."""


class CrashFound(AssertionError):
    """A crash at one of the writes leads to another outcome than an undisturbed run."""


class ReplayBroken(AssertionError):
    """Running instances with this history would break under today's code."""


_MESSAGE_SAYS_ALL = (DevhostError, NotReached, StillBusy, UnexpectedCalls, CrashFound, ReplayBroken)

hides_frames = methodcaller("errisinstance", _MESSAGE_SAYS_ALL)
"""For `__tracebackhide__` of a module: pytest then shows the test's line and the message, not the frames of the kit.

Source: pytest, "Writing well integrated assertion helpers"; what else is raised keeps every frame.
"""


def drop_frames(error: BaseException) -> None:
    """Forget where in the kit the error was raised, if its message says all; before it is raised again."""
    if isinstance(error, _MESSAGE_SAYS_ALL):
        error.__traceback__ = None
