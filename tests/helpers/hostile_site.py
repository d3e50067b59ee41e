"""A site that wants to run a script in whoever looks at what was scraped from it; and to be in the way, at least."""

from __future__ import annotations

import html
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import quote, unquote

from aiohttp import web

from samples.serving import serving
from tests.helpers.threads import in_thread

FLAG = "window.hacked = true"
VALUES = {
    "script": f"<script>{FLAG}</script>",
    "image": f"\"'><img src=x onerror='{FLAG}'>",
    "vector": f"<svg onload='{FLAG}'><animate onbegin='{FLAG}' attributeName=x></svg>",
    "frame": f"<iframe srcdoc='<script>parent.{FLAG}</script>'></iframe>",
    "closing": f"--></script></style></textarea></title></td></table></dialog><script>{FLAG}</script>",
    "style": "</style><style>* { display: none !important }</style><link rel=stylesheet href=//evil.example/x.css>",
    "handler": f'x" onmouseover="{FLAG}" style="position:fixed;inset:0" x="',
    "address": f"javascript:{FLAG}//",
    "data address": "data:text/html,<script>opener.hacked = true</script>",
    "template": "{{constructor.constructor('window.hacked = true')()}} ${window.hacked = true} #{7*7} <%= 7*7 %>",
    "formula": '=HYPERLINK("http://evil.example","click")',
    "member": "__proto__",
    "rtl": "invoice\u202efdp.exe\u2066\u200f",
    "controls": "bell\u0007 escape\u001b[31m nul\u0000 delete\u007f next\u0085 line\u2028 mark\ufeff",
    "half": "\ud83d",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 🇺🇳 ✊🏿",
    "stacked": "Z" + "\u0335\u0321\u0353" * 60,
    "wide": "W" * 5_000,
    "huge": "<b>" * 10_600,
    "lines": "one\ntwo\r\n" * 500,
}
"""What is in the rows, three times each, so that the huge one fills 95,000 characters."""
TOO_LONG = "<i>" * 35_000
"""More than a field may have: its page fails."""
ADDRESSES = (
    '"><img src=x onerror=window.hacked=true>',
    "javascript:window.hacked=true",
    "\u202egpj.exe",
    "'" * 50,
    "w" * 900,
)
"""What is in the paths of pages that fail, of which the failures tell."""
EVIL_LOCATION = "javascript:window.hacked=true//<script>window.hacked=true</script>"

SOURCES = """
[[source]]
name = "raw"
urls = ["{url}/raw"]
allow_private_hosts = ["127.0.0.1"]
requests_per_second = 1000
format = "json"
rows = "rows"
key = ["name"]
fields = {{ name = "name", value = "value", again = "value", more = "value" }}

[[source]]
name = "markup"
urls = ["{url}/markup"]
allow_private_hosts = ["127.0.0.1"]
requests_per_second = 1000
rows = "li"

[source.fields]
name = "i::text"
value = {{ css = "b::text", required = false }}
text = {{ css = "a::text", required = false }}
link = {{ css = "a::attr(href)", required = false }}

[[source]]
name = "failing"
urls = {failing}
allow_private_hosts = ["127.0.0.1"]
requests_per_second = 1000
max_attempts = 1
fields = {{ price = {{ css = "b::text", type = "decimal" }} }}
gate = {{ max_failed_percent = 0 }}
"""


class HostileSite:
    """Two sources with all of VALUES as rows, and one whose pages fail with hostile details.

    `changed` puts something behind each value, so that a second run has a diff of all of them.
    """

    def __init__(self, folder: Path) -> None:
        self.changed = ""
        self.url = ""
        self._sources_file = folder / "sources.toml"

    @contextmanager
    def running(self) -> Iterator[HostileSite]:
        """Serve in a thread, and write the sources file."""
        with in_thread("hostile-site", self._serving()):
            paths = [f"value/{quote(name)}" for name in [*VALUES, "too long"]] + ["elsewhere", *map(quote, ADDRESSES)]
            failing = [f"{self.url}/failing/{path}" for path in paths]
            text = SOURCES.format(url=self.url, failing=json.dumps(failing))
            self._sources_file.write_text(text)
            yield self

    @property
    def settings(self) -> dict[str, str]:
        """What an app needs to scrape this site."""
        return {"SOURCES_FILE": str(self._sources_file)}

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[None]:
        async with serving(self._handle) as self.url:
            yield

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = unquote(request.path)
        if path == "/raw":
            rows = [{"name": name, "value": value + self.changed} for name, value in VALUES.items()]
            return web.Response(text=json.dumps({"rows": rows}), content_type="application/json")
        if path == "/markup":
            return _page("".join(map(self._item, VALUES)))
        if path == "/failing/elsewhere":
            return web.Response(status=302, headers={"Location": EVIL_LOCATION})
        if path.startswith("/failing/value/"):
            name = path.removeprefix("/failing/value/")
            return _page(f"<b>{_escaped(VALUES.get(name, TOO_LONG))}</b>")
        return web.Response(status=404)

    def _item(self, name: str) -> str:
        value = _escaped(VALUES[name] + self.changed)
        return f'<li><i>{name}</i><b>{value}</b><a href="{value}">{value}</a></li>'


def _escaped(value: str) -> str:
    return html.escape(value).replace("\0", "\ufffd").encode(errors="replace").decode()


def _page(body: str) -> web.Response:
    return web.Response(text=f"<!DOCTYPE html><ul>{body}</ul>", content_type="text/html")
