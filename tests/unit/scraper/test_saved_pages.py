"""Real pages of every kind, as saved in tests/data/pages: each field gives what a person reads there."""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import pytest

from scraper.models import Value
from scraper.rows.extract import extract_rows
from scraper.sources import Source, load_sources

PAGES = Path(__file__).parents[2] / "data/pages"
KINDS = ("article", "listing", "table", "feed", "json")


def source_of(kind: str) -> Source:
    (source,) = load_sources(PAGES / kind / "source.toml", {})
    return source


@cache
def rows_of(kind: str) -> list[dict[str, Value | None]]:
    (page,) = (PAGES / kind).glob("page.*")
    source = source_of(kind)
    url = source.urls[0] if source.urls else ""
    return [row.values for row in extract_rows(source, page.read_bytes(), url=url, charset=None)]


@dataclass(frozen=True)
class Column:
    """What a field gives over all rows: how many values, those of the first and last row, and some odd ones."""

    values: int
    first: Value | None
    last: Value | None
    odd: dict[int, Value | None] = field(default_factory=dict)


def column_of(kind: str, name: str, odd: dict[int, Value | None]) -> Column:
    found = [row[name] for row in rows_of(kind)]
    return Column(
        sum(value is not None for value in found), found[0], found[-1], {number: found[number] for number in odd}
    )


ARTICLE: dict[str, Value | None] = {
    "title": "tomllib — Parse TOML files",
    "module": "tomllib",
    "python": "3.11.2",
    "since": "3.11",
    "code": "https://github.com/python/cpython/tree/3.11/Lib/tomllib",
    "summary": "This module provides an interface for parsing TOML (Tom’s Obvious Minimal Language, https://toml.io)."  # noqa: RUF001
    " This module does not support writing TOML.",
    "see_also": ["https://pypi.org/project/tomli-w/", "https://pypi.org/project/tomlkit/"],
    "names": ["tomllib.load", "tomllib.loads", "tomllib.TOMLDecodeError"],
    "toml_types": [
        *("table", "string", "integer", "float", "boolean"),
        *("offset date-time", "local date-time", "local date", "local time", "array"),
    ],
    "next": "https://docs.python.org/3.11/library/netrc.html",
    "updated": date(2026, 5, 12),
    "reviewed": None,
}
AMAZON, IMAGES = "http://www.amazon.com", "https://www.sqlite.org/images/books"
LISTING = {
    "title": Column(13, "SQLite Forensics", "SQLite", {10: "An Introduction to SQLite - 2nd Edition"}),
    "year": Column(13, 2018, 2004, {5: 2010}),
    "edition": Column(2, None, None, {5: 2, 10: 2}),
    "authors": Column(13, "Paul Sanderson", "Chris Newman", {8: "Ivan Litovski & Richard Maynard"}),
    "publisher": Column(13, "Amazon", "Sams", {2: "https://books.google.com/", 4: "Amazon", 6: "O'Reilly Media"}),
    "link": Column(
        13,
        "https://www.amazon.com/SQLite-Forensics-Paul-Sanderson/dp/1980293074",
        f"{AMAZON}/SQLite-Chris-Newman/dp/067232685X/ref=sr_1_2?ie=UTF8&s=books&qid=1256736664&sr=1-2",
        {5: f"{AMAZON}/gp/product/1430232250"},
    ),
    "cover": Column(13, f"{IMAGES}/sanderson2018.jpg", f"{IMAGES}/newman.jpg", {6: f"{IMAGES}/kreibich.gif"}),
    "about": Column(
        13,
        "This text by noted digital forensics expert, Paul Sanderson, provides investigators with low-level technical"
        " details useful in analysing SQLite database files.",
        "SQLite is a small, fast, embeddable database.",
        {3: "Android SQLite Essentials focuses on the core concepts behind building database-driven applications."},
    ),
}
TABLE = {
    "item": Column(14, "database size", "query parameters", {6: "columns in a result set"}),
    "limit": Column(
        14, "unlimited", "65,535", {4: "limited by the number of tuples that can fit onto 4,294,967,295 pages"}
    ),
    "count": Column(8, None, 65_535, {1: 4_294_950_911, 3: None, 4: None}),
    "unit": Column(3, None, None, {3: "TB", 7: "GB", 11: "bytes"}),
    "comment": Column(
        7, None, None, {5: "further limited by tuple size fitting on a single page; see note below", 7: None}
    ),
    "symbols": Column(14, [], [], {3: ["BLCKSZ"], 9: ["PostgreSQL"]}),
}
PHOTO = "http://www.flickr.com/photos/shlomif"
FEED = {
    "id": Column(2, "3081446735", "3059592974"),
    "title": Column(2, "Zarro Bugs", "Cupcakes"),
    "link": Column(2, f"{PHOTO}/3081446735/", f"{PHOTO}/3059592974/"),
    "posted": Column(2, datetime(2008, 12, 4, 11, 2, 12, tzinfo=UTC), datetime(2008, 11, 25, 19, 11, 58, tzinfo=UTC)),
    "taken": Column(2, datetime(2008, 12, 4, 21, 2, 12, tzinfo=UTC), datetime(2008, 11, 23, 23, 4, 42, tzinfo=UTC)),
    "author": Column(2, "shlomif2", "shlomif2"),
    "profile": Column(2, "http://www.flickr.com/people/shlomif/", "http://www.flickr.com/people/shlomif/"),
    "summary": Column(
        2,
        "No active bugs in perl-XML-RSS-1.41! Let's see how long it will last…",
        "Photographs of cupcakes that my sister prepared. The licence is Creative Commons Public Domain, but an"
        " attribution or donation would be appreciated.",
    ),
    "picture": Column(
        2,
        "http://farm4.static.flickr.com/3043/3081446735_6ea84a6e37_o.png",
        "http://farm4.static.flickr.com/3272/3059592974_ec763dd5c7_o.jpg",
    ),
    "width": Column(2, 1066, 3072),
    "kind": Column(2, "image/jpeg", "image/jpeg"),
    "licence": Column(1, None, "Creative Commons Public Domain"),
    "tag": Column(2, "SCREENSHOT", "FOOD"),
}
JSON = {
    "code": Column(31, "AIDJ", "ZRCD", {6: "CSXX"}),
    "name": Column(31, "French Afars and Issas", "Zaire, Republic of", {13: "Upper Volta, Republic of"}),
    "number": Column(26, "262", "180", {2: None, 10: None}),
    "was": Column(31, ["AI", "AFI"], ["ZR", "ZAR"], {5: ["CS", "CSK"], 6: ["CS", "SCG"]}),
    "withdrawn": Column(13, None, date(1997, 7, 14), {1: date(2010, 12, 15), 10: None}),
    "withdrawn_year": Column(31, 1977, 1997, {1: 2010, 23: 1975}),
    "comment": Column(31, "none", "none", {10: "now split between AQ and TF"}),
    "has_number": Column(31, True, True, {2: False, 21: False}),
}
COLUMNS = {"listing": LISTING, "table": TABLE, "feed": FEED, "json": JSON}
EVERY_COLUMN = [
    pytest.param(kind, name, column, id=f"{kind}-{name}")
    for kind, columns in COLUMNS.items()
    for name, column in columns.items()
]


@pytest.mark.parametrize(("kind", "rows"), [("article", 1), ("listing", 13), ("table", 14), ("feed", 2), ("json", 31)])
def test_a_page_gives_as_many_rows_as_a_person_counts(kind: str, rows: int) -> None:
    assert len(rows_of(kind)) == rows


@pytest.mark.parametrize("name", ARTICLE)
def test_a_field_of_the_article_has_the_value_that_stands_there(name: str) -> None:
    assert rows_of("article")[0][name] == ARTICLE[name]


@pytest.mark.parametrize(("kind", "name", "column"), EVERY_COLUMN)
def test_a_field_of_a_page_of_many_rows_has_the_values_that_stand_there(kind: str, name: str, column: Column) -> None:
    assert column_of(kind, name, column.odd) == column


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_a_saved_page_has_its_own_test(kind: str) -> None:
    assert set(source_of(kind).fields) == set({"article": ARTICLE, **COLUMNS}[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_the_origin_of_a_saved_page_and_its_licence_are_told(kind: str) -> None:
    (line,) = re.findall(rf"^\| `{kind}` \|.*$", (PAGES / "README.md").read_text("utf-8"), re.MULTILINE)
    licence = re.search(r"\]\((licences/[\w.-]+)\)", line)
    assert "public domain" in line or (licence and (PAGES / licence[1]).stat().st_size > 500)


def test_every_saved_page_is_in_these_tests() -> None:
    assert {page.parent.name for page in PAGES.glob("*/page.*")} == set(KINDS)
