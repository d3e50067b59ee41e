"""The dashboard's page and files: what is served, and that nothing in them makes markup of text."""

import json
import re

import azure.functions as func
import pytest

from triggers.dashboard.files import FOLDER, page_files
from triggers.dashboard.page import HEADERS, dashboard, dashboard_file

ADDRESS = "http://localhost/api/dashboard"
FILES = sorted(page_files())
MODULES = [name for name in FILES if name.endswith(".js")]
MOST_LINES, LONGEST_LINE = 200, 120

# Each would let a text of a site become markup, code or style.
EVENTS = r"(?:click|load|error|submit|input|change|toggle|focus|key\w+|mouse\w+|pointer\w+)"
FORBIDDEN = {
    "markup from text": r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|ContextualFragment|srcdoc",
    "code from text": r"\beval\b|new Function|setTimeout\(\s*[\"'`]|javascript:",
    "an inline handler": rf"\bon{EVENTS}\s*=|setAttribute\(\s*[\"'`]on",
    "an inline style": r"\sstyle\s*=|[\s{]style:|<style|setAttribute\(\s*[\"'`]style|\.style\b|cssText",
    "another origin": r"https?://(?!www\.w3\.org/2000/svg)|[\"'(]//",
    "a lasting memory": r"localStorage|indexedDB|document\.cookie|caches\.",
}


def asked(address: str = ADDRESS, *, headers: dict[str, str] | None = None, **route: str) -> func.HttpRequest:
    return func.HttpRequest("GET", address, headers=headers or {}, route_params=route, body=b"")


async def test_the_page_is_served_with_a_policy_that_allows_nothing_from_elsewhere_and_nothing_inline() -> None:
    answer = await dashboard(asked(), client=None)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = dict(one.strip().partition(" ")[::2] for one in answer.headers["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    told = [answer.headers[name] for name in ("X-Content-Type-Options", "Referrer-Policy", "Cache-Control")]
    assert told == ["nosniff", "no-referrer", "no-cache"]


@pytest.mark.parametrize("name", [name for name in FILES if "/" in name])
async def test_every_file_is_served_as_what_it_is_under_the_same_policy(name: str) -> None:
    folder, _, file = name.partition("/")
    answer = await dashboard_file(asked(folder=folder, file=file), client=None)
    kinds = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, kinds[name.rpartition(".")[2]])
    assert answer.get_body() == (FOLDER / name).read_bytes()
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; ")


async def test_what_the_browser_has_already_is_not_sent_again() -> None:
    first = await dashboard(asked(), client=None)
    for sent in (first.headers["ETag"], f'"other", W/{first.headers["ETag"]}'):
        again = await dashboard(asked(headers={"If-None-Match": sent}), client=None)
        assert (again.status_code, again.get_body(), again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    changed = await dashboard(asked(headers={"If-None-Match": '"other"'}), client=None)
    assert changed.status_code == 200


async def test_an_address_with_a_slash_at_its_end_leads_to_the_one_without() -> None:
    answer = await dashboard(asked(f"{ADDRESS}/?code=secret"), client=None)
    assert (answer.status_code, answer.headers["Location"]) == (308, "../dashboard")
    assert {**answer.headers, **HEADERS} == dict(answer.headers)


@pytest.mark.parametrize(
    ("folder", "file"),
    [
        ("js", "nothing.js"),
        ("..", "page.py"),
        ("js", "../../page.py"),
        ("", "index.html"),
        ("js", "app.js%00"),
        (".", "index.html"),
    ],
)
async def test_no_path_leads_to_anything_but_the_files_of_the_page(folder: str, file: str) -> None:
    answer = await dashboard_file(asked(folder=folder, file=file), client=None)
    assert (answer.status_code, json.loads(answer.get_body())["status"]) == (404, 404)
    assert {**answer.headers, **HEADERS} == dict(answer.headers)


def test_every_file_that_the_page_names_is_there_and_every_module_is_used() -> None:
    index = (FOLDER / "index.html").read_text()
    named = {one.removeprefix("dashboard/") for one in re.findall(r'(?:href|src)="(dashboard/[^"]+)"', index)}
    for module in MODULES:
        folder = (FOLDER / module).parent
        imports = re.findall(
            r'^(?:import|\} from|import .* from) "([^"]+)";|from "([^"]+)";', (FOLDER / module).read_text(), re.M
        )
        named |= {(folder / (one or other)).resolve().relative_to(FOLDER).as_posix() for one, other in imports}
    assert named == set(FILES) - {"index.html"}


@pytest.mark.parametrize("danger", FORBIDDEN)
def test_nothing_in_the_page_is(danger: str) -> None:
    texts = {name: (FOLDER / name).read_text() for name in FILES if not name.endswith(".svg")}
    found = {name: re.findall(FORBIDDEN[danger], text) for name, text in texts.items()}
    assert {name: matches for name, matches in found.items() if matches} == {}


def test_the_search_for_what_is_forbidden_finds_it() -> None:
    samples = {
        "markup from text": "box.innerHTML = text",
        "code from text": "eval(text)",
        "an inline handler": '<p onclick="go()">',
        "an inline style": '<p style="color: red">',
        "another origin": '<img src="//elsewhere/a.png">',
        "a lasting memory": "localStorage.setItem(name, key)",
    }
    assert [danger for danger, sample in samples.items() if not re.search(FORBIDDEN[danger], sample)] == []
    assert samples.keys() == FORBIDDEN.keys()


@pytest.mark.parametrize("name", [*MODULES, *(name for name in FILES if name.endswith(".css"))])
def test_each_file_says_what_it_is_for_and_is_short(name: str) -> None:
    text = (FOLDER / name).read_text()
    assert text.startswith(("/*", "//"))
    assert text.count("\n") <= MOST_LINES
    assert [line for line in text.splitlines() if len(line) > LONGEST_LINE and name in MODULES] == []


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("js/")])
def test_what_a_module_exports_is_documented(name: str) -> None:
    text = (FOLDER / name).read_text()
    exported = re.findall(r"^(.*)\n(export (?:async )?(?:const|function|class) \w+)", text, re.M)
    assert [export for before, export in exported if not before.rstrip().endswith("*/")] == []
