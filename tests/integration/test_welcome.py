"""The orchestrator `welcome` in the real SDK and engine: its order, its retries, and how it fails."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from activities.welcome import FailedOnPurpose, say_welcome
from devhost.testing import Host, survive_every_crash
from tests.helpers.scrape_host import REPOSITORY

WELCOMED = "Welcome One Welcome Two Welcome Three"


def scripted(failures: Mapping[str, int]) -> Any:
    """A say_welcome that fails so often for each name, then works."""
    left = dict(failures)

    def say(payload: dict[str, Any]) -> str:
        name = payload["name"]
        if left.get(name, 0) > 0:
            left[name] -= 1
            raise OSError(f"{name} is out")
        return f"Welcome {name}"

    return say


def attempts(host: Host) -> Counter[str]:
    return Counter(call.input["name"] for call in host.calls)


async def test_the_three_welcomes_are_joined_with_spaces_in_their_order() -> None:
    async with Host(REPOSITORY, activities={"say_welcome": scripted({})}) as host:
        run = await host.start("welcome")
        assert (await host.wait_for(run)).output == WELCOMED
        assert attempts(host) == {"One": 1, "Two": 1, "Three": 1}


async def test_the_first_is_over_before_the_two_others_begin_side_by_side() -> None:
    async with Host(REPOSITORY) as host:

        async def slow(payload: dict[str, Any]) -> str:
            await host.clock.sleep(60)
            return str(payload["name"])

        host.replace_activity("say_welcome", slow)
        run = await host.start("welcome")
        await host.advance(seconds=59)
        assert attempts(host) == {"One": 1}
        await host.advance(seconds=2)
        assert attempts(host) == {"One": 1, "Two": 1, "Three": 1}
        await host.advance(seconds=60)
        assert (await host.status(run)).output == "One Two Three"


async def test_four_failures_of_each_are_retried_a_second_apart_and_leave_no_trace() -> None:
    async with Host(REPOSITORY, activities={"say_welcome": scripted({"One": 4, "Two": 4, "Three": 4})}) as host:
        run = await host.start("welcome")
        assert (await host.wait_for(run)).output == WELCOMED
        first = [call.at for call in host.calls if call.input["name"] == "One"]
        assert attempts(host) == {"One": 5, "Two": 5, "Three": 5}
    assert [(at - first[0]).total_seconds() for at in first] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("name", "tried"),
    [("One", {"One": 5}), ("Two", {"One": 1, "Two": 5, "Three": 1}), ("Three", {"One": 1, "Two": 1, "Three": 5})],
)
async def test_five_failures_of_any_fail_the_orchestration_and_its_error_says_which(
    name: str, tried: dict[str, int]
) -> None:
    async with Host(REPOSITORY, activities={"say_welcome": scripted({name: 99})}) as host:
        run = await host.start("welcome")
        failed = await host.wait_for(run, "Failed")
        assert attempts(host) == tried
    assert "say_welcome failed on all 5 attempts" in failed.output
    assert f"{name} is out" in failed.output


async def test_a_crash_at_any_write_changes_nothing_of_the_result() -> None:
    async def scenario(host: Host) -> Any:
        host.replace_activity("say_welcome", scripted({"Two": 1}))
        run = await host.start("welcome")
        return (await host.wait_for(run)).output

    report = await survive_every_crash(REPOSITORY, scenario)
    assert report.outcome == WELCOMED
    assert report.crashes == 2 * report.writes > 10


@pytest.mark.parametrize(("percent", "dice"), [("20", 0.19), ("100", 0.99), ("0.5", 0.0)])
async def test_an_attempt_whose_dice_fall_below_the_percentage_fails_and_says_so(
    percent: str, dice: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WELCOME_FAILURE_PERCENT", percent)
    monkeypatch.setattr(random, "random", lambda: dice)
    with pytest.raises(FailedOnPurpose, match=r"'One' was not welcomed; [0-9.]+ % of all attempts fail on purpose"):
        await say_welcome({"name": "One"})


@pytest.mark.parametrize(("percent", "dice"), [("20", 0.2), ("0", 0.0)])
async def test_an_attempt_whose_dice_reach_the_percentage_works(
    percent: str, dice: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WELCOME_FAILURE_PERCENT", percent)
    monkeypatch.setattr(random, "random", lambda: dice)
    assert await say_welcome({"name": "One"}) == "Welcome One"
