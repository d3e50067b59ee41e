"""The judge of manners accepts what keeps to the limits, and finds what does not, however little that is."""

import pytest

from tests.helpers.manners_judge import Limits, Visit, complaints, most_in_a_second, visits_by_host

LIMITS = Limits(requests_per_second=10, concurrency=3, disallowed=("/private/", "/books/7.html"))


def requests(gap_s: float, *, takes_s: float = 0.0, doubt_s: float = 0.0, count: int = 50) -> list[Visit]:
    """Evenly spaced ones."""
    return [
        Visit(f"/books/{1000 + number}.html", start_s - doubt_s, start_s, start_s + takes_s)
        for number, start_s in enumerate(100 + gap_s * number for number in range(count))
    ]


def test_requests_that_keep_to_the_limits_are_accepted() -> None:
    assert complaints(requests(0.102, takes_s=0.3), LIMITS) == []


def test_twice_the_rate_is_found() -> None:
    assert complaints(requests(0.05), LIMITS) == ["20 requests in a second, allowed are 10"]


def test_a_rate_that_is_a_little_too_high_is_found() -> None:
    assert complaints(requests(0.099), LIMITS) == ["11 requests in a second, allowed are 10"]


def test_a_single_request_too_many_is_found() -> None:
    one = Visit("/robots.txt", 102.05, 102.05, 102.06)
    visits = sorted([*requests(0.102), one], key=lambda visit: visit.start_s)
    assert complaints(visits, LIMITS) == ["11 requests in a second, allowed are 10"]


def test_what_the_site_was_late_to_see_is_no_proof() -> None:
    assert complaints(requests(0.099, doubt_s=0.02), LIMITS) == []
    assert complaints(requests(0.05, doubt_s=0.02), LIMITS) != []


def test_requests_that_were_late_are_no_proof_and_the_doubled_rate_is() -> None:
    assert most_in_a_second(requests(0.08), late_s=0.3) == 9
    assert most_in_a_second(requests(0.05), late_s=0.32) == 14


def test_one_request_too_many_at_once_is_found() -> None:
    assert complaints(requests(0.11, takes_s=0.34), LIMITS) == ["4 requests at once, allowed are 3"]


def test_a_request_that_was_never_answered_goes_on() -> None:
    entry = {"host": "a:1", "path": "/", "not_before_s": 1.0, "start_s": 1.0, "end_s": None}
    log = [{**entry, "start_s": start_s} for start_s in (1.0, 11.0, 21.0, 31.0)]
    assert complaints(visits_by_host(log)["a"], LIMITS) == ["4 requests at once, allowed are 3"]


def test_a_request_may_begin_when_another_ends() -> None:
    assert complaints(requests(0.125, takes_s=0.375), LIMITS) == []


@pytest.mark.parametrize(
    ("gap_s", "found"), [(0.5, []), (0.49, ["0.490 s between two requests, the crawl delay is 0.5 s"])]
)
def test_requests_that_come_before_the_crawl_delay_is_over_are_found(gap_s: float, found: list[str]) -> None:
    assert complaints(requests(gap_s), Limits(10, 3, crawl_delay_s=0.5)) == found


def test_every_disallowed_page_is_found() -> None:
    pages = [
        Visit(path, at_s, at_s, at_s) for at_s, path in enumerate(["/private/1", "/books/7.html?a", "/books/8.html"])
    ]
    assert complaints(pages, LIMITS) == ["/books/7.html?a is disallowed", "/private/1 is disallowed"]


def test_a_host_is_the_same_at_all_its_ports() -> None:
    entry = {"path": "/", "not_before_s": 1.0, "start_s": 1.0, "end_s": 2.0}
    found = visits_by_host({**entry, "host": host} for host in ("127.0.0.1:80", "localhost:80", "127.0.0.1:81"))
    assert {host: len(visits) for host, visits in found.items()} == {"127.0.0.1": 2, "localhost": 1}
