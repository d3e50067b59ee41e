"""Runs a function again after a failure, as its retry policy says."""

import logging
import random
from collections.abc import Awaitable, Callable

from devhost.clock import Clock
from devhost.errors import FunctionFailed
from devhost.functions.context import RetryContext, RpcException
from devhost.timers.retry_policy import RetryPolicy

Attempt = Callable[[RetryContext | None], Awaitable[object]]
"""One run; raises FunctionFailed, already logged."""


async def run_with_retries(
    attempt: Attempt,
    policy: RetryPolicy | None,
    *,
    clock: Clock,
    logger: logging.Logger,
    jitter: Callable[[], float] = random.random,
) -> None:
    """Run until an attempt succeeds or the policy is used up; without a policy once.

    Raises the FunctionFailed of the last attempt. The pauses are those of the clock.
    """
    if policy is None:
        await attempt(None)
        return
    next_delay_s = policy.delays(jitter)
    context = RetryContext(0, policy.max_retry_count)
    while True:
        try:
            await attempt(context)
            return
        except FunctionFailed as failed:
            count = context.retry_count + 1
            if not policy.allows(count):
                raise
            context = RetryContext(count, policy.max_retry_count, _exception(failed))
            delay_s = next_delay_s()
            logger.warning(
                "The function '%s' runs again in %g s: retry %d of %s.",
                failed.function_name,
                round(delay_s, 3),
                count,
                policy.max_retry_count if policy.max_retry_count >= 0 else "any number",
            )
        await clock.sleep(delay_s)


def _exception(failed: FunctionFailed) -> RpcException:
    return RpcException(
        source=failed.function_name, stack_trace=failed.stack, message=f"{failed.error_type}: {failed.message}"
    )
