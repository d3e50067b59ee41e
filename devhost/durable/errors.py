"""Why the task hub refuses a request; each error carries the ids that an answer needs."""

from devhost.durable.instance import RuntimeStatus
from devhost.errors import DevhostError, encodable


class HubError(DevhostError):
    """Base of the refusals of the task hub."""


class InstanceAlreadyLive(HubError):
    """An instance with this ID is pending, running or suspended."""

    def __init__(self, instance_id: str, runtime_status: RuntimeStatus) -> None:
        super().__init__(f"An Orchestration instance with the status {runtime_status} already exists.")
        self.instance_id = instance_id
        self.runtime_status = runtime_status


class UnknownFunction(HubError):
    """No loaded function of this kind has this durable name."""

    def __init__(self, name: str, kind: str, known: tuple[str, ...]) -> None:
        names = ", ".join(f"'{one}'" for one in known)
        additional = (
            f"The following are the known {kind} functions: {names}."
            if known
            else f"No {kind} functions are currently registered!"
        )
        article = "an" if kind[0] in "aeio" else "a"
        super().__init__(
            f"The function '{name}' doesn't exist, is disabled, or is not {article} {kind} function. "
            f"Additional info: {additional}"
        )
        self.name = name
        self.kind = kind
        self.known = known


class InvalidInstanceId(HubError):
    """The text cannot be an instance ID."""

    def __init__(self, instance_id: str, reason: str) -> None:
        super().__init__(f"Instance ID '{encodable(instance_id)}' is refused: {reason}")
        self.instance_id = instance_id
        self.reason = reason


class InstanceNotFound(HubError):
    """The hub has no instance with this ID."""

    def __init__(self, instance_id: str) -> None:
        super().__init__(f"No instance with ID '{instance_id}' found.")
        self.instance_id = instance_id


class InstanceFinished(HubError):
    """The instance has ended and takes no more commands."""

    def __init__(self, instance_id: str, runtime_status: RuntimeStatus) -> None:
        super().__init__(f"Instance '{instance_id}' has ended with the status {runtime_status}.")
        self.instance_id = instance_id
        self.runtime_status = runtime_status


class InstanceNotFinished(HubError):
    """The instance is live, so its history cannot be removed."""

    def __init__(self, instance_id: str, runtime_status: RuntimeStatus) -> None:
        super().__init__(f"Instance '{instance_id}' has the status {runtime_status}; terminate it before purging it.")
        self.instance_id = instance_id
        self.runtime_status = runtime_status


class WrongState(HubError):
    """The command does not fit the instance's present status."""

    def __init__(self, instance_id: str, runtime_status: RuntimeStatus, command: str) -> None:
        super().__init__(f"Cannot {command} the orchestration instance '{instance_id}' in the status {runtime_status}.")
        self.instance_id = instance_id
        self.runtime_status = runtime_status
        self.command = command


class NotRewindable(HubError):
    """The instance has not failed, or its history cannot be taken back."""

    def __init__(self, instance_id: str, reason: str) -> None:
        super().__init__(f"Instance '{instance_id}' cannot be rewound: {reason}")
        self.instance_id = instance_id
        self.reason = reason
