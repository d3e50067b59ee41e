"""What the first step of a run finds out about runs before it, and writes down of them."""

from collections.abc import Mapping
from typing import Any

from azure.core.exceptions import ResourceNotFoundError

from orchestrations import names
from storage.ledger.hub import HubClient
from storage.ledger.runs import UNCLAIMED, RunRecord
from storage.outcomes.run_ends import with_its_end
from storage.store import Store


async def own_epoch(store: Store, payload: Mapping[str, Any]) -> int | None:
    """The epoch that this execution was started with, if it is its own.

    A restart, which the hub does without us, brings the input of the run that it repeats; that one has used its epoch.
    """
    epoch: int | None = payload["epoch"]
    if epoch is None:
        return None
    try:
        user = await store.runs.of_epoch(epoch)
    except ResourceNotFoundError:
        return epoch
    is_ours = user.run_id == payload["run_id"] and user.claim in {payload["claim"], UNCLAIMED}
    return epoch if is_ours else None


async def end_the_run_before(client: HubClient, store: Store, run: RunRecord) -> None:
    """Write down how the run before this one ended, if it could not do so itself: soon the hub may have forgotten it.

    It has ended, since this one has got the singleton; only a stop may still be at it.
    """
    page, _ = await store.runs.newest(limit=1, before_epoch=run.epoch)
    for before in page:
        ended = await with_its_end(client, store, before, of=names.DAILY_SCRAPE)
        if ended.outcome is not None:
            await store.runs.end(ended)
