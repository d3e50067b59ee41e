"""The error tree of the development host.

DevhostError
├── AppLoadError            the app cannot be loaded; the message says what to change
├── ConfigurationError      a settings or host.json file cannot be used
├── HostStartError          a port, folder or lock that the host needs is taken
└── (each room adds its own, beside the code that raises it)
"""


class DevhostError(Exception):
    """Base of every error that this package raises on purpose."""


class AppLoadError(DevhostError):
    """The app cannot be loaded; no function of it is available."""


class ConfigurationError(DevhostError):
    """A configuration file cannot be used; the message names the file, the place and the cure."""


class HostStartError(DevhostError):
    """Something that the host needs exclusively (port, state folder) is taken or unusable."""
