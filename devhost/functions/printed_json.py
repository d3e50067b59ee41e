"""JSON values as text, as the real host prints them when a function has returned a text that is JSON.

Source: Azure/azure-functions-host, WebJobs.Script/Binding/Http/HttpBinding.cs (Newtonsoft.Json, JToken.ToString).
"""

import json
from typing import Any

_WHOLE_BELOW = 1e15  # .NET writes larger ones with an exponent


def printed_json(value: Any) -> str:
    """Objects and arrays indented, `True` and `False`, texts without quotes, null as no text at all."""
    match value:
        case None:
            return ""
        case bool():
            return str(value)
        case str():
            return value
        case dict() | list():
            return json.dumps(value, indent=2, ensure_ascii=False)
        case float() if value.is_integer() and abs(value) < _WHOLE_BELOW:
            return str(int(value))
        case _:
            return json.dumps(value)
