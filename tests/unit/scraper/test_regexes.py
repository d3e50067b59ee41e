"""Which regular expressions of a sources file are used."""

import pytest

from scraper.rows.regexes import check_regex


@pytest.mark.parametrize(
    "regex",
    [
        *(
            r"(a+)+$",
            r"(\d+[.,]?)+ EUR",
            r"(?:\s*\w*)*x",
            r"(?:a|b+)*",
            r"(.*?)*x",
            r"((?:a{2,})){1,30}b",
            r"x(?=(a+)+b)",
        ),
        *(r"(?:(?:b*)?)*x", r"(?:a+){40}b"),
    ],
)
def test_a_repeat_that_is_repeated_is_refused(regex: str) -> None:
    with pytest.raises(ValueError, match="repeats a repeat"):
        check_regex(regex)


@pytest.mark.parametrize(
    "regex",
    [
        *(
            r"([0-9.]+)",
            r"(?:\d+,)+\d+",
            r"(?:\w+\s)*x",
            r"(a++)+$",
            r"(?>a+)+$",
            r"(?:\d{3})+",
            r"£\s*(\S+)",
            r"(?:a+){3}",
        ),
        *(r"(?:[a-z]+://)?(\w+)", r"(?i:SKU)[: ]+([A-Z]{2}-\d+)", r"(?:, ?\w+)*", r"\w+(?: \w+)*", r"(a)(?(1)b|c)"),
    ],
)
def test_others_are_used(regex: str) -> None:
    check_regex(regex)


@pytest.mark.parametrize("regex", ["(", "a{99999999999}", "(" * 5000, "(?:" * 5000 + ")" * 5000])
def test_what_is_no_regular_expression_is_refused(regex: str) -> None:
    with pytest.raises(ValueError, match="not a regular expression: "):
        check_regex(regex)
