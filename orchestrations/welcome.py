"""The smoke test of a deployment: an activity that fails now and then, once, then twice in parallel."""

from collections.abc import Generator
from typing import Any, Final

from azure.durable_functions import DurableOrchestrationContext, RetryOptions

from orchestrations import names

ATTEMPTS: Final = 5
FIVE_TIMES = RetryOptions(first_retry_interval_in_milliseconds=1_000, max_number_of_attempts=ATTEMPTS)


class WelcomeFailed(Exception):
    """An activity failed on every attempt; the message says which, and how."""


def welcome(context: DurableOrchestrationContext) -> Generator[Any, Any, str]:
    """Welcome One, then Two and Three side by side. Takes no input; returns the three texts, joined with spaces."""
    try:
        first = yield _say_welcome(context, "One")
        others = yield context.task_all([_say_welcome(context, "Two"), _say_welcome(context, "Three")])
    except Exception as fault:
        text = f"{names.SAY_WELCOME} failed on all {ATTEMPTS} attempts; the last one: {fault}"
        raise WelcomeFailed(text) from fault
    return " ".join([first, *others])


def _say_welcome(context: DurableOrchestrationContext, name: str) -> Any:
    return context.call_activity_with_retry(names.SAY_WELCOME, FIVE_TIMES, {"name": name})
