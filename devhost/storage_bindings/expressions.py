"""Binding expressions: `orders/{id}.json` becomes a path for one run.

Source: azure-webjobs-sdk, Microsoft.Azure.WebJobs.Host/Bindings/Path; Azure Functions documentation, binding
expressions and patterns.
"""

import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from azure.functions.meta import Datum

from devhost.storage_bindings.errors import UnresolvedExpression

_TOKEN = re.compile(r"(?P<open>\{\{)|(?P<close>\}\})|\{(?P<expression>[^{}]*)\}|(?P<stray>[{}])")
_DATE_PART = re.compile(r"'[^']*'|\\.|([A-Za-z])\1*|.", re.DOTALL)
# The host's own default, which keeps colons out of paths.
_DATE_FORMAT = "yyyy-MM-ddTHH-mm-ssK"
_DATE_LITERALS = frozenset("TZ")


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What the expressions of one run may use."""

    function_name: str
    now: datetime
    """Aware, UTC."""
    data: Mapping[str, object]
    """What the trigger has brought: text, numbers, or mappings for `{a.b}`; names compare ignoring case."""
    new_guid: Callable[[], uuid.UUID] = uuid.uuid4


def trigger_data(trigger_value: Datum, metadata: Mapping[str, Datum]) -> dict[str, object]:
    """The data of a trigger for `RunFacts`: metadata, the properties of a JSON body, values of an HTTP route."""
    if trigger_value.type == "http":
        fields = trigger_value.value
        return {
            "query": _texts(fields["query"]),
            "headers": _texts(fields["headers"]),
            **_json_properties(fields["body"].value),
            **_texts(fields["params"]),
        }
    known = {name: _plain(datum) for name, datum in metadata.items()}
    return {**known, **_json_properties(trigger_value.value)}


def resolve_expressions(text: str, facts: RunFacts) -> str:
    """`text` with every `{expression}` replaced; `{{` and `}}` stand for braces. Raises UnresolvedExpression.

    Known are the names in the trigger's data, `{a.b}` inside it, `{rand-guid}`, `{DateTime}` and `{sys.…}`,
    the last ones also with a format, for example `{DateTime:yyyy-MM-dd}` or `{rand-guid:N}`.
    """

    def replaced(match: re.Match[str]) -> str:
        if match["stray"]:
            raise UnresolvedExpression(f"'{text}' has a brace without its partner; write {{{{ or }}}} for a brace.")
        if match["expression"] is None:
            return "{" if match["open"] else "}"
        return _value(match["expression"].strip(), facts)

    return _TOKEN.sub(replaced, text)


def _value(expression: str, facts: RunFacts) -> str:
    name, _, form = expression.partition(":")
    found = _look_up(name, facts.data)
    if found is not None:
        return _as_text(expression, found)
    match name.lower():
        case "rand-guid" | "sys.randguid":
            return _guid(expression, facts.new_guid(), form)
        case "datetime" | "sys.utcnow":
            return _date(expression, facts.now, form or _DATE_FORMAT)
        case "sys.methodname":
            return facts.function_name
    names = ", ".join(sorted(facts.data, key=str.lower)) or "none"
    raise UnresolvedExpression(
        f"'{{{expression}}}' has no value in this run. The trigger has brought: {names}; also known are rand-guid, "
        "DateTime, sys.utcNow, sys.randGuid and sys.methodName."
    )


def _look_up(name: str, data: Mapping[str, object]) -> object:
    found: object = data
    for part in name.split("."):
        if not isinstance(found, Mapping):
            return None
        found = {str(key).lower(): value for key, value in found.items()}.get(part.strip().lower())
    return found


def _as_text(expression: str, value: object) -> str:
    match value:
        case str() | bool() | int():
            return str(value)
        case float():
            return repr(value)
        case _:
            raise UnresolvedExpression(f"'{{{expression}}}' is an object or a list; name one value inside it.")


def _guid(expression: str, guid: uuid.UUID, form: str) -> str:
    match form.upper():
        case "" | "D":
            return str(guid)
        case "N":
            return guid.hex
        case "B":
            return f"{{{guid}}}"
        case "P":
            return f"({guid})"
    raise UnresolvedExpression(f"'{{{expression}}}' has an unknown format; use N, D, B or P.")


def _date(expression: str, moment: datetime, form: str) -> str:
    return "".join(_date_part(expression, moment, match[0]) for match in _DATE_PART.finditer(form))


def _date_part(expression: str, moment: datetime, part: str) -> str:
    parts = {
        "yyyy": f"{moment.year:04}",
        "yy": f"{moment.year % 100:02}",
        "MM": f"{moment.month:02}",
        "M": str(moment.month),
        "dd": f"{moment.day:02}",
        "d": str(moment.day),
        "HH": f"{moment.hour:02}",
        "H": str(moment.hour),
        "mm": f"{moment.minute:02}",
        "m": str(moment.minute),
        "ss": f"{moment.second:02}",
        "s": str(moment.second),
        "K": "Z",
    }
    if part in parts:
        return parts[part]
    if re.fullmatch("f{1,6}", part):
        return f"{moment.microsecond:06}"[: len(part)]
    if part[0] in "'\\":
        return part.strip("'").removeprefix("\\")
    if part.isalpha() and part not in _DATE_LITERALS:
        raise UnresolvedExpression(
            f"'{{{expression}}}' has a date format with '{part}', which this host does not know; "
            "use yyyy, MM, dd, HH, mm, ss and fff."
        )
    return part


def _texts(fields: Mapping[str, Datum]) -> dict[str, object]:
    return {name: datum.value for name, datum in fields.items()}


def _plain(datum: Datum) -> object:
    return json.loads(datum.value) if datum.type == "json" else datum.value


def _json_properties(body: object) -> dict[str, object]:
    if not isinstance(body, (str, bytes)):
        return {}
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(document, dict):
        return {}
    return {name: value for name, value in document.items() if value is not None and not isinstance(value, list)}
