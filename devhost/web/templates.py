"""Route templates: `items/{id:int}/{*rest}` becomes an object that turns a path into values.

Source: dotnet/aspnetcore, src/Http/Routing/src/Template (the older route collection, which the Functions host
uses). Literals compare ignoring case, one final slash does not count, and empty segments never match.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from devhost.web.constraints import Constraint, UnknownConstraint, compile_constraint

_BAD_NAME = re.compile(r"[/{}?*]")


class InvalidTemplate(ValueError):
    """The text is no route template; the message says why."""

    def __init__(self, template: str, reason: str) -> None:
        super().__init__(f"the route template '{template}' is invalid: {reason}")
        self.template = template
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that must be there, whatever its case."""

    text: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A named part; `constraints` must all accept its value."""

    name: str
    constraints: tuple[Constraint, ...] = ()
    default: str | None = None
    is_optional: bool = False
    is_catch_all: bool = False

    @property
    def may_be_absent(self) -> bool:
        """True if the path may end before it."""
        return self.is_optional or self.is_catch_all or self.default is not None


Part = Literal | Parameter


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template; build it with `compile_template`."""

    text: str
    segments: tuple[tuple[Part, ...], ...]

    def match(self, path: str) -> dict[str, str] | None:
        """Parameter values for a decoded path, without the absent ones; None if it does not match.

        `items/{id:int}` and `/Items/7/` give `{"id": "7"}`.
        """
        path = path.removeprefix("/")
        found: dict[str, str] = {}
        for parts in self.segments:
            first = parts[0]
            if isinstance(first, Parameter) and first.is_catch_all:
                found |= {first.name: path} if path else {}
                path = ""
                break
            if not path:
                if _may_be_absent(parts):
                    continue
                return None
            segment, _, path = path.partition("/")
            values = _match_segment(parts, segment)
            if values is None:
                return None
            found |= values
        return None if path else self._checked(found)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """In the order of the text."""
        return tuple(part for parts in self.segments for part in parts if isinstance(part, Parameter))

    def _checked(self, found: dict[str, str]) -> dict[str, str] | None:
        for parameter in self.parameters:
            if parameter.default is not None:
                found.setdefault(parameter.name, parameter.default)
            value = found.get(parameter.name)
            if value is not None and not all(accepts(value) for accepts in parameter.constraints):
                return None
        return found


def _may_be_absent(parts: tuple[Part, ...]) -> bool:
    return len(parts) == 1 and isinstance(parts[0], Parameter) and parts[0].may_be_absent


def _match_segment(parts: tuple[Part, ...], segment: str) -> dict[str, str] | None:
    if not segment:
        return None
    if len(parts) == 1 and isinstance(parts[0], Parameter):
        return {parts[0].name: segment}
    last = parts[-1]
    values = _match_parts(parts, segment)
    if values is None and isinstance(last, Parameter) and last.is_optional:
        # `{name}.{ext?}`: the dot goes with the optional part.
        values = _match_parts(parts[:-2], segment)
    return values


def _match_parts(parts: tuple[Part, ...], segment: str) -> dict[str, str] | None:
    pattern = "".join(re.escape(part.text) if isinstance(part, Literal) else "(.+)" for part in parts)
    found = re.fullmatch(pattern, segment, re.IGNORECASE | re.DOTALL)
    if found is None:
        return None
    names = [part.name for part in parts if isinstance(part, Parameter)]
    return dict(zip(names, found.groups(), strict=True))


def compile_template(text: str) -> Template:
    """The template of `text`, which has no leading slash. Raises InvalidTemplate."""
    if text.startswith(("/", "~")):
        raise InvalidTemplate(text, "it must not start with '/' or '~'")
    segments = tuple(_parse_segment(text, segment) for segment in _split(text))
    template = Template(text, segments)
    _check_order(template)
    names = [parameter.name.lower() for parameter in template.parameters]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise InvalidTemplate(text, f"the parameter '{repeated}' appears twice")
    return template


def _split(text: str) -> list[str]:
    """Segments of the template; a slash inside braces does not separate."""
    segments, start, depth = [], 0, 0
    for position, character in enumerate(text):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "/" and depth == 0:
            segments.append(text[start:position])
            start = position + 1
    segments.append(text[start:])
    if segments[-1] == "":
        segments.pop()
    if "" in segments:
        raise InvalidTemplate(text, "it has an empty segment ('//'); a route must not start with '/'")
    return segments


def _parse_segment(template: str, segment: str) -> tuple[Part, ...]:
    parts: list[Part] = []
    literal = ""
    position = 0
    while position < len(segment):
        pair = segment[position : position + 2]
        if pair in ("{{", "}}"):
            literal, position = literal + pair[0], position + 2
        elif segment[position] == "{":
            if literal:
                parts.append(Literal(literal))
            end = _closing_brace(template, segment, position)
            parts.append(_parse_parameter(template, segment[position + 1 : end]))
            literal, position = "", end + 1
        elif segment[position] in "}?":
            raise InvalidTemplate(template, f"'{segment[position]}' stands outside of a parameter")
        else:
            literal, position = literal + segment[position], position + 1
    if literal:
        parts.append(Literal(literal))
    _check_parts(template, parts)
    return tuple(parts)


def _closing_brace(template: str, segment: str, opened_at: int) -> int:
    position = opened_at + 1
    while position < len(segment):
        if segment[position : position + 2] in ("{{", "}}"):
            position += 2
        elif segment[position] == "}":
            return position
        else:
            position += 1
    raise InvalidTemplate(template, "a '{' is not closed")


def _parse_parameter(template: str, text: str) -> Parameter:
    text = text.replace("{{", "{").replace("}}", "}")
    stars = len(text) - len(text.lstrip("*"))
    text, default = _split_default(text[stars:])
    is_optional = default is None and text.endswith("?")
    name, *constraints = _split_constraints(text.removesuffix("?") if is_optional else text)
    if not name or _BAD_NAME.search(name) or stars > 2:
        raise InvalidTemplate(template, f"'{name}' is no parameter name")
    if is_optional and stars:
        raise InvalidTemplate(template, f"the catch-all parameter '{name}' cannot be optional")
    if default is not None and default.endswith("?"):
        raise InvalidTemplate(template, f"the parameter '{name}' has a default, so it cannot be optional")
    try:
        compiled = tuple(compile_constraint(one) for one in constraints)
    except UnknownConstraint as error:
        raise InvalidTemplate(template, str(error)) from error
    return Parameter(name, compiled, default, is_optional, bool(stars))


def _split_default(text: str) -> tuple[str, str | None]:
    depth = 0
    for position, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "=" and depth == 0:
            return text[:position], text[position + 1 :]
    return text, None


def _split_constraints(text: str) -> list[str]:
    pieces, start, depth = [], 0, 0
    for position, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == ":" and depth == 0:
            pieces.append(text[start:position])
            start = position + 1
    return [*pieces, text[start:]]


def _check_parts(template: str, parts: list[Part]) -> None:
    for before, part in pairwise(parts):
        if isinstance(before, Parameter) and isinstance(part, Parameter):
            raise InvalidTemplate(template, "two parameters touch; put text between them")
        if isinstance(part, Parameter) and part.is_optional and before != Literal("."):
            raise InvalidTemplate(template, f"only a '.' may stand before the optional parameter '{part.name}'")
    for position, part in enumerate(parts):
        if not isinstance(part, Parameter):
            continue
        if part.is_catch_all and len(parts) > 1:
            raise InvalidTemplate(template, f"the catch-all parameter '{part.name}' must fill its segment")
        if part.is_optional and position < len(parts) - 1:
            raise InvalidTemplate(template, f"the optional parameter '{part.name}' must end its segment")


def _check_order(template: Template) -> None:
    for parts in template.segments[:-1]:
        first = parts[0]
        if isinstance(first, Parameter) and first.is_catch_all:
            raise InvalidTemplate(template.text, f"the catch-all parameter '{first.name}' must come last")
