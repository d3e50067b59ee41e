"""The sources file: what is accepted, and the one line that refuses the rest."""

from pathlib import Path

import pytest

from scraper.errors import SourcesFileError
from scraper.sources import Source, load_sources

HEAD = '[[source]]\nname = "books"\n'
URLS = 'urls = ["https://books.example/1"]\n'
FIELDS = '[source.fields]\ntitle = "h1::text"\n'
FOLLOW = '[source.follow]\nstart = ["https://books.example/"]\nlinks = "a.next"\n'


def load(tmp_path: Path, text: str, **environ: str) -> tuple[Source, ...]:
    path = tmp_path / "sources.toml"
    path.write_text(text, encoding="utf-8")
    return load_sources(path, environ)


def refusal(tmp_path: Path, text: str, **environ: str) -> str:
    with pytest.raises(SourcesFileError) as caught:
        load(tmp_path, text, **environ)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{tmp_path / 'sources.toml'}: ")


def test_short_and_long_form_of_a_field_say_the_same(tmp_path: Path) -> None:
    (source,) = load(tmp_path, HEAD + URLS + FIELDS + 'long = { css = "h1::text" }\n')
    assert source.fields["title"] == source.fields["long"]


def test_a_field_is_required_unless_it_says_otherwise(tmp_path: Path) -> None:
    (source,) = load(tmp_path, HEAD + URLS + FIELDS)
    assert source.fields["title"].required


@pytest.mark.parametrize("pages", ['"1-3"', "[1, 3]", "{ first = 1, last = 3 }"])
def test_a_template_stands_for_its_range(tmp_path: Path, pages: str) -> None:
    text = f'url_template = "https://books.example/p/{{page}}.html"\npages = {pages}\n'
    (source,) = load(tmp_path, HEAD + text + FIELDS)
    assert list(source.template_urls()) == [f"https://books.example/p/{page}.html" for page in (1, 2, 3)]


@pytest.mark.parametrize(
    ("pages", "numbers"),
    [
        ('"0-100/50"', ["0", "50", "100"]),
        ('"0-99/50"', ["0", "50"]),
        ('"008-011"', ["008", "009", "010", "011"]),
        ('"1-2, 7-9/2"', ["1", "2", "7", "9"]),
        ("[{ first = 1, last = 2 }, { first = 5, last = 5, width = 2 }]", ["1", "2", "05"]),
    ],
)
def test_a_range_may_have_steps_zeros_and_gaps(tmp_path: Path, pages: str, numbers: list[str]) -> None:
    text = f'url_template = "https://books.example/{{page}}"\npages = {pages}\n'
    (source,) = load(tmp_path, HEAD + text + FIELDS)
    assert list(source.template_urls()) == [f"https://books.example/{number}" for number in numbers]
    assert source.template_pages == len(numbers)


def test_settings_are_filled_in_at_any_depth(tmp_path: Path) -> None:
    text = HEAD + 'urls = ["${SITE}/1"]\nconcurrency = "${MANY}"\n[source.fields]\ntitle = { css = "${CSS}" }\n'
    (source,) = load(tmp_path, text, SITE="https://books.example", CSS="h2", MANY="3")
    assert (source.urls, source.fields["title"].css, source.concurrency) == (("https://books.example/1",), "h2", 3)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            'requests_per_second = "2"\n' + FIELDS,
            "requests_per_second: write a number without quotation marks, not '2'",
        ),
        ('concurrency = "2"\n' + FIELDS, "concurrency: write a whole number without quotation marks, not '2'"),
        ("max_pages = true\n" + FIELDS, "max_pages: write a whole number without quotation marks, not True"),
        ('respect_robots = "no"\n' + FIELDS, "respect_robots: write true or false without quotation marks, not 'no'"),
        ("trust_lastmod = 0\n" + FIELDS, "trust_lastmod: write true or false without quotation marks, not 0"),
        (FIELDS + 'x = { css = "p", required = "no" }\n', "fields.x.required: write true or false without"),
        (FIELDS + '[source.gate]\nmin_rows = "1"\n', "gate.min_rows: write a whole number without"),
        ('blocked_if = "robot"\n' + FIELDS, 'blocked_if: write a list in square brackets, such as ["a", "b"]'),
        (
            FIELDS + 'x = { css = "p", type = "date", timezone = "UTC" }\n',
            "fields.x: timezone is for datetime, and for",
        ),
    ],
)
def test_what_toml_has_another_type_for_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    assert problem in refusal(tmp_path, HEAD + URLS + text)


def test_a_setting_may_stand_for_a_number_or_a_switch(tmp_path: Path) -> None:
    text = 'requests_per_second = "${RATE}"\nrespect_robots = "${OBEY}"\n'
    (source,) = load(tmp_path, HEAD + URLS + text + FIELDS, RATE="0.5", OBEY="false")
    assert (source.requests_per_second, source.respect_robots) == (0.5, False)


def test_a_doubled_dollar_sign_is_no_setting(tmp_path: Path) -> None:
    (source,) = load(tmp_path, HEAD + URLS + '[source.fields]\ntitle = { css = "h1", regex = "$${NAME}" }\n')
    assert source.fields["title"].regex == "${NAME}"


def test_a_missing_setting_names_source_key_setting_and_cure(tmp_path: Path) -> None:
    assert refusal(tmp_path, HEAD + 'urls = ["${SITE}/1"]\n' + FIELDS) == (
        "source books: urls: setting SITE is not set; set it, or write the value in place of ${SITE}"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (HEAD + URLS + "max_page = 3\n" + FIELDS, "max_page: there is no such key; did you mean 'max_pages'?"),
        (HEAD + URLS + FIELDS + "[source.gate]\nmin_row = 1\n", "gate.min_row: there is no such key; did you mean"),
        (HEAD + URLS + '[source.fields]\na = { csss = "p", css = "p" }\n', "fields.a.csss: there is no such key"),
        (HEAD + FIELDS, "exactly one of urls, url_template, sitemap, feed, follow is needed; there is none"),
        (HEAD + URLS + 'sitemap = "https://books.example/s.xml"\n' + FIELDS, "there is urls and sitemap"),
        (HEAD + 'url_template = "https://books.example/{page}"\n' + FIELDS, "url_template and pages belong together"),
        (HEAD + 'url_template = "https://books.example/{n}"\npages = "1-2"\n' + FIELDS, "must have {page} once"),
        (HEAD + URLS + 'key = ["isbn"]\n' + FIELDS, "key names 'isbn', which is no field; known are title"),
        (HEAD + URLS + "trust_lastmod = true\n" + FIELDS, "trust_lastmod is for sources with a sitemap"),
        (HEAD + 'url_template = "https://books.example/{page}"\npages = "5-2"\n' + FIELDS, "is before the first"),
        (HEAD + 'url_template = "https://books.example/{page}"\npages = "all"\n' + FIELDS, "is not a range"),
        (HEAD + 'url_template = "https://books.example/{page}"\npages = [1]\n' + FIELDS, "a range is two numbers"),
        (HEAD + 'url_template = "https://books.example/{page}"\npages = "5-9, 9-12"\n' + FIELDS, "has ended"),
        (HEAD + 'url_template = "https://books.example/{page}"\npages = []\n' + FIELDS, "a range is two numbers"),
        (
            HEAD + 'url_template = "https://books.example/{page}"\npages = "1-9/0"\n' + FIELDS,
            "pages.0.step: input should",
        ),
        (HEAD + 'feed = "feed.xml"\n' + FIELDS, "feed: 'feed.xml': only http:// and https:// URLs are fetched"),
        (HEAD + FIELDS + FOLLOW.replace("links", "link"), "follow.link: there is no such key; did you mean 'links'?"),
        (HEAD + FIELDS + FOLLOW.replace("http", "ftp"), "only http:// and https:// URLs are fetched"),
        (HEAD + FIELDS + FOLLOW.replace('"a.next"', '"a["'), "follow.links: 'a[' is not a CSS selector"),
        (HEAD + FIELDS + FOLLOW.replace('"a.next"', '"a::text"'), "'a::text' names no links"),
        (HEAD + FIELDS + FOLLOW.replace('links = "a.next"', ""), "follow: links or pages is needed"),
        (HEAD + FIELDS + FOLLOW + "max_depth = 0", "follow.max_depth: input should be greater than or equal to 1"),
        (HEAD + "urls = []\n" + FIELDS, "urls: the list is empty"),
        (HEAD + 'urls = ["ftp://books.example/"]\n' + FIELDS, "only http:// and https:// URLs are fetched"),
        (HEAD + 'urls = ["file:///etc/passwd"]\n' + FIELDS, "only http:// and https:// URLs are fetched"),
        (HEAD + 'urls = ["https://me:secret@books.example/"]\n' + FIELDS, "do not belong into a URL"),
        (HEAD + 'urls = ["https://[::1/"]\n' + FIELDS, "not a URL"),
        (HEAD + URLS + '[source.fields]\ntitle = "h1["\n', "fields.title.css: 'h1[' is not a CSS selector"),
        (HEAD + URLS + '[source.fields]\ntitle = "h1::html"\n', "ends neither in ::text nor in ::attr(name)"),
        (HEAD + URLS + '[source.fields]\ntitle = ""\n', "a selector is needed"),
        (HEAD + URLS + '[source.fields]\ntitle = "::text"\n', "there is no rows selector"),
        (HEAD + URLS + '[source.fields]\nt = { css = "p", regex = "(" }\n', "fields.t.regex: not a regular expression"),
        (HEAD + URLS + '[source.fields]\nt = { css = "p", type = "money" }\n', "fields.t.type: input should be 'str'"),
        (HEAD + URLS + '[source.fields]\n_url = "p"\n', "'_url' cannot be a field's name"),
        (HEAD + URLS + "[source.fields]\n", "a source has 1 to 200 fields"),
        (HEAD + URLS, "fields: the key is missing"),
        (HEAD + URLS + 'rows = "li:nope"\n' + FIELDS, "rows: 'li:nope' is not a CSS selector"),
        (
            HEAD + URLS + "concurrency = 0\n" + FIELDS,
            "concurrency: input should be greater than or equal to 1, not '0'",
        ),
        (HEAD + 'url_template = "https://{page}.books.example/"\npages = "1-2"\n' + FIELDS, "must come after the host"),
        (HEAD + URLS + 'allow_private_hosts = ["http://intranet/"]\n' + FIELDS, "write its name or address alone"),
        (HEAD + URLS + 'allow_private_hosts = ["intranet:8080"]\n' + FIELDS, "write its name or address alone"),
        (HEAD + URLS + 'allow_private_hosts = "intranet"\n' + FIELDS, "allow_private_hosts: write a list in square br"),
        (HEAD + 'urls = "https://books.example/"\n' + FIELDS, "urls: write a list in square brackets, such as"),
        (HEAD + URLS + 'gate = "off"\n' + FIELDS, 'gate: write a table, such as { name = "value" }, not'),
        (HEAD + URLS + '[source.fields]\ntitle = ["h1"]\n', "fields.title: write a table"),
        (HEAD + URLS + 'user_agent = "Größe"\n' + FIELDS, "user_agent: write one line of printable ASCII, not"),
        (
            HEAD + URLS + 'csv = { delimeter = ";" }\n' + FIELDS,
            "csv.delimeter: there is no such key; did you mean 'del",
        ),
        (HEAD + 'url_template = "https://books.example/#{page}"\npages = "1-2"\n' + FIELDS, "is not asked for, so all"),
        (HEAD + URLS + 'headers = { Host = "x" }\n' + FIELDS, "headers: Host belongs to the connection; leave it out"),
        (HEAD + URLS + 'headers = { User-Agent = "x" }\n' + FIELDS, "User-Agent cannot be set: use the key user_agent"),
        (HEAD + URLS + 'headers = { "X Y" = "x" }\n' + FIELDS, "'X Y' cannot be a header's name"),
        (HEAD + URLS + 'headers = { A = "1", a = "2" }\n' + FIELDS, "a is there twice"),
        (HEAD.replace("books", "My Books") + URLS + FIELDS, "'My Books' cannot be a source's name"),
    ],
)
def test_a_bad_source_is_refused_with_key_and_reason(tmp_path: Path, text: str, reason: str) -> None:
    message = refusal(tmp_path, text)
    assert message.startswith(("source books: ", "source My Books: "))
    assert reason in message


@pytest.mark.parametrize(
    "text",
    [
        *("a = " + "[" * 100_000, "gate = " + "{a=" * 50_000, "a = " + "9" * 5000, "a" + ".a" * 100_000 + " = 1"),
        *('"a".' * 100_000 + "a = 1", "'a' . " * 100_000 + "a = 1"),
    ],
    ids=["nested lists", "nested tables", "a long number", "a long key", "one in quotes", "one with blanks"],
)
def test_a_file_that_would_break_the_parser_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    assert refusal(tmp_path, text).startswith("not TOML: ")


def test_a_bad_value_of_a_header_is_not_shown(tmp_path: Path) -> None:
    text = HEAD + URLS + 'headers = { Authorization = "Bearer ${TOKEN}" }\n' + FIELDS
    message = refusal(tmp_path, text, TOKEN="s3cret\r\nX: y")
    assert "the value of Authorization must be" in message
    assert "s3cret" not in message


@pytest.mark.parametrize(
    "value", ['"Bearer ${TOKEN}"', '["Bearer ${TOKEN}"]', '{ A = ["${TOKEN}"] }', '{ A = { b = "${TOKEN}" } }']
)
def test_a_header_that_is_written_in_another_way_is_not_shown_either(tmp_path: Path, value: str) -> None:
    message = refusal(tmp_path, HEAD + URLS + f"headers = {value}\n" + FIELDS, TOKEN="s3cret")
    assert "source books: headers" in message
    assert "s3cret" not in message


def test_a_template_may_have_its_number_right_behind_the_host(tmp_path: Path) -> None:
    (source,) = load(tmp_path, HEAD + 'url_template = "https://books.example?p={page}"\npages = "1-2"\n' + FIELDS)
    assert list(source.template_urls()) == ["https://books.example?p=1", "https://books.example?p=2"]


def test_a_secret_of_a_header_is_not_shown_with_its_source(tmp_path: Path) -> None:
    text = HEAD + URLS + 'headers = { Authorization = "Bearer ${TOKEN}" }\n' + FIELDS
    (source,) = load(tmp_path, text, TOKEN="s3cret")
    assert source.headers == {"Authorization": "Bearer s3cret"}
    assert "s3cret" not in repr(source)


def test_hosts_and_origins_are_those_that_the_source_names(tmp_path: Path) -> None:
    urls = 'urls = ["https://Books.example/1", "http://127.0.0.1:8000/2"]\n'
    (source,) = load(tmp_path, HEAD + urls + FIELDS)
    assert source.hosts == {"books.example", "127.0.0.1"}
    assert source.origins == {"https://books.example:443", "http://127.0.0.1:8000"}


def test_a_host_is_one_in_letters_and_as_it_is_asked_for(tmp_path: Path) -> None:
    spellings = ("https://bücher.example/1", "https://xn--bcher-kva.example/2")
    one, other = (load(tmp_path, HEAD + f'urls = ["{url}"]\n' + FIELDS)[0] for url in spellings)
    assert (one.hosts, one.origins) == (other.hosts, other.origins)


def test_two_sources_of_one_name_are_refused(tmp_path: Path) -> None:
    one = HEAD + URLS + FIELDS
    assert refusal(tmp_path, one + one) == "source books: name: another source has the same name; rename one of them"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "there is no source; add a [[source]] table"),
        ("[[sources]]\n", "sources: there is no such key; did you mean 'source'?"),
        ("[source]\n", "source: write each source under [[source]]"),
        ("source = = 1", "not TOML: Invalid value (at line 1, column 10)"),
    ],
)
def test_a_file_that_holds_no_sources_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    assert reason in refusal(tmp_path, text)


def test_a_source_without_a_name_is_called_by_its_number(tmp_path: Path) -> None:
    assert refusal(tmp_path, "[[source]]\n" + URLS + FIELDS) == "source #1: name: the key is missing"


def test_names_and_keys_with_line_breaks_are_refused_in_one_line(tmp_path: Path) -> None:
    assert refusal(tmp_path, '[[source]]\nname = "a\\nb"\n' + URLS + FIELDS).startswith("source a b: name: ")
    assert refusal(tmp_path, HEAD + URLS + '"a\\u202eb\\n" = 1\n' + FIELDS).startswith("source books: a b: ")


def test_a_missing_file_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(SourcesFileError, match="there is no such file; set SOURCES_FILE"):
        load_sources(tmp_path / "none.toml", {})


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sources.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourcesFileError, match="the file cannot be read"):
        load_sources(path, {})
