from dataclasses import replace

import pytest
from aiohttp.test_utils import make_mocked_request

from devhost.web.access_keys import AccessKeys
from devhost.web.authorization import KeyRequired, OpenToAll, presented_key
from tests.helpers.made_up_functions import http_function

KEYS = AccessKeys(
    master="master",
    host={"default": "host", "other": "host2"},
    functions={"item": {"default": "own", "spare": "own2"}, "else": {"default": "foreign"}},
    system={"durabletask_extension": "system", "blobs_extension": "blobs"},
)
ALL_KEYS = {"master", "host", "host2", "own", "own2", "foreign", "system", "blobs", "", "nonsense", "mästér"}


def request(key: str | None = None, *, query: str = ""):
    return make_mocked_request("GET", f"/api/item{query}", headers={} if key is None else {"x-functions-key": key})


def function(level: str):
    made = http_function("Item")
    return replace(made, trigger={**made.trigger, "authLevel": level})


@pytest.mark.parametrize(
    ("level", "opened_by"),
    [
        ("ANONYMOUS", ALL_KEYS),
        ("FUNCTION", {"own", "own2", "host", "host2", "master"}),
        ("ADMIN", {"master"}),
    ],
)
def test_level_is_opened_by_its_keys_only(level, opened_by):
    asked = function(level)
    assert {key for key in ALL_KEYS if KeyRequired(KEYS).may_call(request(key), asked)} == opened_by


def test_function_without_level_counts_as_function_level():
    made = http_function("item")
    trigger = {key: value for key, value in made.trigger.items() if key != "authLevel"}
    asked = replace(made, trigger=trigger)
    assert [KeyRequired(KEYS).may_call(request(key), asked) for key in (None, "own")] == [False, True]


def test_webhooks_are_opened_by_their_system_key_and_the_master_key_only():
    opened_by = {key for key in ALL_KEYS if KeyRequired(KEYS).may_manage(request(key), "DurableTask")}
    assert opened_by == {"system", "master"}


def test_admin_is_opened_by_the_master_key_only():
    assert {key for key in ALL_KEYS if KeyRequired(KEYS).is_admin(request(key))} == {"master"}


@pytest.mark.row("host/3/off-by-default")
def test_without_keys_everybody_is_admin_whatever_key_is_sent():
    everyone, asked = OpenToAll(), request("nonsense")
    assert (everyone.is_admin(asked), everyone.may_call(asked, function("ADMIN")), everyone.may_manage(asked, "x")) == (
        True,
        True,
        True,
    )


@pytest.mark.parametrize(
    ("key", "query", "presented"),
    [
        ("h", "?code=q", "h"),
        (None, "?code=q", "q"),
        (None, "?CODE=q", "q"),
        (None, "?code=q&code=r", "q"),
        (None, "?code=a%2Fb%3D", "a/b="),
        ("", "?code=q", ""),
        (None, "", ""),
    ],
)
def test_header_goes_before_the_query(key, query, presented):
    assert presented_key(request(key, query=query)) == presented
