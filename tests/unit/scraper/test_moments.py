"""Dates and times that are not written in ISO 8601."""

from contextlib import suppress
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.rows.moments import Clockwork, check_format, zone_of

BERLIN = zone_of("Europe/Berlin")


@pytest.mark.parametrize(
    ("clockwork", "text", "moment"),
    [
        (Clockwork(None, BERLIN), "2026-07-01T12:00", datetime(2026, 7, 1, 10, tzinfo=UTC)),
        (Clockwork(None, BERLIN), "2026-12-01T12:00", datetime(2026, 12, 1, 11, tzinfo=UTC)),
        (Clockwork(None, BERLIN), "2026-12-01T12:00Z", datetime(2026, 12, 1, 12, tzinfo=UTC)),
        (Clockwork("%d.%m.%Y %H:%M", BERLIN), "01.07.2026 00:30", datetime(2026, 6, 30, 22, 30, tzinfo=UTC)),
        (
            Clockwork("%d %b %Y %I:%M %p %z", BERLIN),
            "1 Jul 2026 1:05 PM +0530",
            datetime(2026, 7, 1, 7, 35, tzinfo=UTC),
        ),
        (Clockwork("mail"), "Sat, 21 Nov 2026 10:00:00 GMT", datetime(2026, 11, 21, 10, tzinfo=UTC)),
        (Clockwork("mail"), "21 Nov 2026 10:00:00 -0500", datetime(2026, 11, 21, 15, tzinfo=UTC)),
        (Clockwork("mail"), "1 Jul 2026 10:00 EST", datetime(2026, 7, 1, 15, tzinfo=UTC)),
        (Clockwork("mail", BERLIN), "1 Jul 2026 10:00:00", datetime(2026, 7, 1, 8, tzinfo=UTC)),
        (Clockwork("unix"), "1700000000", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        (Clockwork("unix_ms"), "1700000000500", datetime(2023, 11, 14, 22, 13, 20, 500_000, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_by_its_format_and_in_its_zone(clockwork: Clockwork, text: str, moment: datetime) -> None:
    assert clockwork.moment(text) == moment


@pytest.mark.parametrize(
    ("clockwork", "text", "day"),
    [
        (Clockwork("%d/%m/%Y"), "03/04/2026", date(2026, 4, 3)),
        (Clockwork("mail", BERLIN), "Sat, 21 Nov 2026 23:30:00 +0000", date(2026, 11, 22)),
        (Clockwork("unix"), "1700000000", date(2023, 11, 14)),
    ],
)
def test_a_date_is_read_by_its_format(clockwork: Clockwork, text: str, day: date) -> None:
    assert clockwork.day(text) == day


@pytest.mark.parametrize("wanted", ["%H:%M", "%d.%m.", "%Y", "%Q", "iso", "%Y-%m-%d", "%Y-%m-%d %H:%M %Z", "%d.%d.%Y"])
def test_a_format_that_tells_no_whole_time_is_refused(wanted: str) -> None:
    with pytest.raises(ValueError, match=r"does not tell|neither a format|no time of day|names of zones"):
        check_format(wanted, needs_time=True)


@pytest.mark.parametrize("zone", ["CEST", "BST", "MEZ", "JST"])
def test_a_zone_whose_offset_is_not_known_is_not_taken_for_utc(zone: str) -> None:
    with pytest.raises(ValueError, match=f"the offset of {zone} is not known"):
        Clockwork("mail", BERLIN).moment(f"Wed, 1 Jul 2026 10:00:00 {zone}")


def test_a_format_of_dates_needs_no_time() -> None:
    check_format("%d.%m.%y", needs_time=False)


@pytest.mark.parametrize("name", ["Europe/Atlantis", "", "../etc/passwd", "/etc/localtime"])
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no time zone"):
        zone_of(name)


@given(st.text(max_size=40), st.sampled_from([None, "mail", "unix", "unix_ms", "%d.%m.%Y %H:%M", "%c"]))
def test_any_text_is_a_time_or_a_value_error(text: str, wanted: str | None) -> None:
    with suppress(ValueError):
        assert Clockwork(wanted, BERLIN).moment(text).tzinfo is UTC
    with suppress(ValueError):
        assert type(Clockwork(wanted, BERLIN).day(text)) is date


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-29 01:59", datetime(2026, 3, 29, 0, 59, tzinfo=UTC)),
        ("2026-03-29 03:00", datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        ("2026-10-25 02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25 03:00", datetime(2026, 10, 25, 2, 0, tzinfo=UTC)),
    ],
    ids=["before-the-gap", "after-the-gap", "twice", "after-both"],
)
def test_of_a_time_that_comes_twice_as_clocks_are_put_back_it_is_the_first(text: str, moment: datetime) -> None:
    assert Clockwork(None, BERLIN).moment(text) == moment


def test_a_time_over_which_clocks_are_put_forward_is_refused() -> None:
    with pytest.raises(ValueError, match="clocks in Europe/Berlin are put forward over it"):
        Clockwork(None, BERLIN).moment("2026-03-29 02:30")
