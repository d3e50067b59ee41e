"""What a test sees of an instance: its status with Python values instead of JSON text."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from devhost.durable.instance import Instance, RuntimeStatus

# Raw line breaks are in no output of a completed instance: that is JSON text.
_DETAILS = re.compile(r'\s*\n\s*\{"\$type":.*', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Status:
    """One instance. `output` is the value of a completed one, else the text that says why there is none."""

    instance_id: str
    name: str
    runtime_status: str
    input: Any
    output: Any
    custom_status: Any
    created_at: datetime
    last_updated_at: datetime

    @property
    def is_ended(self) -> bool:
        """True when the instance will never run again."""
        return RuntimeStatus(self.runtime_status).is_terminal


def read_status(instance: Instance) -> Status:
    """The instance with its texts parsed."""
    return Status(
        instance_id=instance.instance_id,
        name=instance.name,
        runtime_status=str(instance.runtime_status),
        input=_input_value(instance.input_text),
        output=_value(instance.output_text),
        custom_status=_value(instance.custom_status_text),
        created_at=instance.created_at,
        last_updated_at=instance.last_updated_at,
    )


def _input_value(text: str | None) -> Any:
    """The SDK's client stores JSON inside a JSON string; a raw HTTP start stores the bare JSON."""
    value = _value(text)
    return _value(value) if isinstance(value, str) else value


def _value(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def without_details(text: str) -> str:
    """The output text of a failed instance as far as it is meant for people; what follows is .NET's JSON of it."""
    return _DETAILS.sub("", text)
