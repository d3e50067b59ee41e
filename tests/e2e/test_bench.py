"""`make bench` in small: that it measures whole runs, and what it prints of them."""

import re

import pytest

from tests.bench.scrape import main, report_growth
from tests.bench.scrape_runs import Figures


@pytest.mark.timeout(120)
def test_a_run_is_measured_against_the_plain_script(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--pages", "40", "--latency-ms", "0", "--workers", "2", "--rounds", "1"])
    printed = capsys.readouterr().out
    assert code == 0
    assert re.search(r"plain: +[\d.]+ s +\d+ pages/s, processor +[\d.]+ s, peak \d+ MB\n", printed), printed
    assert re.search(r"2 workers: .* peak \d+\+\d+\+\d+ MB, largest history [\d,]+ bytes\n +ratio \d", printed), printed


def test_growth_is_told_as_an_exponent_of_the_pages(capsys: pytest.CaptureFixture[str]) -> None:
    cases = {1000: {1: [Figures(2.0, 1.0, (100.0,))]}, 4000: {1: [Figures(8.0, 16.0, (100.0,))]}}
    report_growth(cases)
    told = "  exponent from 1,000 to 4,000 pages, 1 worker: time 1.00, processor time 2.00\n"
    assert capsys.readouterr().out == told
