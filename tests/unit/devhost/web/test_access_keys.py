import json
import stat
from pathlib import Path

import pytest

from devhost.web.access_keys import KeyFileError, key_lines, open_keys, read_keys

GIVEN = {
    "master": "m-key",
    "host": {"default": "h-key", "second": "h2"},
    "functions": {"GetItem": {"default": "f-key"}},
    "system": {"durabletask_extension": "s-key"},
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def test_new_file_is_readable_by_its_owner_only(path: Path):
    open_keys(path, ["a"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_new_file_holds_a_key_of_every_kind(path: Path):
    open_keys(path, ["GetItem"])
    found = json.loads(path.read_text())
    assert (list(found), list(found["host"]), list(found["functions"]), list(found["system"])) == (
        ["master", "host", "functions", "system"],
        ["default"],
        ["GetItem"],
        ["durabletask_extension"],
    )


def test_drawn_keys_differ_and_are_long(path: Path):
    keys = open_keys(path, ["a"])
    drawn = {keys.master, *keys.host.values(), *keys.of_function("a"), keys.durable}
    assert (len(drawn), min(len(key) for key in drawn)) == (4, 43)


def test_keys_stay_the_same_at_the_next_start(path: Path):
    assert open_keys(path, ["a"]) == open_keys(path, ["A"])


def test_edited_keys_are_taken(path: Path):
    path.write_text(json.dumps(GIVEN))
    keys = open_keys(path, ["getitem"])
    assert (keys.master, keys.host, keys.of_function("GETITEM"), keys.durable) == (
        "m-key",
        {"default": "h-key", "second": "h2"},
        ("f-key",),
        "s-key",
    )


def test_file_with_every_key_is_left_as_it_is(path: Path):
    path.write_text("/* mine */ " + json.dumps(GIVEN))
    open_keys(path, ["GetItem"])
    assert path.read_text().startswith("/* mine */")


def test_new_function_gets_a_key_beside_those_of_the_file(path: Path):
    path.write_text(json.dumps(GIVEN))
    open_keys(path, ["GetItem", "Added"])
    found = json.loads(path.read_text())
    assert (found["functions"]["GetItem"], list(found["functions"])) == ({"default": "f-key"}, ["GetItem", "Added"])


def test_missing_sections_are_drawn(path: Path):
    path.write_text('{"master": "m-key"}')
    keys = open_keys(path, [])
    assert (keys.master, len(keys.durable), list(keys.host)) == ("m-key", 43, ["default"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "line 1"),
        ("[]", "must be an object"),
        ('{"master": ""}', "'master' must be a text of printable ASCII"),
        ('{"master": null}', "'master' must be a text"),
        ('{"master": 7}', "'master' must be a text"),
        ('{"master": "a b"}', "'master' must be a text"),
        ('{"master": "ü"}', "'master' must be a text"),
        ('{"host": "key"}', "'host' must be an object of names and keys"),
        ('{"host": {"default": ""}}', "'host.default' must be a text"),
        ('{"functions": {"a": "key"}}', "'functions.a' must be an object of names and keys"),
        ('{"functions": {"a": {"default": []}}}', "'functions.a.default' must be a text"),
        ('{"system": {"durabletask_extension": false}}', "'system.durabletask_extension' must be a text"),
        ('{"funtions": {}}', "'funtions' is unknown; the file holds master, host, functions, system"),
    ],
)
def test_broken_file_is_named_with_place_and_cure(path: Path, text: str, reason: str):
    path.write_text(text)
    with pytest.raises(KeyFileError) as caught:
        open_keys(path, [])
    assert (str(path) in str(caught.value), reason in str(caught.value), "to get new keys" in str(caught.value)) == (
        True,
        True,
        True,
    )


def test_broken_file_is_left_as_it_is(path: Path):
    path.write_text('{"master": ""}')
    with pytest.raises(KeyFileError):
        open_keys(path, [])
    assert path.read_text() == '{"master": ""}'


def test_folder_that_cannot_be_written_is_named(tmp_path: Path):
    with pytest.raises(KeyFileError, match="cannot be written"):
        open_keys(tmp_path / "missing" / "keys.json", [])


def test_reading_keys_that_were_never_made_says_how_to_make_them(path: Path):
    with pytest.raises(KeyFileError, match="started with --enable-auth"):
        read_keys(path)


def test_every_key_is_listed_with_what_it_opens(path: Path):
    path.write_text(json.dumps(GIVEN))
    assert [line.split() for line in key_lines(read_keys(path))] == [
        ["admin", "_master", "m-key"],
        ["every", "function", "default", "h-key"],
        ["every", "function", "second", "h2"],
        ["function", "getitem", "default", "f-key"],
        ["webhooks", "durabletask_extension", "s-key"],
    ]
