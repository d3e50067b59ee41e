"""The start of an instance whose time has come."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import azure.durable_functions as df

from orchestrations import names
from scraper import clock
from scraper.run_log import log_context, run_logger
from scraper.settings import app_settings
from starts.later import LaterStart
from starts.singleton import RunAlreadyLive, Start, start_singleton
from storage.ledger.hub import is_live, is_of
from storage.ledger.skips import Skip, SkipReason
from storage.store import Store, open_store
from storage.ticket import StopMode

# The hub's times and ours come from different clocks.
CLOCK_SKEW: Final = timedelta(seconds=1)

logger = run_logger(__name__)


async def start_instance(payload: dict, client: df.DurableOrchestrationClient) -> dict[str, Any]:
    """Start what LaterStart names, once. Input: its fields.

    Returns `code` (`started`, `held`, `waiting`, `paused`, `cancelled`), `reason` and `holder`.
    """
    settings = app_settings()
    store = open_store(settings)
    later = LaterStart.of_input(payload)
    due_start = _DueStart(client, store, later)
    start = Start(
        later.orchestrator,
        later.instance_id,
        later.payload,
        later.started_by,
        unless=due_start.is_over,
        claim=later.claim,
    )
    try:
        await start_singleton(client, store.tickets, start, grace=settings.start_grace)
    except RunAlreadyLive as refusal:
        return await due_start.refused(refusal)
    return _answer("started")


@dataclass(frozen=True, slots=True)
class _DueStart:
    """A start that is due, and what may keep it from happening."""

    client: df.DurableOrchestrationClient
    store: Store
    later: LaterStart

    async def is_over(self) -> bool:
        """True if the start must not happen any more."""
        return bool(await self.why_not())

    async def why_not(self) -> str:
        """Why the start must not happen any more; empty if it still may."""
        status = await self.client.get_status(self.later.instance_id)
        if is_of(status, self.later.orchestrator) and status.created_time >= self.later.due_at - CLOCK_SKEW:
            return "started"  # by an earlier attempt of this step, whose answer was lost
        if await self.store.schedules.is_start_cancelled(self.later.claim):
            return "cancelled"
        if self.later.waits and (await self.store.schedules.read(names.DAILY_SCRAPE)).paused:
            return SkipReason.PAUSED
        return ""

    async def refused(self, refusal: RunAlreadyLive) -> dict[str, Any]:
        """What it means that the singleton could not be had."""
        holder = refusal.ticket
        holder_id = holder.instance_id if holder is not None else ""
        has_own_ticket = holder is not None and holder.claim == self.later.claim
        if self.later.waits and not has_own_ticket:
            return _answer("waiting", reason=str(refusal), holder=holder_id)
        code = await self.why_not()
        if not code and has_own_ticket and holder is not None and holder.stop is StopMode.NOW:
            return _answer("cancelled")  # an earlier attempt took the ticket, and somebody stopped what it began
        if code == SkipReason.PAUSED:
            return await self.ended(SkipReason.PAUSED, reason="the schedule was paused while the start waited")
        if not code and not has_own_ticket:
            return await self.ended(SkipReason.HELD, reason=str(refusal), holder=holder_id)
        if not code and not await is_live(self.client, self.later.instance_id, of=self.later.orchestrator):
            return _answer("waiting")  # what spoke against it a moment ago does not any more
        return _answer(code or "started")  # an earlier attempt took the ticket, and its instance lives

    async def ended(self, code: SkipReason, *, reason: str, holder: str = "") -> dict[str, Any]:
        """The answer to a start that did not happen, which is written down in the ledger."""
        later = self.later
        skip = Skip(clock.utc_now(), later.instance_id, later.started_by, code, holder, reason, later.due_at)
        await self.store.skips.record(skip)
        with log_context(run_id=later.instance_id if later.orchestrator == names.DAILY_SCRAPE else ""):
            logger.warning("skipped the start of '%s' (due %s): %s", later.instance_id, later.due, reason)
        return _answer(code, reason=reason, holder=holder)


def _answer(code: str, *, reason: str = "", holder: str = "") -> dict[str, Any]:
    return {"code": str(code), "reason": reason, "holder": holder}
