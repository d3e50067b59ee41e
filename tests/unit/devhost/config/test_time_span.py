from datetime import timedelta

import pytest

from devhost.config.time_span import parse_time_span


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00:05:00", timedelta(minutes=5)),
        ("01:30", timedelta(hours=1, minutes=30)),
        ("2", timedelta(days=2)),
        ("1.02:03", timedelta(days=1, hours=2, minutes=3)),
        ("1.02:03:04", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("25:00:00:00", timedelta(days=25)),
        ("24:00:00", timedelta(days=24)),
        ("00:00:00.5", timedelta(milliseconds=500)),
        ("00:00:01.1234567", timedelta(seconds=1, microseconds=123456)),
        ("-00:01:00", timedelta(minutes=-1)),
        (" 00:01:00 ", timedelta(minutes=1)),
    ],
)
def test_a_time_span_means_the_same_as_in_dotnet(text: str, expected: timedelta) -> None:
    assert parse_time_span(text) == expected


@pytest.mark.parametrize(
    "text", ["", "five", "00:60:00", "00:00:60", "24:00", "1.24:00:00", "1.5", "1:2:3:4:5", "01:02.5", "٣"]
)
def test_what_is_no_time_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"'.*' (is not|has|gives)"):
        parse_time_span(text)
