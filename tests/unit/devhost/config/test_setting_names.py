import pytest

from devhost.config.setting_names import UnresolvedSetting, resolve_setting_names


def test_a_name_alone_becomes_its_value() -> None:
    assert resolve_setting_names("%SCRAPE_SCHEDULE%", {"SCRAPE_SCHEDULE": "0 0 6 * * *"}) == "0 0 6 * * *"


def test_names_inside_a_text_are_replaced() -> None:
    assert resolve_setting_names("a-%X%-%Y%", {"X": "1", "Y": "2"}) == "a-1-2"


def test_a_text_without_names_is_unchanged() -> None:
    assert resolve_setting_names("0 */5 * * * *", {}) == "0 */5 * * * *"


def test_a_name_is_found_ignoring_case() -> None:
    assert resolve_setting_names("%Queue_Name%", {"QUEUE_NAME": "pages"}) == "pages"


def test_the_exact_name_is_preferred() -> None:
    assert resolve_setting_names("%name%", {"NAME": "wrong", "name": "right"}) == "right"


def test_a_colon_finds_the_variable_with_two_underscores() -> None:
    assert resolve_setting_names("%Scrape:Schedule%", {"Scrape__Schedule": "x"}) == "x"


def test_a_value_is_not_resolved_again() -> None:
    assert resolve_setting_names("%X%", {"X": "%Y%", "Y": "no"}) == "%Y%"


def test_an_empty_value_is_a_value() -> None:
    assert resolve_setting_names("a%X%b", {"X": ""}) == "ab"


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(UnresolvedSetting, match=r"'%MISSING%' does not resolve.*local\.settings\.json") as caught:
        resolve_setting_names("%MISSING%", {})
    assert caught.value.name == "MISSING"


def test_an_unclosed_percent_sign_is_refused() -> None:
    with pytest.raises(UnresolvedSetting, match="'50%' opens a '%' that is not closed"):
        resolve_setting_names("50%", {})
