"""What the app takes from the environment of its host must be what the host itself reads there."""

from __future__ import annotations

import os

import pytest

from devhost.functions.app_rules import _is_disabled
from scraper.host_facts import HostFacts


@pytest.mark.parametrize(
    ("setting", "value", "is_off"),
    [
        ("AzureWebJobs.daily_timer.Disabled", "true", True),
        ("AzureWebJobs_daily_timer_Disabled", "true", True),
        ("AzureWebJobs_daily_timer_Disabled", "1", True),
        ("azurewebjobs_DAILY_TIMER_disabled", "True", True),
        ("AzureWebJobs__daily_timer__Disabled", "true", False),
        ("AzureWebJobs_daily_timer_Disabled", "false", False),
        ("AzureWebJobs_daily_timer_Disabled", "yes", False),
        ("AzureWebJobs_watchdog_Disabled", "true", False),
    ],
)
def test_the_timer_is_off_for_the_app_whenever_it_is_off_for_the_host(
    monkeypatch: pytest.MonkeyPatch, setting: str, value: str, is_off: bool
) -> None:
    monkeypatch.setenv(setting, value)
    assert HostFacts.of_environment().has_no_timer is is_off
    assert _is_disabled("daily_timer", os.environ) is is_off
