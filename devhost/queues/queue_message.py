"""From a stored message to what a function receives, and back.

Source: azure-sdk-for-net, Microsoft.Azure.WebJobs.Extensions.Storage.Queues/Triggers/QueueTriggerBinding.cs;
azure-functions-host, WebJobs.Script/Utility.cs, ApplyBindingData.
"""

import base64
import binascii
import json
import re

from azure.functions.meta import Datum

from devhost.errors import DevhostError
from devhost.queues.queue_client import ReceivedMessage

_WHITE_SPACE = re.compile(r"[ \t\r\n]+")


class UndecodableMessage(DevhostError):
    """The stored text is not what `messageEncoding` promises."""


class NotText(DevhostError):
    """The body is no UTF-8 text, so no function without dataType binary can receive it."""


def decode_body(text: str, *, is_base64: bool) -> bytes:
    """The body of a message as stored. Raises UndecodableMessage, whose message tells the cure."""
    if not is_base64:
        return text.encode()
    try:
        # .NET, unlike Python, passes over white space.
        return base64.b64decode(_WHITE_SPACE.sub("", text), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UndecodableMessage(
            "its text is not valid base64. Send it with TextBase64EncodePolicy() as message_encode_policy, or set "
            'extensions.queues.messageEncoding to "none" in host.json.'
        ) from error


def encode_body(body: bytes, *, is_base64: bool) -> str:
    """The text to store for a body. Raises NotText if it is to be plain text and is none."""
    return base64.b64encode(body).decode() if is_base64 else body_text(body)


def body_text(body: bytes) -> str:
    """The body as text. Raises NotText."""
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise NotText(
            "The body of the message is not UTF-8 text; receive it with data_type=func.DataType.BINARY, or send text."
        ) from error


def trigger_value(body: bytes, *, is_binary: bool) -> Datum:
    """What the worker decodes into `func.QueueMessage`. Raises NotText."""
    return Datum(body, "bytes") if is_binary else Datum(body_text(body), "string")


def trigger_metadata(message: ReceivedMessage, body: bytes) -> dict[str, Datum]:
    """The metadata of one message; top-level properties of a JSON body override what is named alike.

    That is a trap of the real host: a body with `id` or `dequeueCount` replaces these in `func.QueueMessage`.
    """
    known = {
        "DequeueCount": Datum(str(message.dequeue_count), "json"),
        "ExpirationTime": Datum(json.dumps(message.expires_at.isoformat()), "json"),
        "Id": Datum(message.id, "string"),
        "InsertionTime": Datum(json.dumps(message.inserted_at.isoformat()), "json"),
        "NextVisibleTime": Datum(json.dumps(message.next_visible_at.isoformat()), "json"),
        "PopReceipt": Datum(message.pop_receipt, "string"),
    }
    return merged_metadata(known, body)


def merged_metadata(known: dict[str, Datum], body: bytes) -> dict[str, Datum]:
    """`known` with `QueueTrigger`, the text of the body, and with the properties of a JSON object in it."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return dict(known)
    metadata = {"QueueTrigger": Datum(text, "string"), **known}
    names = {name.lower(): name for name in metadata}
    for name, value in _properties(text).items():
        metadata[names.setdefault(name.lower(), name)] = value
    return metadata


def _properties(text: str) -> dict[str, Datum]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(document, dict):
        return {}
    return {
        name: _property(value) for name, value in document.items() if value is not None and not isinstance(value, list)
    }


def _property(value: object) -> Datum:
    match value:
        case dict():
            return Datum(json.dumps(value), "json")
        case bool():
            return Datum(str(value), "string")
        case str():
            return Datum(value, "string")
        case _:
            return Datum(json.dumps(value), "string")
