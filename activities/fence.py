"""The fence: may this step still work for its run?"""

import asyncio
from collections.abc import Mapping
from typing import Any

from orchestrations import names
from storage.hub import HubClient, is_live
from storage.store import Store

WHY_NOT = "the run was ended, or a newer one has begun"


async def may_go_on(store: Store, client: HubClient, payload: Mapping[str, Any]) -> bool:
    """True while the run of `payload` (`run_id`, `epoch`) holds the singleton and its orchestration lives.

    Terminating an orchestration does not end its children: they go on until one of their steps asks here.
    """
    ticket, run_is_live = await asyncio.gather(
        store.tickets.read(names.DAILY_SCRAPE), is_live(client, payload["run_id"])
    )
    return run_is_live and ticket is not None and ticket.is_of(payload["run_id"], payload["epoch"])
