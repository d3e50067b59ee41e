"""Numbers, names and methods in the documents are those of the code, in both directions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest

from scraper.settings import Settings
from scripts.checkout import ROOT
from triggers.alerts.events import AlertKind
from triggers.datasets.rows import USUAL_ROWS

PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text() for path in PAGES}
MAKEFILE = (ROOT / "Makefile").read_text()
ROUTES = {
    (method, route)
    for methods, route in re.findall(
        r'^http\((?:"([A-Z ]+)"|COMMAND), "([^"]+)"', (ROOT / "function_app.py").read_text(), re.MULTILINE
    )
    for method in (methods or "POST").split()
}
APP_FOLDERS = ["activities", "orchestrations", "scraper", "starts", "storage", "telemetry", "triggers"]
CORE_TOOLS = {"start", "azure functionapp publish --list-included-files", "azure functionapp publish"}
"""The commands of Core Tools that the documents may use, without their values: nobody tries them out here."""


def rows(page: str) -> list[list[str]]:
    """The cells of all tables."""
    lines = [line for line in TEXTS[page].splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def with_bounds() -> dict[str, tuple[Any, Any, Any]]:
    """Default, least and most of the settings that are numbers, by their names in the environment."""
    found = {}
    for name, field in Settings.model_fields.items():
        limits = [getattr(one, side, None) for side in ("ge", "le") for one in field.metadata]
        least, *most = [one for one in limits if one is not None] or [None]
        if most:
            found[name.upper()] = (field.default, least, most[0])
    return found


@pytest.mark.parametrize("name", with_bounds())
def test_default_and_bounds_of_a_setting_are_those_of_the_code(name: str) -> None:
    default, least, most = with_bounds()[name]
    ((unit, documented),) = [row[1:3] for row in rows("docs/settings.md") if row[0] == f"`{name}`"]
    bounds = re.findall(r"[\d,]+", unit.partition(", ")[2])
    assert [int(one.replace(",", "")) for one in bounds] == [least, most]
    assert documented == str(default)


def test_there_are_settings_with_bounds() -> None:
    assert {"RETENTION_DAYS", "PAGES_PER_BATCH", "CATCHUP_WINDOW_MINUTES"} <= with_bounds().keys()


def test_the_overview_has_every_route_with_its_method_and_no_other() -> None:
    overview = TEXTS["docs/api.md"].partition("\n## ")[0]
    cells = [line.split(" | ")[0] for line in overview.splitlines() if line.startswith("| `")]
    documented = {tuple(one.split()) for cell in cells for one in re.findall(r"`([A-Z]+ [^`]+)`", cell)}
    assert ("PUT", "orchestrators/{functionName}/{instanceId}") in ROUTES
    assert "| `PUT` of the same route |" in overview
    assert "`GET dashboard/{folder}/{file}`" in overview
    of_the_same_text = {("PUT", "orchestrators/{functionName}/{instanceId}"), ("GET", "dashboard/{folder}/{file}")}
    assert documented | of_the_same_text == ROUTES


@pytest.mark.parametrize("page", TEXTS)
def test_a_command_sends_the_method_of_its_route(page: str) -> None:
    text = re.sub(r"\$\([^)]*\)", "today", TEXTS[page])
    sent = re.findall(r"^(?:curl|call)\b(.*?(?:\$api|/api)/([\w/{}$.:-]+).*)$", text, re.MULTILINE)
    wrong = []
    for line, path in sent:
        (method, *_) = [*re.findall(r"-X ([A-Z]+)", line), "POST" if " -d " in line else "GET"]
        patterns = [re.sub(r"\{\w+\}", "[^/]+", route) for one, route in ROUTES if one == method]
        if not any(re.fullmatch(pattern, path) for pattern in patterns):
            wrong.append(f"{method} {path}")
    assert wrong == []


def test_a_command_that_gives_only_the_first_rows_says_so_and_the_way_to_all_of_them_is_shown() -> None:
    """Only a header of the answer shows that there are more."""
    readme = TEXTS["README.md"]
    commands = [line for line in readme.splitlines() if line.startswith("curl") and re.search(r"/rows\b", line)]
    assert commands
    assert [line for line in commands if f"# the first {USUAL_ROWS:,} rows" not in line] == []
    after = readme.partition(commands[-1])[2].partition("\n## ")[0]
    assert re.search(r"^AzureWebJobsStorage=\S+ \.venv/bin/python -m storage rows books --format csv", after, re.M)
    assert "(docs/api.md#reading-the-rows)" in after
    assert f"at most `limit` rows, {USUAL_ROWS:,} " in TEXTS["docs/api.md"]


def test_the_metrics_are_those_that_are_made() -> None:
    made = set(re.findall(r'"(daily_scrape\.[\w.]+)"', (ROOT / "telemetry/instruments.py").read_text()))
    documented = {row[0].strip("`") for row in rows("docs/telemetry.md") if row[0].startswith("`daily_scrape.")}
    assert len(made) > 5
    assert documented == made


def test_the_kinds_of_alerts_are_those_that_are_sent() -> None:
    table = TEXTS["docs/alerts.md"].partition("| kind |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == {str(kind) for kind in AlertKind}


def environment_reads(text: str) -> Iterator[str]:
    """Names that are read from the environment one by one."""
    for node in ast.walk(ast.parse(text)):
        call_or_item = node.args[:1] if isinstance(node, ast.Call) else []
        read = node.func if isinstance(node, ast.Call) else node
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            read, call_or_item = node.value, [node.slice]
        if re.fullmatch(r"(os\.)?environ(\.get)?|os\.getenv|getenv", ast.unparse(read)) and call_or_item:
            (name,) = call_or_item
            if isinstance(name, ast.Constant):
                yield str(name.value)


def test_every_variable_that_the_app_reads_is_documented() -> None:
    files = [ROOT / "function_app.py", *(path for one in APP_FOLDERS for path in (ROOT / one).rglob("*.py"))]
    read = {name for path in files for name in environment_reads(path.read_text())}
    assert {"WEBSITE_SITE_NAME", "WEBSITE_HOSTNAME"} <= read
    documented = TEXTS["docs/settings.md"] + TEXTS["docs/telemetry.md"]
    assert sorted(name for name in read if not re.search(rf"`{name}\b", documented)) == []


@pytest.mark.parametrize(
    "code", ['os.environ["X_Y"]', 'os.environ.get("X_Y", "")', 'os.getenv("X_Y")', 'environ["X_Y"]']
)
def test_a_read_of_the_environment_is_recognised(code: str) -> None:
    assert list(environment_reads(f"value = {code}")) == ["X_Y"]


def test_every_variable_of_a_make_command_is_read() -> None:
    """By the Makefile, or by the tests, which get it from there."""
    used = {
        (name, target)
        for text in TEXTS.values()
        for target, given in re.findall(r"\bmake ([\w-]+)((?: [A-Z_]+=[^\s`]+)+)", text)
        for name in re.findall(r"([A-Z_]+)=", given)
    }
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    known = {*re.findall(r"\$\(([A-Z_]+)\)", MAKEFILE), *re.findall(r'environ(?:\.get\(|\[)"([A-Z_]+)"', tests)}
    assert ("BOOKS", "demo") in used
    assert sorted(f"{target} {name}" for name, target in used if name not in known) == []


def test_core_tools_are_asked_for_commands_that_they_have() -> None:
    blocks = "\n".join(re.findall(r"^```sh\n(.*?)^```", "\n".join(TEXTS.values()), re.MULTILINE | re.DOTALL))
    used = re.findall(r"^func (.*?)(?: +#.*)?$", blocks, re.MULTILINE)
    assert used
    assert {re.sub(r' "[^"]*"', "", one) for one in used} <= CORE_TOOLS
