from __future__ import annotations

from devhost.workers.restart_budget import RestartBudget


def test_three_quick_failures_of_one_process_are_too_many():
    budget = RestartBudget(1)
    assert [budget.failed(now) for now in (0.0, 1.0, 2.0)] == [0.1, 0.2, None]


def test_two_processes_may_fail_twice_as_often():
    budget = RestartBudget(2)
    assert [budget.failed(now) is None for now in range(6)] == [False, False, False, False, False, True]


def test_failures_of_more_than_two_minutes_ago_do_not_count():
    budget = RestartBudget(1)
    assert [budget.failed(now) for now in (0.0, 1.0, 122.0, 123.0, 124.0)] == [0.1, 0.2, 0.1, 0.2, None]
