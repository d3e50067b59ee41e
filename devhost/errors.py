"""The error tree of the development host.

DevhostError
├── AppLoadError            the app cannot be loaded; the message says what to change
├── ConfigurationError      a settings or host.json file cannot be used
├── HostStartError          a port, folder or lock that the host needs is taken
├── FunctionFailed          a user function raised; the exception travels as text
└── (each room adds its own, beside the code that raises it)
"""


class DevhostError(Exception):
    """Base of every error that this package raises on purpose."""


class AppLoadError(DevhostError):
    """The app cannot be loaded; no function of it is available.

    `stack` is the traceback of its cause as text, where the app was loaded in another process.
    """

    def __init__(self, message: str, *, stack: str = "") -> None:
        super().__init__(message)
        self.stack = stack


class ConfigurationError(DevhostError):
    """A configuration file cannot be used; the message names the file, the place and the cure."""


class HostStartError(DevhostError):
    """Something that the host needs exclusively (port, state folder) is taken or unusable."""


class FunctionFailed(DevhostError):
    """A user function raised; its exception is carried as text, since it may come from another process.

    `message` is `str(exception)` in full (of an orchestrator it holds the labelled state), `error_type` the
    name of its class, `stack` the formatted traceback; half a surrogate pair in them is written as an escape.
    """

    def __init__(self, function_name: str, error_type: str, message: str, stack: str) -> None:
        super().__init__(f"{function_name} failed: {error_type}: {encodable(message)}")
        self.function_name = function_name
        self.error_type = error_type
        self.message = encodable(message)
        self.stack = encodable(stack)


def text_of(error: BaseException) -> str:
    """`str(error)`, or a remark that there is none: `__str__` may be code of the app, and raise."""
    try:
        return "".join([str(error)])  # joined: a subclass of str could still raise later
    except BaseException as fault:  # noqa: BLE001 - whatever it raises, there is no text
        return f"<its text cannot be shown: __str__ raised {type(fault).__name__}>"


def encodable(text: str) -> str:
    """Neither a file nor a socket takes half a surrogate pair, and an exception may hold one."""
    return text.encode(errors="backslashreplace").decode()
