"""Rows of durable/4 that no caller can see, driven episode by episode with the real SDK."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import pytest

from devhost.durable.instance import RuntimeStatus
from tests.helpers.durable_driver import RULES, START, Driver

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

row = pytest.mark.row
Context = df.DurableOrchestrationContext
Steps = Generator[Any, Any, Any]


@row("durable/4.7/long-timer-value")
def test_a_long_timer_gives_a_list_of_none() -> None:
    def patient(context: Context) -> Steps:
        return (yield context.create_timer(context.current_utc_datetime + timedelta(days=7)))

    driver = Driver(patient)
    driver.run()
    while driver.status is RuntimeStatus.RUNNING:
        ((timer_id, fire_at),) = driver.last.effects.timers
        driver.now = fire_at
        driver.fire(timer_id)
        driver.run()
    assert driver.last.output_text == "[null]"


@row("durable/4.7/long-timer-cancel")
def test_a_cancelled_long_timer_holds_up_the_end_until_its_piece_fires() -> None:
    def impatient(context: Context) -> Steps:
        timer = context.create_timer(context.current_utc_datetime + timedelta(days=10))
        yield context.task_any([timer, context.call_activity("A")])
        timer.cancel()

    driver = Driver(impatient)
    driver.run()
    ((timer_id, fire_at),) = driver.last.effects.timers
    driver.complete(1 - timer_id)
    assert (driver.run().runtime_status, fire_at) == (RuntimeStatus.RUNNING, START + timedelta(days=3))
    driver.now = fire_at
    driver.fire(timer_id)
    assert driver.run().runtime_status is RuntimeStatus.COMPLETED


@row("durable/4.13/no-activities")
def test_an_app_without_activities_is_told_so() -> None:
    def lost(context: Context) -> Steps:
        yield context.call_activity("A")

    driver = Driver(lost, rules=replace(RULES, activity_names=()))
    assert driver.run().output_text == (
        "Orchestrator function 'main' failed: The function 'A' doesn't exist, is disabled, or is not an activity "
        "function. Additional info: No activity functions are currently registered!"
    )
