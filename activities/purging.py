"""One slice of the purge."""

from datetime import timedelta
from typing import Any, Final

import azure.durable_functions as df

from orchestrations import names
from scraper import clock
from scraper.settings import app_settings
from storage.purge.stages import purge_slice as purge
from storage.purge.work import Slice, Work
from storage.store import open_store

RECORDS_STAY: Final = timedelta(days=8)
"""Records of runs and skips are kept for so long at least: a queue gives a message again for seven days, and a tick may
be caught up for as long. They say that the run has been.
"""


async def purge_slice(payload: dict, client: df.DurableOrchestrationClient) -> dict[str, Any]:
    """Delete some of what has expired. Input: `work`, None to begin a purge.

    Returns the rest of the `work`, None once there is none, and the counts of what was `deleted`, by what it was. A
    repeat goes on with what is left.
    """
    settings = app_settings()
    now, told = clock.utc_now(), payload["work"]
    longest = Work(now - settings.retention, now - max(settings.retention, RECORDS_STAY))
    work = longest if told is None else Work.of_json(told).within(longest)
    part = Slice(open_store(settings), client, names.DAILY_SCRAPE, now)
    rest = await purge(part, work)
    return {"work": rest and rest.as_json(), "deleted": {what: count for what, count in part.deleted.items() if count}}
