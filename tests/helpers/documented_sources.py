"""The examples of docs/sources.md: snippets of sources files, pages for them, and the rows that the text shows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from scraper.sources import Source, load_sources

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/sources.md"
TEXT = DOCUMENT.read_text("utf-8")
URL = "https://bakery.example/bread.html"
CONTENT_TYPES = {"html": "text/html", "xml": "application/rss+xml", "json": "application/json", "csv": "text/csv"}
_BLOCK = re.compile(r"^```(?P<info>[a-z ]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_FINDERS = re.compile(r"^(urls|url_template|sitemap|feed) =|^\[source\.follow\]", re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """A snippet of a sources file at a line of the document; `page` and `rows` are what follows it, "" for nothing."""

    line: int
    toml: str
    page: str = ""
    page_kind: str = ""
    rows: str = ""

    @property
    def sources_file(self) -> str:
        """The snippet as part of a whole file: what it leaves out is there, too."""
        if "[[source]]" in self.toml:
            return self.toml
        finder = "" if _FINDERS.search(self.toml) else f'urls = ["{URL}"]\n'
        fields = "" if "[source.fields]" in self.toml else '\n[source.fields]\ntitle = "h1"\n'
        return f'[[source]]\nname = "bakery"\n{finder}{self.toml}{fields}'

    def source(self, folder: Path) -> Source:
        """The source, read from a file in `folder` by the reader of the app."""
        (folder / "sources.toml").write_text(self.sources_file, encoding="utf-8")
        (source,) = load_sources(folder / "sources.toml", {})
        return source


def blocks(info: str) -> list[str]:
    """The texts of all blocks of a kind, in order."""
    return [found["text"] for found in _BLOCK.finditer(TEXT) if found["info"] == info]


def examples() -> list[Example]:
    """Every snippet of TOML, with the page and the rows that come before the next one."""
    found: list[Example] = []
    for block in _BLOCK.finditer(TEXT):
        info, text = block["info"], block["text"]
        if info == "toml":
            found.append(Example(TEXT.count("\n", 0, block.start()) + 1, text))
        elif info.endswith(" page"):
            found[-1] = Example(found[-1].line, found[-1].toml, text, info.removesuffix(" page"))
        elif info == "json rows":
            one = found[-1]
            found[-1] = Example(one.line, one.toml, one.page, one.page_kind, text)
    return found


def table_under(heading: str, first_cell: str) -> list[list[str]]:
    """The cells of the first table below `heading` whose head begins with `first_cell`, without that head."""
    section = f"\n{TEXT}".partition(f"\n{heading}\n")[2]
    _, _, rest = section.partition(f"\n| {first_cell} |")
    lines = rest.split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in lines]
