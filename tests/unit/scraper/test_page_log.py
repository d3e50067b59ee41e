"""Failed pages in the log."""

import logging

import pytest

from scraper.models import PageFailure, Reason
from scraper.page_log import log_failed_pages
from scraper.run_log import log_context

GONE = PageFailure(url="https://books.example/a", reason=Reason.HTTP_404, detail="the server answered 404", status=404)


def test_a_failed_page_is_one_warning_with_source_url_reason_and_attempts(caplog: pytest.LogCaptureFixture) -> None:
    with log_context(run_id="r", source="books"):
        log_failed_pages([GONE])
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        "page failed: http_404 after 1 attempt(s): the server answered 404 "
        "[run_id=r source=books url=https://books.example/a]"
    )
    fields = vars(record)
    assert (fields["url"], fields["reason"], fields["attempts"]) == (GONE.url, "http_404", 1)


def test_a_detail_of_a_site_stays_on_its_line(caplog: pytest.LogCaptureFixture) -> None:
    log_failed_pages([GONE.model_copy(update={"detail": "not a number: '1\n2'"})])
    assert "\n" not in caplog.messages[0]


def test_of_very_many_failures_the_first_are_logged_and_the_others_counted(caplog: pytest.LogCaptureFixture) -> None:
    log_failed_pages([GONE] * 105)
    assert len(caplog.messages) == 101
    assert caplog.messages[-1] == "5 more pages failed; the run's failures list them"
