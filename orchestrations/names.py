"""Every durable name, once. A name never changes while instances of it live."""

from typing import Final

DAILY_SCRAPE: Final = "daily_scrape"
SCRAPE_SOURCE: Final = "scrape_source"
SCRAPE_LANE: Final = "scrape_lane"

CLAIM_RUN: Final = "claim_run"
PLAN_SOURCE: Final = "plan_source"
SCRAPE_BATCH: Final = "scrape_batch"
PUBLISH_SOURCE: Final = "publish_source"
FINISH_RUN: Final = "finish_run"

# What a caller may start by name. The others are parts of these and would run outside the singleton.
STARTABLE: Final = (DAILY_SCRAPE,)

# Of these at most one instance lives at a time, whatever its ID; of all others, one per instance ID.
SINGLETONS_BY_NAME: Final = frozenset({DAILY_SCRAPE})


def singleton_key(orchestrator: str, instance_id: str) -> str:
    """The name under which a start competes with others."""
    return orchestrator if orchestrator in SINGLETONS_BY_NAME else f"{orchestrator}:{instance_id}"
