"""Which texts can be instance IDs."""

from devhost.durable.errors import InvalidInstanceId

_FORBIDDEN = frozenset("/\\#?")
_MAX_LENGTH = 256


def check_instance_id(instance_id: str) -> None:
    """Raises InvalidInstanceId with the rule that the text breaks.

    Source: Azure/azure-functions-durable-extension, DurableClient.cs and HttpApiHandler.cs.
    """
    bad = next((char for char in instance_id if _is_refused(char)), None)
    if instance_id.startswith("@"):
        raise InvalidInstanceId(instance_id, "a leading @ is reserved for entities.")
    if bad is not None:
        raise InvalidInstanceId(
            instance_id,
            f"the character {bad!r} is not allowed (/ \\ # ?, control characters, halves of surrogate pairs).",
        )
    if len(instance_id) > _MAX_LENGTH:
        raise InvalidInstanceId(
            instance_id, f"it has {len(instance_id)} characters, at most {_MAX_LENGTH} are allowed."
        )


def _is_refused(char: str) -> bool:
    code = ord(char)
    is_control = code < 0x20 or 0x7F <= code <= 0x9F
    is_half_a_pair = 0xD800 <= code <= 0xDFFF  # neither a file nor a URL could carry it
    return char in _FORBIDDEN or is_control or is_half_a_pair
