"""axe-core in a page: what it finds wrong with its accessibility."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scripts.checkout import NODE_MODULES

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCRIPT = NODE_MODULES / "axe-core" / "axe.min.js"
IMPACTS = ("critical", "serious", "moderate", "minor")
RUN = """async () => {
    const found = await axe.run(document, {resultTypes: ["violations", "incomplete"]});
    return {
        passes: found.passes.length,
        violations: found.violations.map((one) => ({
            id: one.id, impact: one.impact, help: one.help, nodes: one.nodes.map((node) => node.html),
        })),
    };
}"""


@dataclass
class Tally:
    """What axe-core has looked at in a test session."""

    views: int = 0
    rules: int = 0
    violations: Counter[str] = field(default_factory=Counter)

    def told(self) -> dict[str, Any]:
        """For another process: plain values only."""
        return {"views": self.views, "rules": self.rules, "violations": dict(self.violations)}

    def add(self, told: Mapping[str, Any]) -> None:
        """What another process has looked at, as its `told` says."""
        self.views += told["views"]
        self.rules += told["rules"]
        self.violations.update(told["violations"])

    def line(self) -> str:
        """For people."""
        by_impact = ", ".join(f"{self.violations[impact]} {impact}" for impact in IMPACTS)
        return f"axe-core: {self.views} views looked at, {self.rules} rules held, violations: {by_impact}"


TALLY = Tally()


def violations(page: Page, tally: Tally = TALLY) -> list[str]:
    """One line for each rule that the page breaks as it is now, with the elements."""
    page.evaluate(SCRIPT.read_text())
    found: dict[str, Any] = page.evaluate(RUN)
    tally.views += 1
    tally.rules += found["passes"]
    tally.violations.update(one["impact"] for one in found["violations"])
    return [
        f"{one['impact']}: {one['id']} ({one['help']}) at {' '.join(node[:200] for node in one['nodes'][:3])}"
        for one in found["violations"]
    ]
