"""What a function gave an output, as the single values to write.

Source: azure-functions-host, WebJobs.Script/Binding/FunctionBinding.cs, ReadAsEnumerable, ConvertValueToStream.
"""

import json
from dataclasses import dataclass
from typing import Any

from azure.functions.meta import Datum

from devhost.functions.printed_json import printed_json
from devhost.storage_bindings.errors import BadOutputValue


@dataclass(frozen=True, slots=True)
class JsonValue:
    """A value that came out of JSON."""

    value: Any
    has_dates: bool
    """True if texts that look like ISO dates count as dates: so in a str that holds JSON."""


OutputValue = str | bytes | int | float | JsonValue


def values_of(datum: Datum) -> list[OutputValue]:
    """The values to write, one after the other: a JSON array, even as a str, is several. Raises BadOutputValue."""
    value = datum.value
    if datum.type == "json":
        return _each(_loaded(value), has_dates=False)
    if isinstance(value, str) and _looks_like_json(value):
        return _each(_loaded(value), has_dates=True)
    return [value]


def message_body(value: OutputValue) -> bytes:
    """The body of the queue message for one value: objects indented, other JSON values as .NET prints them.

    A func.QueueMessage, which the library turns into an object with `id` and `body`, sends its body.
    """
    match value:
        case bytes():
            return value
        case JsonValue(dict() as fields) if set(fields) == {"id", "body"} and not value.has_dates:
            return str(fields["body"]).encode()
        case JsonValue(inner):
            return printed_json(inner).encode()
        case _:
            return printed_json(value).encode()


def blob_content(datum: Datum) -> bytes:
    """The content of the blob for what was given. Raises BadOutputValue."""
    match datum.value:
        case bytes():
            return datum.value
        case str() if datum.type == "json":
            return json.dumps(_loaded(datum.value), separators=(",", ":"), ensure_ascii=False).encode()
        case str():
            return datum.value.encode()
    raise BadOutputValue(f"a blob takes str or bytes, not {type(datum.value).__name__}.")


def _each(document: Any, *, has_dates: bool) -> list[OutputValue]:
    if isinstance(document, list):
        return [JsonValue(item, has_dates) for item in document]
    return [document] if isinstance(document, str) else [JsonValue(document, has_dates)]


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadOutputValue(
            f"the text begins and ends like JSON, so the host reads it as JSON, but it is not valid ({error}). "
            "Correct it, or send bytes."
        ) from error


def _looks_like_json(text: str) -> bool:
    stripped = text.strip()
    return stripped[:1] + stripped[-1:] in ("{}", "[]")
