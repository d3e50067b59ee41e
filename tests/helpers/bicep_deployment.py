"""What a deployment of infra/ would make: its Bicep worked out for given parameters, with no compiler and no Azure.

What only Azure knows stands as `{kind name.path}`, such as `{userAssignedIdentities id-token.properties.clientId}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tree_sitter import Node

from tests.helpers.bicep import BicepFile, read_bicep, text


@dataclass(frozen=True)
class Reference:
    """Something of a resource, or the resource itself."""

    kind: str
    name: str
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "{" + ".".join([f"{self.kind.rpartition('/')[2]} {self.name}".strip(), *self.path]) + "}"

    def member(self, name: str) -> Any:
        return self.name if name == "name" and not self.path else Reference(self.kind, self.name, (*self.path, name))


@dataclass(frozen=True)
class Deployment:
    """`resources` by kind, such as `Microsoft.Web/sites`, with the properties written down; and the outputs of main."""

    resources: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """All resources of a kind, which may be given by the end of its name."""
        return [one for full, several in self.resources.items() if full.endswith(f"/{kind}") for one in several]

    def one(self, kind: str) -> dict[str, Any]:
        (found,) = self.of(kind)
        return found

    @property
    def app_settings(self) -> dict[str, Any]:
        properties: dict[str, Any] = self.one("sites/config")["properties"]
        return properties


def deploy(infra: Path, environment: Mapping[str, str]) -> Deployment:
    """What azd makes of this environment: main.parameters.json is filled from it, the rest has its defaults."""
    filled = json.loads((infra / "main.parameters.json").read_text())["parameters"]
    main = read_bicep(infra / "main.bicep")
    declared = main.parameters
    given = {}
    for name, one in filled.items():
        variable, default = re.fullmatch(r"\$\{([A-Z_]+)(?:=(.*))?\}", one["value"]).groups()
        as_text = environment.get(variable, default or "")
        given[name] = as_text if declared[name].type == "string" else json.loads(as_text)
    made = Deployment()
    outputs = _File(main, given, made).outputs()
    return Deployment(_plain(made.resources), _plain(outputs))


def _plain(one: Any) -> Any:
    """The same with each reference as its text."""
    if isinstance(one, dict):
        return {key: _plain(inner) for key, inner in one.items()}
    if isinstance(one, list):
        return [_plain(inner) for inner in one]
    return str(one) if isinstance(one, Reference) else one


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "empty": lambda one: len(one) == 0,
    "guid": lambda *parts: f"guid of {', '.join(str(part) for part in parts)}",
    "subscription": lambda: Reference("subscription", ""),
    "subscriptionResourceId": lambda *parts: "/".join(parts),
    "toLower": str.lower,
    "union": lambda *objects: {key: inner for one in objects for key, inner in one.items()},
    "uniqueString": lambda *parts: "TOKEN" if len(parts) == 3 else "unknown",
}
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
}


class _File:
    """One file with its parameters; resources that it makes go to `made`. Names are worked out when they are needed."""

    def __init__(self, file: BicepFile, given: Mapping[str, Any], made: Deployment) -> None:
        self.file, self.made = file, made
        self.known: dict[str, Any] = {**given}
        declared = [node for node in file.root.named_children if node.type.endswith("_declaration")]
        self.declared = {text(node.named_children[0]): node for node in declared if not node.type.startswith("output")}
        for name in self.declared:
            self.named(name)

    def outputs(self) -> dict[str, Any]:
        nodes = [node.named_children for node in self.file.root.named_children if node.type == "output_declaration"]
        return {text(children[0]): self.value(children[-1]) for children in nodes}

    def named(self, name: str) -> Any:
        if name not in self.known:
            node = self.declared[name]
            make = {"resource_declaration": self.resource, "module_declaration": self.module}.get(node.type)
            self.known[name] = make(node) if make else self.value(node.named_children[-1])
        return self.known[name]

    def resource(self, node: Node) -> Any:
        kind = text(node.named_children[1]).strip("'").partition("@")[0]
        body = node.named_children[-1]
        if body.type == "for_statement":
            item, items, inner = body.named_children
            return [self.make(kind, inner, {text(item): one}) for one in self.value(items)]
        is_existing = any(child.type == "existing" for child in node.children)
        return self.make(kind, body, {}, is_made=not is_existing)

    def make(self, kind: str, body: Node, loop: Mapping[str, Any], *, is_made: bool = True) -> Reference:
        self.known.update(loop)
        properties = self.value(body)
        if is_made:
            self.made.resources.setdefault(kind, []).append(properties)
        return Reference(kind, properties["name"])

    def module(self, node: Node) -> Any:
        body = node.named_children[-1]
        if body.type == "if_statement":
            condition, body = body.named_children
            if not self.value(condition):
                return None
        path = self.file.path.parent / text(node.named_children[1]).strip("'")
        return {"outputs": _File(read_bicep(path), self.value(body)["params"], self.made).outputs()}

    def value(self, node: Node) -> Any:
        worked_out: Callable[[Node], Any] = getattr(self, f"of_{node.type}")
        return worked_out(node)

    def of_identifier(self, node: Node) -> Any:
        return self.named(text(node))

    def of_number(self, node: Node) -> int:
        return int(text(node))

    def of_boolean(self, node: Node) -> bool:
        return text(node) == "true"

    def of_string(self, node: Node) -> str:
        parts = node.named_children
        return "".join(text(one) if one.type == "string_content" else str(self.inner(one)) for one in parts)

    def inner(self, node: Node) -> Any:
        return self.value(node.named_children[0])

    of_parenthesized_expression = inner

    def of_array(self, node: Node) -> list[Any]:
        return [self.value(one) for one in node.named_children if one.type != "comment"]

    def of_object(self, node: Node) -> dict[str, Any]:
        pairs = [one.named_children for one in node.named_children if one.type == "object_property"]
        return {self.key(key): self.value(inner) for key, inner in pairs}

    def key(self, node: Node) -> str:
        return str(self.value(node)) if node.type == "string" else text(node)

    def of_member_expression(self, node: Node) -> Any:
        owner, name = self.value(node.named_children[0]), text(node.named_children[-1])
        assert owner is not None, f"{text(node)} is used where there is no such module"
        return owner.member(name) if isinstance(owner, Reference) else owner[name]

    def of_call_expression(self, node: Node) -> Any:
        name, arguments = node.named_children
        return FUNCTIONS[text(name)](*[self.value(one) for one in arguments.named_children])

    def of_ternary_expression(self, node: Node) -> Any:
        condition, consequence, alternative = node.named_children
        return self.value(consequence if self.value(condition) else alternative)

    def of_unary_expression(self, node: Node) -> Any:
        one = self.inner(node)
        return not one if text(node).startswith("!") else -one

    def of_binary_expression(self, node: Node) -> Any:
        left, right = node.named_children
        return OPERATORS[text(node.children[1])](self.value(left), self.value(right))
