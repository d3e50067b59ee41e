"""Options addressed as `a:b:c`, from a JSON document with overrides on top, keys ignoring case."""

import re
from collections.abc import Iterator, Mapping

WHOLE_NUMBER = re.compile(r"[0-9]{1,10}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


class OptionError(ValueError):
    """An option has a value that cannot be used; the message names key, value and cure."""

    def __init__(self, key: str, value: object, cure: str) -> None:
        shown = value if _NUMBER.fullmatch(str(value)) else f"'{value}'"
        super().__init__(f"'{key.replace(':', '.')}' is {shown}; {cure}.")
        self.key = key
        self.value = value


class LayeredOptions:
    """One flat view of a JSON object and of the overriding texts.

    A value is absent when it is missing or null. An override replaces one leaf and leaves its neighbours,
    so `functions:0` replaces the first entry of a list only, as .NET configuration does.
    """

    def __init__(self, root: Mapping[str, object], overrides: Mapping[str, str]) -> None:
        self._leaves: dict[str, tuple[str, object]] = {}
        for path, value in (*_leaves(root, ""), *overrides.items()):
            self._leaves[path.lower()] = (path, value)

    def text(self, path: str, *, default: str) -> str:
        """The value as text, true and false in lower case. Raises OptionError for an object or a list."""
        value = self._value(path, cure="write one value, not an object or a list")
        return default if value is None else _as_text(value)

    def lenient_text(self, path: str) -> str | None:
        """The value if it is a text, else None; never an error."""
        value = self._leaves.get(path.lower(), (path, None))[1]
        return value if isinstance(value, str) else None

    def count(self, path: str, *, default: int) -> int:
        """A whole number above zero, as a number or in quotes. Raises OptionError otherwise."""
        cure = "write a whole number greater than zero"
        value = self._value(path, cure=cure)
        if value is None:
            return default
        text = _as_text(value).strip()
        if not WHOLE_NUMBER.fullmatch(text) or not 0 < int(text) < 2**31:
            raise OptionError(path, value, cure)
        return int(text)

    def flag(self, path: str, *, default: bool) -> bool:
        """True or false, also in quotes. Raises OptionError otherwise."""
        cure = "write true or false"
        value = self._value(path, cure=cure)
        if value is None:
            return default
        text = _as_text(value).strip().lower()
        if text not in ("true", "false"):
            raise OptionError(path, value, cure)
        return text == "true"

    def entries(self, path: str) -> list[tuple[str, object]]:
        """What lies below `path`, list entries in order: the rest of the key as written last, and the value."""
        prefix = f"{path.lower()}:"
        found = [
            (written[len(prefix) :], value)
            for key, (written, value) in self._leaves.items()
            if key.startswith(prefix) and value is not None
        ]
        return sorted(found, key=lambda entry: int(entry[0]) if WHOLE_NUMBER.fullmatch(entry[0]) else 0)

    def _value(self, path: str, *, cure: str) -> object:
        found = self._leaves.get(path.lower())
        if found is not None:
            return found[1]
        below = self.entries(path)
        if below:
            raise OptionError(path, dict(below), cure)
        return None


def _leaves(node: object, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _leaves(value, f"{path}:{key}" if path else key)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _leaves(value, f"{path}:{index}")
    else:
        yield path, node


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
