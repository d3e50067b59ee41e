"""What a server's answers do to the pace at which it is asked."""

from datetime import UTC, datetime

import pytest

from scraper.errors import FetchError, LongPauseAsked, PageGone, RateLimited
from scraper.fetch.answers import FetchedPage
from scraper.fetch.limits import FetchLimits
from scraper.manners.polite_fetch import polite_fetch
from scraper.manners.politeness import Pace
from scraper.manners.retries import LONGEST_PAUSE_S
from scraper.models import Reason, Share


class Answers:
    """Answers each fetch with the next of `answers`: the page's body, or what to raise."""

    def __init__(self, *answers: bytes | FetchError) -> None:
        self.answers = list(answers)

    async def fetch(self, url: str, limits: FetchLimits, **_: object) -> FetchedPage:
        answer = self.answers.pop(0)
        if isinstance(answer, FetchError):
            raise answer
        return FetchedPage(url, url, 200, answer, "text/html", None, datetime(2024, 3, 1, tzinfo=UTC))


@pytest.mark.parametrize("status", [429, 503])
async def test_a_complaining_server_slows_all_pages_of_the_pace_down_and_a_good_answer_up_again(status: int) -> None:
    refusal = FetchError("u", Reason.HTTP_5XX, "busy", status=status)
    pace = Pace(Share(concurrency=1))
    fetch = polite_fetch(Answers(refusal, b"x"), FetchLimits(), pace=pace, max_attempts=1)
    with pytest.raises(FetchError):
        await fetch("u")
    assert pace.slowdown == 2.0
    await fetch("u")
    assert 1.0 < pace.slowdown < 2.0


async def test_a_page_that_is_not_there_slows_nothing_down() -> None:
    pace = Pace(Share(concurrency=1))
    with pytest.raises(PageGone):
        await polite_fetch(Answers(PageGone("u", 404)), FetchLimits(), pace=pace, max_attempts=1)("u")
    assert pace.slowdown == 1.0


@pytest.mark.parametrize("seconds", [61.0, 3600.0, LONGEST_PAUSE_S])
async def test_a_pause_that_is_too_long_to_be_waited_for_is_handed_on(seconds: float) -> None:
    fetch = polite_fetch(
        Answers(RateLimited("u", seconds)), FetchLimits(), pace=Pace(Share(concurrency=1)), max_attempts=3
    )
    with pytest.raises(LongPauseAsked) as caught:
        await fetch("u")
    assert caught.value.seconds == seconds


async def test_a_pause_of_more_than_six_hours_fails_the_page_at_its_first_attempt() -> None:
    refusal = RateLimited("u", LONGEST_PAUSE_S + 1)
    fetch = polite_fetch(Answers(refusal), FetchLimits(), pace=Pace(Share(concurrency=1)), max_attempts=3)
    with pytest.raises(RateLimited):
        await fetch("u")
