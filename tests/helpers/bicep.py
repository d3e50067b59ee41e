"""What a Bicep file declares, read with tree-sitter's grammar: enough to hold files against each other, no compiler."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tree_sitter
import tree_sitter_bicep
from tree_sitter import Node

LANGUAGE = tree_sitter.Language(tree_sitter_bicep.language())

FUNCTIONS = {"empty", "guid", "subscription", "subscriptionResourceId", "toLower", "union", "uniqueString"}
"""The functions of Bicep that our files use."""


class Expression(str):
    """The text of what is no literal: a name, a call, a text with something filled in."""

    __slots__ = ()


@dataclass(frozen=True)
class Declaration:
    """A resource or module: its type or path, the properties written in it, and how it is declared."""

    symbol: str
    target: str
    body: dict[str, Any]
    is_existing: bool


@dataclass(frozen=True)
class Parameter:
    type: str
    default: Any
    has_default: bool
    decorators: dict[str, Any]


@dataclass(frozen=True)
class BicepFile:
    path: Path
    root: Node

    @property
    def errors(self) -> list[str]:
        """Where the text is no Bicep, as `line: text`."""
        found = [node for node in walk(self.root) if node.is_error or node.is_missing]
        return [f"{node.start_point.row + 1}: {text(node)}" for node in found]

    def _declared(self, kind: str) -> list[Node]:
        return [node for node in self.root.named_children if node.type == kind]

    @property
    def parameters(self) -> dict[str, Parameter]:
        found = {}
        for node in self._declared("parameter_declaration"):
            name, declared_type, *default = node.named_children
            before = node.prev_named_sibling
            decorators = before if before is not None and before.type == "decorators" else None
            found[text(name)] = Parameter(
                type=text(declared_type),
                default=value(default[0]) if default else None,
                has_default=bool(default),
                decorators=_decorators(decorators),
            )
        return found

    @property
    def variables(self) -> dict[str, Any]:
        found = [node.named_children for node in self._declared("variable_declaration")]
        return {text(children[0]): value(children[-1]) for children in found}

    @property
    def outputs(self) -> dict[str, Any]:
        found = [node.named_children for node in self._declared("output_declaration")]
        return {text(children[0]): value(children[-1]) for children in found}

    @property
    def resources(self) -> dict[str, Declaration]:
        return self._blocks("resource_declaration")

    @property
    def modules(self) -> dict[str, Declaration]:
        return self._blocks("module_declaration")

    def _blocks(self, kind: str) -> dict[str, Declaration]:
        found = {}
        for node in self._declared(kind):
            symbol, target, *_ = node.named_children
            # The first object outside of conditions and loops' lists is the body.
            body = next(child for child in walk(node.named_children[-1]) if child.type == "object")
            is_existing = any(child.type == "existing" for child in node.children)
            found[text(symbol)] = Declaration(text(symbol), value(target), value(body), is_existing)
        return found

    def keys_of(self, symbol: str) -> set[str]:
        """All keys of objects in the declaration of a resource, module or variable, at any depth."""
        (declaration,) = [
            node
            for node in self.root.named_children
            if node.type.endswith("_declaration") and text(node.named_children[0]) == symbol
        ]
        pairs = [node for node in walk(declaration) if node.type == "object_property"]
        return {_key(pair.named_children[0]) for pair in pairs}

    @property
    def unknown_names(self) -> set[str]:
        """Names that are used and nowhere declared."""
        loops = [node for node in walk(self.root) if node.type == "for_statement"]
        items = {text(next(child for child in node.named_children if child.type == "identifier")) for node in loops}
        declared = {*self.parameters, *self.variables, *self.resources, *self.modules, *FUNCTIONS, *items}
        return {text(node) for node in walk(self.root) if node.type == "identifier" and _is_use(node)} - declared

    @property
    def unused_names(self) -> set[str]:
        """Parameters and variables that nothing uses."""
        used = {text(node) for node in walk(self.root) if node.type == "identifier" and _is_use(node)}
        return {*self.parameters, *self.variables} - used

    @property
    def output_uses(self) -> set[tuple[str, str]]:
        """Every `module.outputs.name` of the file, as (module, name)."""
        uses = set()
        for node in walk(self.root):
            if node.type == "member_expression":
                parts = text(node).replace("!", "").split(".")
                if len(parts) == 3 and parts[1] == "outputs":
                    uses.add((parts[0], parts[2]))
        return uses


def read_bicep(path: Path) -> BicepFile:
    return BicepFile(path, tree_sitter.Parser(LANGUAGE).parse(path.read_bytes()).root_node)


def walk(node: Node) -> list[Node]:
    """The node and all below it, outer ones first."""
    return [node, *(inner for child in node.children for inner in walk(child))]


def text(node: Node) -> str:
    return (node.text or b"").decode()


def value(node: Node) -> Any:
    """Objects, lists and literals as Python has them; all else is an Expression."""
    if node.type == "object":
        pairs = [child.named_children for child in node.named_children if child.type == "object_property"]
        return {_key(key): value(inner) for key, inner in pairs}
    if node.type == "array":
        return [value(child) for child in node.named_children if child.type != "comment"]
    if node.type == "string" and not any(child.type == "interpolation" for child in node.named_children):
        return text(node)[1:-1]
    if node.type == "boolean":
        return text(node) == "true"
    if node.type == "number":
        return int(text(node))
    return Expression(text(node))


def _key(node: Node) -> str:
    return text(node).strip("'")


def _decorators(node: Node | None) -> dict[str, Any]:
    calls = [] if node is None else [inner for inner in walk(node) if inner.type == "call_expression"]
    found = {}
    for call in calls:
        name, arguments = call.named_children
        given = arguments.named_children
        found[text(name)] = value(given[0]) if given else None
    return found


def _is_use(node: Node) -> bool:
    """Whether an identifier stands for a value: it is no key, no declared name and no decorator's."""
    parent = node.parent
    if parent is None or any(ancestor.type == "decorators" for ancestor in _ancestors(node)):
        return False
    is_first = parent.named_children[0] == node
    if parent.type == "object_property" or parent.type.endswith("_declaration"):
        return not is_first
    return parent.type != "type" and not (parent.type == "for_statement" and is_first)


def _ancestors(node: Node) -> list[Node]:
    return [] if node.parent is None else [node.parent, *_ancestors(node.parent)]
