"""docs/openapi.yaml as tests read it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from scripts.checkout import ROOT

DESCRIPTION = ROOT / "docs/openapi.yaml"
_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})

Node = dict[str, Any]


@dataclass(frozen=True)
class Operation:
    """One method of one path; `name` is its operationId, `path` a template without the prefix /api."""

    name: str
    method: str
    path: str
    node: Mapping[str, Any]

    @property
    def statuses(self) -> frozenset[int]:
        """The answers that are described."""
        return frozenset(int(status) for status in self.node["responses"])


def parameters(document: Node, operation: Operation) -> list[Node]:
    """The parameters of an operation and of its path."""
    of_the_path = document["paths"][operation.path].get("parameters", [])
    return [resolved(document, one) for one in [*of_the_path, *operation.node.get("parameters", [])]]


def usual_path(document: Node, operation: Operation) -> dict[str, str]:
    """A value for each parameter of the path: its example, or the first that it can have."""
    of_the_path = [one for one in parameters(document, operation) if one["in"] == "path"]
    return {one["name"]: str(one.get("example") or resolved(document, one["schema"])["enum"][0]) for one in of_the_path}


def usual_body(document: Node, operation: Operation) -> Any:
    """The first example of the body; None if the operation has none."""
    if "requestBody" not in operation.node:
        return None
    (content,) = resolved(document, operation.node["requestBody"])["content"].values()
    return next(iter(content["examples"].values()))["value"]


def read_description() -> Node:
    """The document as it is."""
    document: Node = yaml.safe_load(DESCRIPTION.read_text())
    return document


def operations(document: Node) -> list[Operation]:
    """All operations in the order of the document."""
    return [
        Operation(node["operationId"], method.upper(), path, node)
        for path, item in document["paths"].items()
        for method, node in item.items()
        if method in _METHODS
    ]


def resolved(document: Node, node: Node) -> Node:
    """`node`, or what its $ref means."""
    while "$ref" in node:
        target: Node = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def closed(document: Node) -> Node:
    """A copy in which no object of an answer has members that are not described.

    Readers must ignore what they do not know, so the document leaves answers open; a test wants to know.
    """
    strict = copy.deepcopy(document)
    for schema in strict["components"]["schemas"].values():
        for part in _parts(schema):
            _close(strict, part)
    described = [operation.node["responses"] for operation in operations(strict)]
    for responses in [strict["components"]["responses"], *described]:
        for response in responses.values():
            for media_type in response.get("content", {}).values():
                _close(strict, media_type["schema"])
    return strict


def _close(document: Node, schema: Node) -> None:
    """Members that neither this schema nor the ones it refers to describe are refused; an `allOf` is one schema.

    What describes no members at all stays free.
    """
    if resolved(document, schema).keys() & {"properties", "allOf"}:
        schema.setdefault("unevaluatedProperties", False)
    for part in _parts(schema):
        _close(document, part)


def _parts(schema: Node) -> list[Node]:
    """The schemas of members, items and alternatives; what `allOf` combines describes the same object."""
    parts = [*schema.get("properties", {}).values(), *schema.get("oneOf", []), *schema.get("anyOf", [])]
    parts += [part for base in schema.get("allOf", []) for part in _parts(base)]
    return [*parts, schema["items"]] if "items" in schema else parts
