"""The orchestrations of a run in the task hub, and their end."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from azure.durable_functions import OrchestrationRuntimeStatus as Status

from orchestrations import names
from scraper.run_log import run_logger
from storage.ledger.hub import HubClient, is_live, is_live_status
from storage.ledger.runs import RunRecord
from storage.store import Store

HUB_POLLS = 100
LAST_STEP_POLLS = 10
HUB_POLL_S = 0.1

logger = run_logger(__name__)


class StoppingClient(HubClient, Protocol):
    """The part of the SDK's durable client that a stop needs."""

    async def terminate(self, instance_id: str, reason: str) -> None:
        """End an instance; raises a plain Exception if there is none."""


async def terminate_run(client: StoppingClient, store: Store, run: RunRecord) -> None:
    """End the run's orchestration, then its children, and wait a moment until its ID can be used again.

    Only tidying up: nothing that these do counts any more, and each would end by itself at its next step.
    """
    if await _may_be_ended(store, run):
        await _terminate(client, run.run_id, run.reason or "the run has ended", of=names.DAILY_SCRAPE)
    await _terminate_numbered(client, run, lambda chain: names.chain_instance_id(run.run_id, run.epoch, chain))
    await asyncio.gather(*(_terminate_source(client, run, source) for source in run.sources))
    for _ in range(HUB_POLLS):
        if not await is_live(client, run.run_id, of=names.DAILY_SCRAPE) or not await _may_be_ended(store, run):
            return
        await asyncio.sleep(HUB_POLL_S)
    logger.warning("the hub has not ended the orchestration '%s' yet; its ID cannot be used again so far", run.run_id)


async def end_what_is_left(client: StoppingClient, store: Store, run: RunRecord | None) -> None:
    """End the orchestration of a run whose record tells its end already, unless that ends by itself in a moment.

    It holds the singleton until then; and one that was suspended in its last step would do so for ever.
    """
    if run is None:
        return
    for _ in range(LAST_STEP_POLLS):
        status = await client.get_status(run.run_id)
        if not is_live_status(status, of=names.DAILY_SCRAPE):
            return
        if status.runtime_status is Status.Suspended:
            break
        await asyncio.sleep(HUB_POLL_S)
    await terminate_run(client, store, run)


async def _may_be_ended(store: Store, run: RunRecord) -> bool:
    """False once somebody has taken the ticket for this very ID again: the instance may be the new run then.

    The hub ends instances by ID only, so this look is as near as one can get.
    """
    ticket = await store.tickets.read(names.DAILY_SCRAPE)
    return ticket is None or ticket.instance_id != run.run_id or ticket.epoch == run.epoch


async def _terminate_source(client: StoppingClient, run: RunRecord, source: str) -> None:
    """End a source's orchestration, then its lanes; they do not end with their parents."""
    instance_id = names.source_instance_id(run.run_id, run.epoch, source)
    await _terminate(client, instance_id, run.reason)
    await _terminate_numbered(client, run, lambda lane: names.lane_instance_id(instance_id, lane))


async def _terminate_numbered(client: StoppingClient, run: RunRecord, instance_id: Callable[[int], str]) -> None:
    """End the instances of these IDs, counted from 0 until there is none."""
    number = 0
    while await client.get_status(instance_id(number)):
        await _terminate(client, instance_id(number), run.reason)
        number += 1


async def _terminate(client: StoppingClient, instance_id: str, reason: str, *, of: str = "") -> None:
    if not await is_live(client, instance_id, of=of):
        return
    try:
        await client.terminate(instance_id, reason)
    except Exception:
        # The SDK has no narrower type. It may have ended by itself; if not, its next step ends it.
        logger.warning("could not end the orchestration '%s'", instance_id, exc_info=True)
