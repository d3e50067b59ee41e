"""The daily tick: gather the facts, decide, act."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import azure.durable_functions as df
import azure.functions as func

from orchestrations import names
from scraper import clock
from scraper.run_log import log_context, run_logger
from scraper.settings import Settings, app_settings
from starts.later import find_scheduled, start_when_free
from starts.singleton import RunAlreadyLive, Start, start_singleton
from storage.ledger.hub import is_live
from storage.ledger.locks import is_held
from storage.ledger.skips import Skip, SkipReason
from storage.store import Store, open_store
from storage.ticket import StopMode, Ticket, TicketState
from triggers.runs.stop import RunHasEnded, RunNotFound, stop_run
from triggers.schedule.decision import Act, Decision, Facts, decide
from triggers.schedule.ticks import owed_ticks, tick_of

# Between looking and acting the world may change; then we look again. So often only if others start all the time.
MOST_ROUNDS: Final = 5
TRIGGER: Final = "timer"

logger = run_logger(__name__)


async def daily_timer(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """Start the run of this tick's UTC date, or write down why not.

    Raises what storage or hub raised, with the tick not dealt with: the host is to call again.
    """
    now = clock.utc_now()
    settings = app_settings()
    owed = owed_ticks(settings.scrape_schedule, tick_of(timer.schedule_status, now=now), now)
    for tick, later_tick in zip(owed, [*owed[1:], None], strict=True):
        await _Tick(client, settings, open_store(settings), tick, later_tick).serve()


@dataclass(frozen=True, slots=True)
class _Tick:
    """One tick and what it takes to serve it."""

    client: df.DurableOrchestrationClient
    settings: Settings
    store: Store
    tick: datetime
    later_tick: datetime | None

    @property
    def run_id(self) -> str:
        """One date, one run."""
        return f"daily-{self.tick.date().isoformat()}"

    @property
    def claim(self) -> str:
        """The same for all ticks of the date: what an earlier attempt has begun is ours to finish."""
        return f"{TRIGGER}:{self.run_id}"

    async def serve(self) -> None:
        """Deal with the tick: at most one start, or a line in the ledger, however often this is called."""
        with log_context(run_id=self.run_id):
            await self._serve()

    async def _serve(self) -> None:
        refusal: RunAlreadyLive | None = None
        for _ in range(MOST_ROUNDS):
            decision = decide(await self._facts())
            if decision.act is Act.NOTHING:
                return
            if decision.act is Act.SKIP:
                await self._skip(decision)
                return
            try:
                await self._act(decision)
            except RunAlreadyLive as refused:
                refusal = refused  # somebody was faster: look again
            else:
                return
        holder = refusal.ticket.instance_id if refusal is not None and refusal.ticket is not None else ""
        await self._skip(Decision(Act.SKIP, SkipReason.HELD, holder, str(refusal)))

    async def _facts(self) -> Facts:
        ticket = await self.store.tickets.read(names.DAILY_SCRAPE)
        state = await self.store.schedules.read(names.DAILY_SCRAPE)
        holder = await self._holder(ticket)
        waiting = await find_scheduled(self.client, self.store.schedules, names.BUFFERED_SCRAPE)
        is_waiting = waiting is not None and waiting.is_waiting
        return Facts(
            tick=self.tick,
            now=clock.utc_now(),
            policy=self.settings.overlap_policy,
            catchup_window=timedelta(minutes=self.settings.catchup_window_minutes),
            run_id=self.run_id,
            paused=state.paused,
            served_at=await self._served_at(ticket, holder),
            later_tick=self.later_tick,
            holder=holder,
            waiting=waiting.start.instance_id if waiting is not None and is_waiting else "",
            waiting_for=waiting.start.due_at if waiting is not None and is_waiting else None,
        )

    async def _served_at(self, ticket: Ticket | None, holder: str) -> datetime | None:
        """When the run of this date began; a start that was overtaken before it did anything is none."""
        run = await self.store.runs.find(self.run_id)
        if run is not None and run.outcome != "superseded":
            return run.started_at
        if ticket is None or ticket.instance_id != self.run_id:
            return None
        return ticket.acquired_at if ticket.state is TicketState.STARTED or holder == self.run_id else None

    async def _holder(self, ticket: Ticket | None) -> str:
        async def holder_is_live(instance_id: str) -> bool:
            return await is_live(self.client, instance_id, of=names.DAILY_SCRAPE)

        if ticket is None:
            return ""
        # Of our own earlier attempt only its instance counts: there is nobody else who will finish it.
        grace = timedelta(0) if ticket.claim == self.claim else self.settings.start_grace
        held = await is_held(ticket, is_live=holder_is_live, now=clock.utc_now(), grace=grace)
        if not held and self.settings.overlap_policy == "cancel_other" and ticket.stop is StopMode.NOW:
            held = await holder_is_live(ticket.instance_id)  # the stop was cut off, and is to be brought to its end
        return ticket.instance_id if held else ""

    async def _act(self, decision: Decision) -> None:
        start = Start(names.DAILY_SCRAPE, self.run_id, {}, started_by=TRIGGER, once=True, claim=self.claim)
        grace = self.settings.start_grace
        if decision.act is Act.WAIT:
            await start_when_free(self.client, self.store.tickets, start, due=self.tick, grace=grace)
            logger.info("'%s' starts as soon as '%s' has ended", self.run_id, decision.holder)
            return
        if decision.act is Act.REPLACE:
            await self._stop(decision.holder)
        await start_singleton(self.client, self.store.tickets, start, grace=grace)

    async def _stop(self, holder: str) -> None:
        with suppress(RunHasEnded, RunNotFound):  # what has ended in this moment need not be stopped
            await stop_run(self.client, self.store, holder, StopMode.NOW, by=f"the schedule, for '{self.run_id}'")

    async def _skip(self, decision: Decision) -> None:
        assert decision.reason is not None
        await self.store.skips.record(
            Skip(
                at=clock.utc_now(),
                run_id=self.run_id,
                trigger=TRIGGER,
                reason=decision.reason,
                holder=decision.holder,
                detail=decision.detail,
                scheduled_for=self.tick,
            )
        )
        logger.warning("skipped the scheduled start of '%s': %s", self.run_id, decision.detail)
