"""What an error says of a page is one line that can be stored, whatever the server wrote."""

from hypothesis import given
from hypothesis import strategies as st

from scraper.errors import PageError
from scraper.models import Reason


def failure_detail(detail: str) -> str:
    return PageError("https://books.example/", Reason.UNSUPPORTED_CONTENT, detail).as_failure().detail


def test_a_short_line_stays_as_it_is() -> None:
    assert failure_detail("content type image/png is not a page: café") == "content type image/png is not a page: café"


def test_halves_of_characters_control_characters_and_line_breaks_are_replaced() -> None:
    assert failure_detail("a\ud800b\x00\r\nc\u2028d") == "a?b c d"


def test_nothing_that_cannot_be_printed_is_shown() -> None:
    assert failure_detail("a\u202eb\ue000c\u200bd\xa0e") == "a b c d e"


@given(st.text(st.characters(exclude_categories=[]), max_size=3000))
def test_any_text_is_one_line_that_fits_storage(text: str) -> None:
    detail = failure_detail(text * 3)
    assert len(detail.encode()) <= 4000
    assert detail.isprintable()
