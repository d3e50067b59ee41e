"""Every durable name, once. A name never changes while instances of it live."""

import re
from typing import Final

DAILY_SCRAPE: Final = "daily_scrape"
SCRAPE_CHAIN: Final = "scrape_chain"
SCRAPE_SOURCE: Final = "scrape_source"
SCRAPE_LANE: Final = "scrape_lane"
START_LATER: Final = "start_later"
WATCH_SOURCE: Final = "watch_source"
WORKFLOW: Final = "workflow"
WELCOME: Final = "welcome"
PURGE_EXPIRED: Final = "purge_expired"

CLAIM_RUN: Final = "claim_run"
PLAN_SOURCE: Final = "plan_source"
SCRAPE_BATCH: Final = "scrape_batch"
PUBLISH_SOURCE: Final = "publish_source"
FINISH_RUN: Final = "finish_run"
START_INSTANCE: Final = "start_instance"
SAY_WELCOME: Final = "say_welcome"
PURGE_SLICE: Final = "purge_slice"

# The event that ends a watch.
STOP: Final = "stop"

# What a caller may start by name. The others are parts of these and would run outside the singleton.
STARTABLE: Final = (DAILY_SCRAPE, WATCH_SOURCE, WELCOME)

# Of these at most one instance lives at a time, whatever its ID; of all others, one per instance ID.
SINGLETONS_BY_NAME: Final = frozenset({DAILY_SCRAPE})


def singleton_key(orchestrator: str, instance_id: str) -> str:
    """The name under which a start competes with others."""
    return orchestrator if orchestrator in SINGLETONS_BY_NAME else f"{orchestrator}:{instance_id}"


def chain_instance_id(run_id: str, epoch: int, chain: int) -> str:
    """The sources of a run that take turns; chains count from 0, and no source's name begins like that."""
    return f"{run_id}:{epoch}:~{chain}"


def source_instance_id(run_id: str, epoch: int, source: str) -> str:
    """The orchestration of one source of a run; the epoch, since a run ID can be started again."""
    return f"{run_id}:{epoch}:{source}"


def lane_instance_id(source_instance: str, lane: int, level: int = 0) -> str:
    """One lane of a source's orchestration; lanes count from 0 at each level of links."""
    return f"{source_instance}:{level}:{lane}" if level else f"{source_instance}:{lane}"


# The one start of the daily scrape that may wait for the run before it to end.
BUFFERED_SCRAPE: Final = f"buffered:{DAILY_SCRAPE}"

# There is one purge at a time: this is the one instance ID that it can have.
PURGE_ID: Final = "purge:expired"


def later_id(instance_id: str) -> str:
    """The instance that waits until it is time to start `instance_id`."""
    return f"later:{instance_id}"


def watch_id(source: str) -> str:
    """The one instance ID that the watch of a source can have: so there is one watch per source."""
    return f"watch:{source}"


INSTANCE_ID_LENGTH: Final = 256
RUN_ID_LENGTH: Final = 100  # the IDs of a run's children are made from it
_INSTANCE_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:~-]*")


def run_id_problem(text: str) -> str:
    """Why `text` cannot be the ID of a run; empty if it can."""
    return instance_id_problem(text, longest=RUN_ID_LENGTH)


def instance_id_problem(text: str, *, longest: int = INSTANCE_ID_LENGTH) -> str:
    """Why `text` cannot be the ID of an instance that we start; empty if it can.

    The SDK and the durable API put IDs into URLs as they are: what a URL would change, or read as a path, would
    become another instance there.
    """
    if len(text) > longest:
        return f"it has {len(text)} characters; at most {longest} are allowed"
    if not _INSTANCE_ID.fullmatch(text):
        return "it must begin with a letter or digit and have only letters, digits and - _ . : ~"
    return ""
