"""Which function answers a request: in name order, the first whose template and methods fit.

Source: Azure/azure-webjobs-sdk-extensions, WebJobs.Extensions.Http/Routing/WebJobsRouter.cs;
Azure/azure-functions-host, WebJobs.Script.WebHost/WebScriptHostHttpRoutesManager.cs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from devhost.functions.description import LoadedFunction
from devhost.web.templates import InvalidTemplate, Literal, Parameter, Part, Template, compile_template


@dataclass(frozen=True, slots=True)
class HttpRoute:
    """One HTTP function and where it is; `methods` None means every method."""

    function: LoadedFunction
    template: Template
    methods: frozenset[str] | None

    def serves(self, method: str) -> bool:
        """Whether the function takes this method, in upper case."""
        return self.methods is None or method in self.methods


@dataclass(frozen=True, slots=True)
class RouteTable:
    """The routes in the order in which they are tried."""

    routes: tuple[HttpRoute, ...]
    refusals: Mapping[str, str]
    """One sentence for each function that cannot be reached at all, by its name."""
    warnings: tuple[str, ...]
    """Pairs of templates that fit the same path, one sentence each."""

    def find(self, method: str, path: str) -> tuple[HttpRoute, dict[str, str]] | None:
        """The route and its values for a decoded path; None means 404, also when only the method is wrong."""
        for route in self.routes:
            if route.serves(method):
                values = route.template.match(path)
                if values is not None:
                    return route, values
        return None


def build_routes(functions: Sequence[LoadedFunction], *, prefix: str) -> RouteTable:
    """The table for the HTTP functions among `functions`, which are in name order.

    `prefix` is host.json's routePrefix without outer slashes; it may be empty.
    """
    routes: list[HttpRoute] = []
    refusals: dict[str, str] = {}
    for function in functions:
        if function.trigger_type != "httpTrigger":
            continue
        try:
            template = compile_template(_template_text(function, prefix))
        except InvalidTemplate as error:
            refusals[function.name] = f"The '{function.name}' function is in error: {error}."
            continue
        methods = function.trigger.get("methods")
        names = frozenset(str(method).upper() for method in methods) if methods else None
        routes.append(HttpRoute(function, template, names))
    return RouteTable(tuple(routes), refusals, tuple(_overlaps(routes)))


def _template_text(function: LoadedFunction, prefix: str) -> str:
    route = str(function.trigger.get("route") or function.name)
    if route == "/":
        return prefix
    return f"{prefix}/{route}" if prefix else route.removeprefix("/")


def _overlaps(routes: Sequence[HttpRoute]) -> list[str]:
    return [
        f"The routes '{first.template.text}' ({first.function.name}) and '{second.template.text}' "
        f"({second.function.name}) fit the same path; '{first.function.name}' answers it, because its name "
        "sorts first."
        for first, second in combinations(routes, 2)
        if _share_method(first, second) and _may_overlap(first.template.segments, second.template.segments)
    ]


def _share_method(first: HttpRoute, second: HttpRoute) -> bool:
    if first.methods is None or second.methods is None:
        return True
    return not first.methods.isdisjoint(second.methods)


Segments = tuple[tuple[Part, ...], ...]


def _may_overlap(first: Segments, second: Segments) -> bool:
    if not first and not second:
        return True
    if _starts_with_catch_all(first) or _starts_with_catch_all(second):
        return True
    if not first or not second:
        return all(_is_skippable(parts) for parts in first or second)
    return _segments_overlap(first[0], second[0]) and _may_overlap(first[1:], second[1:])


def _starts_with_catch_all(segments: Segments) -> bool:
    return bool(segments) and isinstance(segments[0][0], Parameter) and segments[0][0].is_catch_all


def _is_skippable(parts: tuple[Part, ...]) -> bool:
    return isinstance(parts[0], Parameter) and len(parts) == 1 and parts[0].may_be_absent


def _segments_overlap(first: tuple[Part, ...], second: tuple[Part, ...]) -> bool:
    """Whether one text fits both; two segments of which neither is plain text are taken to."""
    for parts, others in ((first, second), (second, first)):
        if len(parts) == 1 and isinstance(parts[0], Literal):
            return Template("", (others,)).match(parts[0].text) is not None
    return not _constrained_apart(first, second)


def _constrained_apart(first: tuple[Part, ...], second: tuple[Part, ...]) -> bool:
    # No sample value can prove that `{a:int}` and `{b:alpha}` never meet, but this pair is common and clear.
    kinds = {_only_kind(first), _only_kind(second)}
    return kinds == {"digits", "letters"}


def _only_kind(parts: tuple[Part, ...]) -> str:
    if len(parts) != 1 or not isinstance(parts[0], Parameter):
        return "any"
    samples = {"digits": "0", "letters": "a"}
    fitting = [kind for kind, sample in samples.items() if all(accepts(sample) for accepts in parts[0].constraints)]
    return fitting[0] if len(fitting) == 1 else "any"
