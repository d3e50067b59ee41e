"""Which modules of this environment Azure would have, too: those of the packages that requirements.txt leads to."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.checkout import ROOT


def packages_in_azure() -> set[str]:
    """Canonical names of the packages of requirements.txt and of all that they need, on this Python."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    waiting = _that_apply([Requirement(line) for line in lines if line and not line.startswith("#")])
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        needed = waiting.pop()
        package = (canonicalize_name(needed.name), frozenset(needed.extras))
        if package not in seen:
            seen.add(package)
            waiting += _needs_of(*package)
    return {name for name, _ in seen}


def _needs_of(name: str, extras: Iterable[str]) -> list[Requirement]:
    try:
        declared = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []  # for another system or Python than this one
    return _that_apply([Requirement(text) for text in declared], extras)


def _that_apply(requirements: list[Requirement], extras: Iterable[str] = ()) -> list[Requirement]:
    environments = [{"extra": extra} for extra in ("", *extras)]
    return [one for one in requirements if one.marker is None or any(map(one.marker.evaluate, environments))]


def foreign_modules() -> set[str]:
    """Modules that are here and not in Azure, like `pytest` or `azure.storage`; none of them inside another."""
    in_azure = packages_in_azure()
    ours: set[str] = set()
    others: set[str] = set()
    for package in importlib.metadata.distributions():
        is_ours = canonicalize_name(package.metadata["Name"]) in in_azure
        (ours if is_ours else others).update(_modules(package))
    foreign = others - ours
    return {name for name in foreign if not any(name.startswith(f"{other}.") for other in _parents(name) & foreign)}


def _parents(name: str) -> set[str]:
    parts = name.split(".")
    return {".".join(parts[:length]) for length in range(1, len(parts))}


def _modules(package: importlib.metadata.Distribution) -> set[str]:
    """Names of the packages, and of the modules outside of any, that a distribution has installed."""
    found: set[str] = set()
    for path in package.files or []:
        folders = path.parts[:-1]
        if path.suffix in {".py", ".so"} and all(part.isidentifier() for part in folders):
            found |= {".".join(folders[:length]) for length in range(1, len(folders) + 1)}
            if not folders:
                found.add(path.name.partition(".")[0])
    return found
