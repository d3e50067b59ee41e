"""Which attempts are repeated, and when."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.errors import FetchError, PageGone, RateLimited
from scraper.fetch.answers import parse_retry_after
from scraper.manners.retries import delay_before_retry_s, fetch_with_retries
from scraper.models import Reason

URL = "https://books.example/1"
NOW = datetime(2024, 3, 1, 6, 0, 0, tzinfo=UTC)


class Attempts:
    """Raises the given errors one after the other, then answers."""

    def __init__(self, *errors: FetchError) -> None:
        self.errors = list(errors)
        self.slept: list[float] = []

    async def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "page"

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def run(attempts: Attempts, max_attempts: int = 4) -> tuple[str, int]:
    return await fetch_with_retries(attempts, max_attempts=max_attempts, sleep=attempts.sleep, random=lambda: 1.0)


def broken(reason: Reason = Reason.HTTP_5XX) -> FetchError:
    return FetchError(URL, reason, "broken")


async def test_back_off_doubles_from_half_a_second() -> None:
    attempts = Attempts(broken(), broken(Reason.TIMEOUT), broken(Reason.CONNECTION))
    assert (await run(attempts), attempts.slept) == (("page", 4), [0.5, 1.0, 2.0])


async def test_the_last_error_is_raised_with_the_number_of_attempts() -> None:
    with pytest.raises(FetchError) as caught:
        await run(Attempts(broken(), broken(), broken()), max_attempts=2)
    assert caught.value.attempts == 2


@pytest.mark.parametrize(
    "error",
    [
        PageGone(URL, 404),
        PageGone(URL, 410),
        broken(Reason.HTTP_4XX),
        broken(Reason.BODY_TOO_LARGE),
        broken(Reason.TLS),
    ],
)
async def test_what_no_retry_cures_is_tried_once(error: FetchError) -> None:
    attempts = Attempts(error)
    with pytest.raises(FetchError):
        await run(attempts)
    assert (error.attempts, attempts.slept) == (1, [])


async def test_retry_after_is_honoured() -> None:
    attempts = Attempts(RateLimited(URL, 7.0))
    await run(attempts)
    assert attempts.slept == [7.0]


async def test_retry_after_is_capped_at_a_minute() -> None:
    attempts = Attempts(RateLimited(URL, 21_600.0))
    await run(attempts)
    assert attempts.slept == [60.0]


@given(st.integers(1, 1000), st.floats(0, 1, exclude_max=True))
def test_back_off_is_never_longer_than_its_cap(attempt: int, draw: float) -> None:
    assert 0 <= delay_before_retry_s(broken(), attempt, random=lambda: draw) <= 30


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("99999999999", 1e9),
        ("9" * 400, 1e9),
        ("Fri, 01 Mar 2024 06:01:30 GMT", 90.0),
        ("Fri, 01 Mar 2024 05:00:00 GMT", 0.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("Fri, 99 Mar 2024 05:00:00 GMT", None),
    ],
)
def test_retry_after_has_two_forms(header: str | None, seconds: float | None) -> None:
    assert parse_retry_after(header, now=NOW) == seconds


@given(st.text(max_size=40))
def test_any_retry_after_is_seconds_or_none(header: str) -> None:
    seconds = parse_retry_after(header, now=NOW)
    assert seconds is None or seconds >= 0
