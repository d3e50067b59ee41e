"""How late a change may have happened that a sitemap dates."""

from datetime import UTC, datetime

import pytest

from storage.memory.previous_pages import latest_of


@pytest.mark.parametrize(
    ("told", "latest"),
    [
        (datetime(2026, 11, 21, 6, 30, tzinfo=UTC), datetime(2026, 11, 21, 6, 30, tzinfo=UTC)),
        (datetime(2026, 11, 21, tzinfo=UTC), datetime(2026, 11, 22, 14, tzinfo=UTC)),  # a day, in any time zone
        (datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, 14, tzinfo=UTC)),  # perhaps only the month
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 2, 14, tzinfo=UTC)),  # perhaps only the year
    ],
)
def test_a_date_is_never_believed_to_be_more_exact_than_it_is(told: datetime, latest: datetime) -> None:
    assert latest_of(told) == latest
